package tries

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// at is a moment of the tests.
func at(second int) time.Time { return time.Unix(1_700_000_000+int64(second), 0) }

func TestAdd(t *testing.T) {
	var list []Try
	for i := range 5 {
		list = Add(list, Try{Way: Machine, At: at(i), Result: "no answer yet"})
		list = Add(list, Try{Way: Machine, At: at(i), Took: time.Second, Result: "no\nanswer"})
		list = Add(list, Try{Way: Relay, Relay: transport.Key{1}, At: at(i), Result: "is full"})
	}
	want := []Try{
		{Way: Machine, At: at(0), Last: at(4), Times: 5, Took: time.Second, Result: "no answer"},
		{Way: Relay, Relay: transport.Key{1}, At: at(0), Last: at(4), Times: 5, Result: "is full"},
	}
	if !slices.Equal(list, want) {
		t.Errorf("got %+v", list)
	}
	// Those under way are not counted together: each ends in its own way.
	way := Add(Add(nil, Try{Way: Machine, At: at(0), Result: NoAnswer}), Try{Way: Machine, At: at(1), Result: NoAnswer})
	way = Add(Add(way, Try{Way: Machine, At: at(0), Took: 1, Result: NoAnswer}), Try{Way: Machine, At: at(1), Took: 1, Result: NoAnswer})
	if want := []Try{{Way: Machine, At: at(0), Last: at(1), Times: 2, Took: 1, Result: NoAnswer}}; !slices.Equal(way, want) {
		t.Errorf("got %+v, want %+v", way, want)
	}
	list = Add(list, Try{Way: Machine, At: at(6), OK: true, Result: "took it"})
	list = Add(list, Try{Way: Machine, At: at(7), OK: true, Result: "took it"})
	if len(list) != 4 {
		t.Errorf("got %+v, want two tries that succeeded apart", list)
	}
	for i := range 100 {
		list = Add(list, Try{Way: Machine, At: at(10 + i), Result: fmt.Sprint(i, strings.Repeat("ü", 500))})
	}
	if len(list) != Most || len(list[0].Result) > maxResult+10 {
		t.Errorf("got %d tries of %d bytes", len(list), len(list[0].Result))
	}
}

func TestJoin(t *testing.T) {
	kept := []Try{{Way: Machine, At: at(1), OK: true, Result: "took it"}, {Way: Relay, At: at(2), Result: "no answer yet"}}
	lately := []Try{{Way: Relay, At: at(0), Result: "no answer"}, {Way: Machine, At: at(1), Result: "no answer yet"}, {Way: Relay, At: at(2), Result: "no answer"}}
	want := []Try{lately[0], kept[0], lately[2]}
	if got := Join(kept, lately); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// What was under way when it was kept has ended since, like what was tried before it.
	kept = []Try{{Way: Machine, At: at(1), Took: 1, Result: "lost"}, {Way: Machine, At: at(3), Result: NoAnswer}}
	twice := Try{Way: Machine, At: at(1), Last: at(3), Times: 2, Took: 1, Result: "lost"}
	if got := Join(kept, []Try{twice}); !slices.Equal(got, []Try{twice}) {
		t.Errorf("got %+v, want %+v", got, twice)
	}
	if got := Between(want, at(1), at(1)); !slices.Equal(got, want[1:2]) {
		t.Errorf("got %+v between", got)
	}
}

func TestEncode(t *testing.T) {
	list := []Try{
		{Way: Machine, At: at(1).UTC(), Last: at(2).UTC(), Times: 3, Took: time.Second, Path: transport.PathLAN, OK: true, Result: "took it"},
		{Way: Receipt, At: at(3).UTC(), Result: "x"},
	}
	if got := Decode(Encode(list)); !slices.Equal(got, list) {
		t.Errorf("got %+v, want %+v", got, list)
	}
	for _, text := range []string{"", "{", "[{}", `[{"r":"nonsense"}]`} {
		if got := Decode([]byte(text)); got != nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
	if got := Encode(nil); got != nil {
		t.Errorf("got %q for nothing", got)
	}
}

func TestBook(t *testing.T) {
	var b Book
	b.Plan(rpc.Identity{1}, time.Time{})
	for i := range maxPeople + 1 {
		b.Note(rpc.Identity{byte(i), byte(i >> 8)}, Try{Way: Machine, At: at(i), Result: "no answer"})
	}
	if len(b.m) > maxPeople {
		t.Errorf("the book has %d pages", len(b.m))
	}
	last := rpc.Identity{byte(maxPeople & 255), byte(maxPeople >> 8)}
	if got := b.Since(last, at(maxPeople)); len(got) != 1 {
		t.Errorf("got %v", got)
	}
	if got := b.Since(last, at(maxPeople+1)); len(got) != 0 {
		t.Errorf("got %v from before", got)
	}
	b.Plan(last, at(9))
	if got := b.Next(last); !got.Equal(at(9)) {
		t.Errorf("got %v", got)
	}
}
