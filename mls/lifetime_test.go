package mls

import (
	"errors"
	"testing"
	"time"
)

// TestGreatestLifetime: every member refuses a leaf of a key package that lives too
// long, in a commit and in a tree, whatever its own clock says (RFC 9420, §7.2).
func TestGreatestLifetime(t *testing.T) {
	for span, want := range map[time.Duration]error{MaxLifetime: nil, MaxLifetime + time.Second: ErrLifetime, -time.Second: ErrLifetime} {
		all := newGroup(t, X25519_AES128GCM_SHA256_Ed25519, "anna", "bert")
		a, b, c := all[0], all[1], newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "cleo")
		c.kp = resign(t, c, func(k *KeyPackage) {
			k.leaf.lifetime = Lifetime{1 << 40, uint64(1<<40 + int64(span/time.Second))}
		})
		commit := a.forge(&commit{proposals: []proposalOrRef{addOf(c.kp)}}, true, nil)
		if _, err := b.epoch.Stage(b.records, commit, StageConfig{}); !errors.Is(err, want) {
			t.Errorf("%v, commit: got %v, want %v", span, err, want)
		}
		s, err := b.epoch.Stage(b.records, commit, StageConfig{AnyLifetime: true})
		must(t, err)
		next, err := s.Apply(b.records)
		must(t, err)

		tree := welcomeForge{tree: func(e *treeEdit) { e.add(c.kp.leaf) }}
		if _, err := tree.attempt(t); !errors.Is(err, want) {
			t.Errorf("%v, join: got %v, want %v", span, err, want)
		}
		tree.join = func(cfg *JoinConfig) { cfg.AnyLifetime = true }
		if _, err := tree.attempt(t); err != nil {
			t.Errorf("%v, join with any lifetime: %v", span, err)
		}

		info, err := next.GroupInfo(true)
		must(t, err)
		for _, lenient := range []bool{false, true} {
			_, err := External(ExternalConfig{GroupInfo: info, Signer: b.signer, Identity: []byte("bert"), AnyLifetime: lenient})
			if !lenient && !errors.Is(err, want) || lenient && err != nil {
				t.Errorf("%v, external commit, any lifetime %v: got %v, want %v", span, lenient, err, want)
			}
		}
	}
}
