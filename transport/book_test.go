package transport

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// numbered returns n addresses from the given block.
func numbered(block, n int) []Addr {
	var out []Addr
	for i := range n {
		out = append(out, Addr(fmt.Sprintf("/ip4/1.0.%d.%d/udp/7/quic-v1", block, i)))
	}
	return out
}

func TestBookOrder(t *testing.T) {
	var b book
	k, now := keyFor(1), time.Now()
	for _, src := range []Source{SourceRelay, SourcePeer, SourceLink, SourceUser, sourceSeen, SourceLAN} {
		b.learn(k, src, numbered(int(src), 1), now)
	}
	got, _ := b.candidates(k, now)
	var want []Addr
	for _, src := range []Source{SourceLAN, sourceSeen, SourceUser, SourceLink, SourcePeer, SourceRelay} {
		want = append(want, numbered(int(src), 1)...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// What failed last goes last, until it works again.
	b.record(k, []Attempt{{Addr: want[0], Err: "no answer", At: now}}, now)
	if got, _ := b.candidates(k, now); got[len(got)-1] != want[0] {
		t.Errorf("got %v, want the failed one last", got)
	}
	b.record(k, []Attempt{{Addr: want[0], At: now}}, now)
	if got, _ := b.candidates(k, now); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBookLeavesRoomForAllSources(t *testing.T) {
	var b book
	k, now := keyFor(1), time.Now()
	b.learn(k, SourceLink, numbered(1, 16), now)
	b.learn(k, SourceRelay, numbered(2, 16), now)
	got, _ := b.candidates(k, now)
	link, relay := numbered(1, 16), numbered(2, 16)
	want := []Addr{link[15], link[14], relay[15], relay[14], link[13], link[12], relay[13], relay[12]}
	if len(got) != maxCandidates || !slices.Equal(got[:8], want) {
		t.Errorf("got %v, want %v first", got, want)
	}
}

func TestBookReplacesAndExpires(t *testing.T) {
	var b book
	k, now := keyFor(1), time.Now()
	b.learn(k, SourceLink, numbered(1, 2), now)
	b.learn(k, SourceRelay, numbered(2, 2), now)
	_, before := b.candidates(k, now)
	b.learn(k, SourceRelay, numbered(2, 1), now)
	if _, after := b.candidates(k, now); after != before {
		t.Error("known addresses count as news")
	}
	b.learn(k, SourceRelay, numbered(3, 1), now)
	got, after := b.candidates(k, now)
	if after == before || len(got) != 3 || slices.Contains(got, numbered(2, 1)[0]) {
		t.Errorf("got %v", got)
	}
	b.learn(k, SourceRelay, nil, now)
	if got, _ := b.candidates(k, now); len(got) != 2 {
		t.Errorf("after an empty endpoint: got %v", got)
	}
	b.learn(k, SourceLAN, numbered(4, 1), now)
	b.learn(k, SourcePeer, numbered(5, 1), now)
	if got, _ := b.candidates(k, now.Add(lanLife)); len(got) != 3 {
		t.Errorf("after %v: got %v", lanLife, got)
	}
	if got, _ := b.candidates(k, now.Add(addrLife)); !slices.Equal(got, []Addr{numbered(1, 2)[1], numbered(1, 2)[0]}) {
		t.Errorf("after %v: got %v", addrLife, got)
	}
}

func TestBookBounds(t *testing.T) {
	var b book
	now := time.Now()
	for i := range maxBookPeers + 100 {
		b.learn(Key{byte(i), byte(i >> 8), 1}, SourceLink, numbered(1, 1), now.Add(time.Duration(i)))
	}
	if got := len(b.peers); got > maxBookPeers {
		t.Errorf("%d peers are kept", got)
	}
	var flooded book
	friend := keyFor(2)
	flooded.learn(friend, SourceLink, numbered(1, 1), now) // and untouched since
	for i := range 3 * maxBookPeers {
		flooded.learn(Key{byte(i), byte(i >> 8), 2}, SourceLAN, numbered(1, 1), now.Add(time.Hour+time.Duration(i)))
	}
	if flooded.peers[friend] == nil || len(flooded.peers) > maxBookPeers {
		t.Errorf("%d are kept, and who was only heard on the LAN may have pushed out one whom a link names", len(flooded.peers))
	}
	k := keyFor(1)
	b.learn(k, SourceLink, numbered(1, 200), now)
	b.learn(k, SourceLink, []Addr{"/ip4/0.0.0.0/udp/7/quic-v1", "/ip4/1.2.3.4/udp/0/quic-v1", "/ip4/224.0.0.1/udp/7/quic-v1", ""}, now)
	b.learn(k, SourcePeer, numbered(2, 200), now)
	b.learn(k, sourceSeen, numbered(3, 200), now)
	if got := len(b.peers[k].addrs); got > 16+16+2 {
		t.Errorf("%d addresses are kept", got)
	}
	if got, _ := b.candidates(k, now); len(got) > maxCandidates {
		t.Errorf("%d addresses are dialled", len(got))
	}
	for i := range 100 {
		b.record(k, []Attempt{{Addr: numbered(i, 1)[0], Err: "x", At: now}}, now)
	}
	if got := b.tried(k); len(got) != maxTried || got[maxTried-1].Addr != numbered(99, 1)[0] {
		t.Errorf("%d attempts are kept", len(got))
	}
}
