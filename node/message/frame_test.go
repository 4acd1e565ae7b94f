package message

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"quicnprotochat/mls/seal"
	"quicnprotochat/node/identity"
	"quicnprotochat/rpc"
)

// newIdentity derives an identity from one byte.
func newIdentity(t testing.TB, b byte) *identity.Identity {
	t.Helper()
	i, err := identity.FromSeed(bytes.Repeat([]byte{b}, identity.SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// newControl returns a control from one to another.
func newControl(t testing.TB, body Body) *Control {
	t.Helper()
	alice, bob := newIdentity(t, 1), newIdentity(t, 2)
	c, err := NewControl(alice.ID(), bob.ID(), []byte("group"), body, alice.Sign)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rawRanges encodes ranges as they are.
func rawRanges(r Ranges) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(r)))
	for _, v := range r {
		b = binary.BigEndian.AppendUint64(b, v.Lo)
		b = binary.BigEndian.AppendUint64(b, v.Hi)
	}
	return b
}

// list encodes items as they are, without the type of the frame.
func list(items ...[]byte) []byte {
	b := []byte{byte(len(items))}
	for _, item := range items {
		b = binary.BigEndian.AppendUint32(b, uint32(len(item)))
		b = append(b, item...)
	}
	return b
}

func typed(t byte, b []byte) []byte { return append([]byte{t}, b...) }

func TestFrameRoundTrip(t *testing.T) {
	control := newControl(t, testReceipt())
	one, eight := MLSMessages{[]byte("welcome")}, MLSMessages(bytes.SplitAfter([]byte("abcdefgh"), nil))
	tests := map[string][]Part{
		"one message":     {one},
		"eight messages":  {eight},
		"largest message": {MLSMessages{make([]byte, seal.MaxFrame-6)}},
		"control":         {control},
		"bundle of two":   {control, one},
		"bundle of four":  {one, control, eight, control},
	}
	for name, parts := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := EncodeFrame(parts...)
			if err != nil {
				t.Fatal(err)
			}
			if want := parts[0]; len(parts) > 1 && b[0] != frameBundle {
				t.Errorf("%T: type 0x%02x", want, b[0])
			}
			got, err := ParseFrame(b)
			if err != nil || !reflect.DeepEqual(got, parts) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestFrameBytes(t *testing.T) {
	got, err := EncodeFrame(MLSMessages{[]byte("ab"), []byte("c")}, MLSMessages{[]byte("d")})
	want := "\x03\x02\x00\x00\x00\x0d\x01\x02\x00\x00\x00\x02ab\x00\x00\x00\x01c\x00\x00\x00\x07\x01\x01\x00\x00\x00\x01d"
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestEncodeFrameRefuses(t *testing.T) {
	one := MLSMessages{[]byte("m")}
	half := MLSMessages{make([]byte, seal.MaxFrame/2)}
	for name, parts := range map[string][]Part{
		"nothing":           {},
		"no message":        {MLSMessages{}},
		"empty message":     {MLSMessages{nil}},
		"nine messages":     {make(MLSMessages, 9)},
		"message too large": {MLSMessages{make([]byte, seal.MaxFrame-5)}},
		"nine parts":        {one, one, one, one, one, one, one, one, one},
		"bundle too large":  {half, half},
		"group id too long": {&Control{Group: make([]byte, MaxGroupID+1)}},
		"body too long":     {&Control{Body: make([]byte, MaxControlBody+1)}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := EncodeFrame(parts...); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v, want %v", err, ErrMalformed)
			}
		})
	}
}

func TestParseFrameRefuses(t *testing.T) {
	m := []byte("m")
	frame := typed(frameMLS, list(m))
	cut := typed(frameBundle, list(frame, frame))
	for name, b := range map[string][]byte{
		"empty":               {},
		"type 0":              {0},
		"type 7":              typed(7, list(m)),
		"no count":            {frameMLS},
		"no message":          {frameMLS, 0},
		"empty message":       typed(frameMLS, list(nil)),
		"nine messages":       typed(frameMLS, list(m, m, m, m, m, m, m, m, m)),
		"message and more":    append(typed(frameMLS, list(m)), 0),
		"count too high":      {frameMLS, 2, 0, 0, 0, 1, 'm'},
		"length over frame":   {frameMLS, 1, 0xff, 0xff, 0xff, 0xff, 'm'},
		"empty control":       {frameControl},
		"no frames":           {frameBundle, 0},
		"one frame":           typed(frameBundle, list(frame)),
		"empty frame":         typed(frameBundle, list(frame, nil)),
		"nine frames":         typed(frameBundle, list(frame, frame, frame, frame, frame, frame, frame, frame, frame)),
		"bundle in a bundle":  typed(frameBundle, list(frame, typed(frameBundle, list(frame, frame)))),
		"bad frame in bundle": typed(frameBundle, list(frame, typed(frameMLS, list(nil)))),
		"bundle cut short":    cut[:len(cut)-1],
		"bundle and more":     append(bytes.Clone(cut), 0),
		"too large":           typed(frameMLS, list(make([]byte, seal.MaxFrame))),
	} {
		t.Run(name, func(t *testing.T) {
			if parts, err := ParseFrame(b); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v, %v, want %v", parts, err, ErrMalformed)
			}
		})
	}
}

func TestParseFrameSignature(t *testing.T) {
	control := newControl(t, testReceipt())
	control.Signature[0] ^= 1
	for name, parts := range map[string][]Part{
		"alone": {control}, "in a bundle": {MLSMessages{[]byte("m")}, control},
	} {
		b, err := EncodeFrame(parts...)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseFrame(b); !errors.Is(err, ErrSignature) || got != nil {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, ErrSignature)
		}
	}
}

// TestParseFrameAllocates shows that a claim of many items costs nothing.
func TestParseFrameAllocates(t *testing.T) {
	b := []byte{frameBundle, 255, 0xff, 0xff, 0xff, 0xff}
	if n := testing.AllocsPerRun(100, func() { ParseFrame(b) }); n > 8 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParseFrame(f *testing.F) {
	control := newControl(f, testReceipt())
	for _, parts := range [][]Part{
		{MLSMessages{[]byte("m"), []byte("n")}},
		{control},
		{control, MLSMessages{[]byte("m")}},
		{testTree(f), ContactCards{[]byte("c")}, RatchetTree{1}},
	} {
		b, err := EncodeFrame(parts...)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		parts, err := ParseFrame(b)
		if err != nil {
			return
		}
		again, err := EncodeFrame(parts...)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("got %x, %v, want %x", again, err, b)
		}
	})
}

func BenchmarkParseFrame(b *testing.B) {
	var id rpc.Identity
	for name, part := range map[string]Part{
		"mls":     MLSMessages{make([]byte, 1024)},
		"control": newControl(b, &Receipt{Author: id, Ranges: Ranges{{1, 5}}}),
	} {
		frame, err := EncodeFrame(part)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := ParseFrame(frame); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
