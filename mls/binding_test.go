package mls

import (
	"bytes"
	"testing"
)

// TestBinding: the GroupInfo of an epoch has the epoch's binding, which all its
// members have and no other epoch has.
func TestBinding(t *testing.T) {
	s := X25519_AES128GCM_SHA256_Ed25519
	alice, bob := newMemberOf(t, s, "alice"), newMemberOf(t, s, "bob")
	alice.create(GroupConfig{})
	before := alice.epoch.Binding()
	alice.add(false, bob)
	a, b := alice.epoch, bob.epoch
	if a.Binding() != b.Binding() || a.Binding() == before {
		t.Error("two members of one epoch have two bindings, or two epochs one")
	}
	info, err := a.GroupInfo(true)
	if err != nil {
		t.Fatal(err)
	}
	id, n, binding, err := GroupInfoOf(info)
	if err != nil || !bytes.Equal(id, a.GroupID()) || n != a.Number() || binding != a.Binding() {
		t.Errorf("group info: got %x, %d, %x, %v, want those of its epoch", id, n, binding, err)
	}
	if _, _, _, err := GroupInfoOf(info[:len(info)-1]); err == nil {
		t.Error("cut group info: got no error")
	}
}
