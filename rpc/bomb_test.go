package rpc

import (
	"errors"
	"testing"
	"time"

	"capnproto.org/go/capnp/v3"
	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"

	"quicnprotochat/schema"
)

// mostOfBomb bounds what a bomb of a few hundred KiB may make this side allocate: some
// times its size.
const mostOfBomb = 32 << 20

// nested is a list in a list in a list, and so on.
func nested(seg *capnp.Segment, depth int) (capnp.Ptr, error) {
	var inner capnp.Ptr
	for range depth {
		list, err := capnp.NewPointerList(seg, 1)
		if err != nil {
			return inner, err
		}
		if err := list.Set(0, inner); err != nil {
			return inner, err
		}
		inner = list.ToPtr()
	}
	return inner, nil
}

// alike is a list of n pointers to one place with some bytes.
func alike(seg *capnp.Segment, n int32, bytes []byte) (capnp.Ptr, error) {
	blob, err := capnp.NewData(seg, bytes)
	if err != nil {
		return capnp.Ptr{}, err
	}
	list, err := capnp.NewPointerList(seg, n)
	if err != nil {
		return capnp.Ptr{}, err
	}
	for i := range int(n) {
		if err := list.Set(i, blob.ToPtr()); err != nil {
			return capnp.Ptr{}, err
		}
	}
	return list.ToPtr(), nil
}

// TestBombs sends calls that are small and mean to be much: nested without end, lists
// of elements without size, one place that a thousand pointers lead to. Each costs what
// its size explains, and the connection goes on.
func TestBombs(t *testing.T) {
	to := testID(2)
	type place = func(*capnp.Segment) (capnp.Ptr, error)
	for name, bomb := range map[string]place{
		"nested":              func(seg *capnp.Segment) (capnp.Ptr, error) { return nested(seg, 20_000) },
		"alike":               func(seg *capnp.Segment) (capnp.Ptr, error) { return alike(seg, MaxBatch, make([]byte, 256<<10)) },
		"many alike":          func(seg *capnp.Segment) (capnp.Ptr, error) { return alike(seg, 20_000, to[:]) },
		"elements of no size": func(seg *capnp.Segment) (capnp.Ptr, error) { return capnp.NewVoidList(seg, 1<<28).ToPtr(), nil },
	} {
		t.Run(name, func(t *testing.T) {
			r, _, _ := rawClient(t, new(recorder).service(), nil)
			r.send(bootstrap(0))
			n := allocated(func() {
				id := uint32(1)
				for _, at := range []uint16{0, 1, 2} { // recipients, payload, channel
					r.send(call(id, 17, capnp.ObjectSize{DataSize: 8, PointerCount: 4}, func(st capnp.Struct) error {
						return deposited(st, at, bomb)
					}))
					// What is no bytes reads as none: a payload or a channel may be that.
					if ret := r.returned(id); at == 0 && ret.Which() != rpccp.Return_Which_exception {
						t.Error("taken as recipients")
					}
					r.send(finish(id))
					id++
				}
				r.send(health(id))
				if ret := r.returned(id); ret.Which() != rpccp.Return_Which_results {
					t.Errorf("health afterwards: %s", reason(ret))
				}
			})
			if n > mostOfBomb {
				t.Errorf("allocated %d bytes", n)
			}
		})
	}
}

// deposited fills in a batchEnqueue that is good but for one pointer.
func deposited(st capnp.Struct, at uint16, bomb func(*capnp.Segment) (capnp.Ptr, error)) error {
	p, to := schema.NodeService_batchEnqueue_Params(st), testID(2)
	p.SetVersion(1)
	auth, err := p.NewAuth()
	auth.SetVersion(1)
	keys, err2 := p.NewRecipientKeys(1)
	err = firstError(err, err2, keys.Set(0, to[:]), p.SetPayload([]byte("x")), auth.SetAccessToken(token(TokenTLS)))
	if err != nil {
		return err
	}
	ptr, err := bomb(st.Segment())
	return firstError(err, st.SetPtr(at, ptr))
}

// TestAnswerOfOnePlace answers with a thousand envelopes that are all one place in the
// message, which the caller would have to copy a thousand times.
func TestAnswerOfOnePlace(t *testing.T) {
	r, _, _, result := rawServer(t)
	n := allocated(func() {
		r.send(results(1, 0, func(p rpccp.Payload) error {
			st, err := capnp.NewStruct(p.Segment(), sizePointer)
			if err != nil {
				return err
			}
			list, err := schema.NodeService_fetch_Results(st).NewPayloads(1000)
			if err != nil {
				return err
			}
			blob, err := capnp.NewData(p.Segment(), make([]byte, 1<<20))
			if err != nil {
				return err
			}
			for i := range list.Len() {
				if err := capnp.Struct(list.At(i)).SetPtr(0, blob.ToPtr()); err != nil {
					return err
				}
			}
			return p.SetContent(st.ToPtr())
		}))
		select {
		case err := <-result:
			if !errors.Is(err, ErrBadAnswer) {
				t.Errorf("got %v, want %v", err, ErrBadAnswer)
			}
		case <-time.After(10 * time.Second):
			t.Error("no result")
		}
	})
	if n > mostOfBomb {
		t.Errorf("allocated %d bytes", n)
	}
}
