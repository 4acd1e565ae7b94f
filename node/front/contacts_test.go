package front

import (
	"slices"
	"testing"

	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

func TestMatch(t *testing.T) {
	person := func(b byte, name string) store.Contact {
		return store.Contact{Identity: rpc.Identity{b, 1}, Name: name}
	}
	bob, stranger := person(1, "bob"), person(9, "")
	id := text(bob.Identity)
	all := []store.Contact{
		person(2, id), person(3, id[:12]), person(4, text(stranger.Identity)), bob,
		person(5, "bobby"), person(6, "1"), person(7, identityStart),
	}
	for who, want := range map[string][]byte{
		"":                      nil,
		"bob":                   {1},
		"bobb":                  {5},
		"bo":                    {1, 5},
		"Bob":                   {1},
		"BO":                    {1, 5},
		id:                      {1},
		id[:12]:                 {1},
		id[:len(id)-1]:          {1},
		text(stranger.Identity): nil,
		"1":                     {6},
		identityStart:           {7},
		"12":                    {2, 3, 4, 1, 5, 6, 7},
		text(all[0].Identity):   {2},
	} {
		var got []byte
		for _, c := range match(all, who) {
			got = append(got, c.Identity[0])
		}
		if !slices.Equal(got, want) {
			t.Errorf("match(%q): got %v, want %v", who, got, want)
		}
	}
}
