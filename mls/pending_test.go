package mls

import "testing"

// TestPending counts proposals, ours and another's, until somebody commits.
func TestPending(t *testing.T) {
	g := newGroup(t, X25519_AES128GCM_SHA256_Ed25519, "anna", "bert", "cleo")
	anna, bert := g[0], g[1]
	want := func(n int) {
		t.Helper()
		for _, m := range []*member{anna, bert} {
			if got, err := m.epoch.Pending(m.records); err != nil || got != n {
				t.Errorf("%s: got %d, %v, want %d", m.name, got, err, n)
			}
		}
	}
	want(0)
	for n, propose := range []func() (*Proposal, error){
		func() (*Proposal, error) { return anna.epoch.ProposeUpdate(anna.records, ProposeConfig{}) },
		func() (*Proposal, error) { return anna.epoch.ProposeRemove(anna.records, 2, ProposeConfig{}) },
	} {
		p, err := propose()
		must(t, err)
		_, err = bert.epoch.Receive(bert.records, p.Message)
		must(t, err)
		want(n + 1)
	}
	s, err := bert.epoch.Commit(bert.records, CommitConfig{})
	must(t, err)
	anna.follow(s.Message())
	next, err := s.Apply(bert.records)
	must(t, err)
	bert.enter(next)
	want(0)
}
