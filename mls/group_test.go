package mls

import (
	"fmt"
	"testing"
)

// TestGroup is the life of a small group in every suite: create, add one by
// one and several at once, by private and by public commits, messages from
// everybody to everybody in each epoch, with a reload before every step.
func TestGroup(t *testing.T) {
	eachSuite(t, func(t *testing.T, s Suite) {
		for _, public := range []bool{false, true} {
			t.Run(fmt.Sprintf("public=%v", public), func(t *testing.T) {
				var all []*member
				for i := range 7 {
					m := newMemberOf(t, s, fmt.Sprintf("member %d", i))
					m.reload = true
					all = append(all, m)
				}
				all[0].create(GroupConfig{})
				grow := func(committer int, from, to int) {
					commit := all[committer].add(public, all[from:to]...)
					for i, m := range all[:from] {
						if i != committer {
							staged := m.follow(commit.Message())
							if got := len(staged.Changes().Added); got != to-from {
								t.Fatalf("got %d added, want %d", got, to-from)
							}
						}
					}
					sameEpoch(t, all[:to]...)
					everybodyTalks(t, all[:to])
				}
				grow(0, 1, 2)
				grow(1, 2, 3)
				if s != X25519_AES128GCM_SHA256_Ed25519 {
					return // the larger curves are slow
				}
				grow(0, 3, 6)
				grow(5, 6, 7)
			})
		}
	})
}

func everybodyTalks(t *testing.T, all []*member) {
	t.Helper()
	for i, from := range all {
		for n := range 2 {
			text := fmt.Sprintf("message %d of %d", n, i)
			msg := from.encrypt(text)
			for _, to := range all {
				if to != from {
					to.decrypt(msg, from, text)
				}
			}
		}
	}
}
