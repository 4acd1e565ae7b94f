package group

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/node/convo"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

var cutStride = flag.Int("cut.stride", 0, "steps of the store between two halts of TestCuts; 0 means two halts for each member")

// reread opens again what no key opened when it came, as delivery does.
func (p *person) reread() {
	p.t.Helper()
	var rows []store.Incoming
	p.view(func(tx *store.Tx) (err error) {
		for _, waiting := range []bool{false, true} {
			list, e := tx.Incoming(0, 0, waiting)
			rows, err = append(rows, list...), errors.Join(err, e)
		}
		return err
	})
	for _, row := range rows {
		if err := p.engine.Receive(p.t.Context(), row); err != nil && !errors.Is(err, convo.ErrWaiting) && !errors.Is(err, convo.ErrRefused) {
			p.t.Fatal(err)
		}
	}
}

// cutPlay is the life of a group: two commits on one epoch, a Welcome, a branch that
// loses, a member that has lost all keys and comes back, messages in between. Victim
// is halted at a commit.
func cutPlay(t *testing.T, victim, at int) (steps int) {
	all := newPeople(t, "anna", "bert", "cleo", "dora")
	anna, bert, cleo, dora := all[0], all[1], all[2], all[3]
	group, id := promoted(t, anna, bert, cleo)
	all[victim].cut.armed, all[victim].cut.at = true, at
	// What the user asks for is done, whatever happens.
	ask := func(p *person, do func(ctx context.Context) error) {
		t.Helper()
		armed := p.cut.armed
		p.cut.armed = false
		must(t, do(t.Context()))
		p.cut.armed = armed
	}
	say := func(p *person, text string) {
		t.Helper()
		ask(p, func(ctx context.Context) error { _, err := p.groups.Send(ctx, id, chat(text)); return err })
	}
	say(bert, "one")
	ask(anna, func(ctx context.Context) error { return anna.groups.Invite(ctx, id, []rpc.Identity{dora.id.ID()}) })
	ask(anna, func(ctx context.Context) error { return anna.engine.Start(ctx, dora.id.ID(), dora.keyPackage(nil)) })
	ask(bert, func(ctx context.Context) error { return bert.groups.Rename(ctx, id, "bert's") })
	settle(group, bert, cleo) // this branch loses
	settle(group, all...)
	say(cleo, "two")
	quiet(group, anna, bert, dora)
	ask(anna, func(ctx context.Context) error { return anna.groups.Update(ctx, id) })
	settle(group, anna, bert, dora)
	// Cleo, alone, loses what the others are in.
	ask(cleo, func(ctx context.Context) error { return cleo.groups.Update(ctx, id) })
	settle(group, cleo)
	time.Sleep(8 * 24 * time.Hour)
	for _, p := range all {
		ask(p, func(context.Context) error {
			for _, q := range all {
				if p != q {
					p.meet(q)
				}
			}
			return nil
		})
	}
	quiet(group, all...)
	steps = all[victim].cut.seen
	all[victim].cut.armed = false
	for _, p := range all {
		p.reread()
	}
	quiet(group, all...)
	together(group, all...)
	for _, p := range all {
		want := []string{"one", "two"}
		if p == dora {
			want = want[1:]
		}
		if got := p.texts(id); !slices.Equal(got, want) && !(p == dora && len(got) == 0) {
			t.Errorf("%s shows %q, want %q", p.name, got, want)
		}
	}
	return steps
}

// TestCuts halts each of four members at its commits to the store, before and after
// them, while the group changes: nothing is lost, nobody stays apart.
func TestCuts(t *testing.T) {
	for victim, name := range []string{"anna", "bert", "cleo", "dora"} {
		steps := 0
		synctest.Test(t, func(t *testing.T) { steps = cutPlay(t, victim, -1) })
		t.Logf("%s has %d steps", name, steps)
		stride := *cutStride
		if stride == 0 {
			stride = steps/2 + 1
		}
		for at := victim % stride; at < steps; at += stride {
			t.Run(fmt.Sprintf("%s/%d", name, at), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { cutPlay(t, victim, at) })
			})
		}
	}
}
