package integration

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"slices"
	"testing"
	"time"

	"capnproto.org/go/capnp/v3"

	"quicnprotochat/schema"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

// The methods that a round does not take.

func (f *foreigner) fetch(token, owner, channel []byte) (got []envelope, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_fetch_Results_Future, capnp.ReleaseFunc) {
		return s.Fetch(f.t.Context(), func(p schema.NodeService_fetch_Params) error {
			p.SetVersion(1)
			return errors.Join(p.SetRecipientKey(owner), p.SetChannelId(channel), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_fetch_Results) (err error) {
		got, err = envelopes(r.Payloads())
		return err
	})
	return got, err
}

func (f *foreigner) peek(token, owner []byte, limit uint32) (got []envelope, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_peek_Results_Future, capnp.ReleaseFunc) {
		return s.Peek(f.t.Context(), func(p schema.NodeService_peek_Params) error {
			p.SetVersion(1)
			p.SetLimit(limit)
			return errors.Join(p.SetRecipientKey(owner), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_peek_Results) (err error) {
		got, err = envelopes(r.Payloads())
		return err
	})
	return got, err
}

// keyList fills a list of keys.
func keyList(keys [][]byte, newList func(int32) (capnp.DataList, error)) error {
	list, err := newList(int32(len(keys)))
	for i, key := range keys {
		err = errors.Join(err, list.Set(i, key))
	}
	return err
}

func (f *foreigner) batchEnqueue(token []byte, to [][]byte, channel, payload []byte) (seqs []uint64, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_batchEnqueue_Results_Future, capnp.ReleaseFunc) {
		return s.BatchEnqueue(f.t.Context(), func(p schema.NodeService_batchEnqueue_Params) error {
			p.SetVersion(1)
			return errors.Join(keyList(to, p.NewRecipientKeys), p.SetChannelId(channel), p.SetPayload(payload), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_batchEnqueue_Results) error {
		list, err := r.Seqs()
		for i := range list.Len() {
			seqs = append(seqs, list.At(i))
		}
		return err
	})
	return seqs, err
}

func (f *foreigner) fetchHybridKeys(token []byte, owners [][]byte) (blobs []string, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_fetchHybridKeys_Results_Future, capnp.ReleaseFunc) {
		return s.FetchHybridKeys(f.t.Context(), func(p schema.NodeService_fetchHybridKeys_Params) error {
			return errors.Join(keyList(owners, p.NewIdentityKeys), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_fetchHybridKeys_Results) error {
		list, err := r.Keys()
		for i := range list.Len() {
			b, err := list.At(i)
			if err != nil {
				return err
			}
			blobs = append(blobs, string(b))
		}
		return err
	})
	return blobs, err
}

func (f *foreigner) createChannel(token, peer []byte) (channel []byte, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_createChannel_Results_Future, capnp.ReleaseFunc) {
		return s.CreateChannel(f.t.Context(), func(p schema.NodeService_createChannel_Params) error {
			return errors.Join(p.SetPeerKey(peer), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_createChannel_Results) error {
		b, err := r.ChannelId()
		channel = bytes.Clone(b)
		return err
	})
	return channel, err
}

func (f *foreigner) resolveEndpoint(token, owner []byte) (record []byte, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_resolveEndpoint_Results_Future, capnp.ReleaseFunc) {
		return s.ResolveEndpoint(f.t.Context(), func(p schema.NodeService_resolveEndpoint_Params) error {
			return errors.Join(p.SetIdentityKey(owner), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_resolveEndpoint_Results) error {
		b, err := r.NodeAddr()
		record = bytes.Clone(b)
		return err
	})
	return record, err
}

func (f *foreigner) resolveUser(token []byte, name string) (id []byte, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_resolveUser_Results_Future, capnp.ReleaseFunc) {
		return s.ResolveUser(f.t.Context(), func(p schema.NodeService_resolveUser_Params) error {
			return errors.Join(p.SetUsername(name), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_resolveUser_Results) error {
		b, err := r.IdentityKey()
		id = bytes.Clone(b)
		return err
	})
	return id, err
}

func (f *foreigner) resolveIdentity(token, id []byte) (name string, err error) {
	err = call(f, func(s schema.NodeService) (schema.NodeService_resolveIdentity_Results_Future, capnp.ReleaseFunc) {
		return s.ResolveIdentity(f.t.Context(), func(p schema.NodeService_resolveIdentity_Params) error {
			return errors.Join(p.SetIdentityKey(id), auth(token, p.NewAuth))
		})
	}, func(r schema.NodeService_resolveIdentity_Results) (err error) {
		name, err = r.Username()
		return err
	})
	return name, err
}

// rest calls what exchange does not, with both logged in and nothing in their inboxes.
func rest(t *testing.T, f *foreigner, alice, bob *foreignUser) {
	t.Helper()
	want := func(what string, err error, ok bool) {
		t.Helper()
		if err != nil || !ok {
			t.Errorf("%s: right %v, %v", what, ok, err)
		}
	}
	nobody := newForeignUser(t, "nobody")
	id, err := f.resolveUser(bob.token, alice.name)
	want("resolveUser", err, bytes.Equal(id, alice.id))
	id, err = f.resolveUser(bob.token, "nobody-at-all")
	want("resolveUser of nobody", err, len(id) == 0)
	name, err := f.resolveIdentity(bob.token, alice.id)
	want("resolveIdentity", err, name == alice.name)
	name, err = f.resolveIdentity(bob.token, nobody.id)
	want("resolveIdentity of nobody", err, name == "")

	e := endpoint.Record{Identity: transport.Key(alice.id), Seq: uint64(time.Now().UnixMilli()), Expiry: time.Now().Add(time.Hour)}
	record, err := e.Encode(nil, [32]byte{1}, func(domain string, msg []byte) []byte {
		return ed25519.Sign(alice.signer, append([]byte(domain), msg...))
	})
	want("endpoint", err, true)
	want("publishEndpoint", f.publishEndpoint(alice.token, alice.id, record), true)
	got, err := f.resolveEndpoint(bob.token, alice.id)
	want("resolveEndpoint", err, bytes.Equal(got, record))
	blobs, err := f.fetchHybridKeys(bob.token, [][]byte{bob.id, alice.id})
	want("fetchHybridKeys", err, slices.Equal(blobs, []string{"", "hybrid key"}))

	seqs, err := f.batchEnqueue(bob.token, [][]byte{alice.id, nobody.id, bob.id}, nil, []byte("to all"))
	want("batchEnqueue", err, len(seqs) == 3 && seqs[0] > 0 && seqs[1] == 0 && seqs[2] > 0)
	for _, u := range []*foreignUser{alice, bob} {
		for range 2 {
			mail, err := f.peek(u.token, u.id, 1)
			want("peek", err, len(mail) == 1 && mail[0].data == "to all")
		}
		mail, err := f.fetch(u.token, u.id, nil)
		want("fetch", err, len(mail) == 1 && mail[0].data == "to all")
		mail, err = f.fetch(u.token, u.id, nil)
		want("fetch of nothing", err, len(mail) == 0)
	}

	channel, err := f.createChannel(alice.token, bob.id)
	want("createChannel", err, len(channel) == 16)
	same, err := f.createChannel(bob.token, alice.id)
	want("createChannel from the other side", err, bytes.Equal(same, channel))
	_, err = f.batchEnqueue(bob.token, [][]byte{alice.id}, channel, []byte("on the channel"))
	want("enqueue on the channel", err, true)
	_, err = f.batchEnqueue(bob.token, [][]byte{bob.id}, channel, []byte("to oneself"))
	want("enqueue to oneself on the channel", nil, refused(err, "E014"))
	mail, err := f.fetch(alice.token, alice.id, channel)
	want("fetch on the channel", err, len(mail) == 1 && mail[0].data == "on the channel")
}
