package headmodel

import (
	"context"
	"fmt"
	"testing"

	"quicnprotochat/node/charter"
	"quicnprotochat/node/message"
)

// orders are those in which three things can come.
var orders = [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}

// TestOrders lets four members commit at once, and brings each the commits of the
// others in every order, with a crash before each and at the end (with
// -model.plays above 1, else at one of them): all come to one epoch, whoever they are.
func TestOrders(t *testing.T) {
	p := newPlay(t, config{n: 4, admins: 2})
	var names []message.EpochName
	var made []message.Commit
	for _, a := range p.all {
		must(t, a.groups.Update(context.Background(), charter.ConversationID(p.group)))
		a.tend(p.group)
		name := a.head(p.group)
		names, made = append(names, name), append(made, a.commit(p.group, name))
	}
	for _, a := range p.all {
		must(t, a.store.Close())
	}
	for i, a := range p.all {
		others := append(append([]message.Commit{}, made[:i]...), made[i+1:]...)
		for n, order := range orders {
			for at := range len(order) + 1 {
				if *plays == 1 && at != (n+i)%(len(order)+1) {
					continue
				}
				t.Run(fmt.Sprintf("m%d/%v/crash at %d", i, order, at), func(t *testing.T) {
					t.Parallel()
					a := *a
					a.t = t
					c := a.clone()
					defer c.store.Close()
					for k, which := range order {
						if k == at {
							c.crash()
						}
						c.give(others[which])
					}
					if at == len(order) {
						c.crash()
					}
					if got := c.head(p.group); got != names[0] {
						t.Errorf("head %x, want %x, that of the most senior", got, names[0])
					}
				})
			}
		}
	}
}
