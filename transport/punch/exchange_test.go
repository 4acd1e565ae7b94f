package punch

import (
	"bytes"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/util"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch/pb"
	ma "github.com/multiformats/go-multiaddr"
)

// takeAll lets everything be dialled.
func takeAll(_ peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr { return addrs }

// message is CONNECT with n addresses, or SYNC.
func message(t testing.TB, kind pb.HolePunch_Type, n int) []byte {
	t.Helper()
	msg := &pb.HolePunch{Type: kind.Enum()}
	for range n {
		msg.ObsAddrs = append(msg.ObsAddrs, ma.StringCast("/ip4/11.0.0.1/udp/4001/quic-v1").Bytes())
	}
	var b bytes.Buffer
	if err := util.NewDelimitedWriter(&b).WriteMsg(msg); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHear(t *testing.T) {
	for name, tt := range map[string]struct {
		bytes []byte
		want  int // addresses; 0 is an error
	}{
		"one":              {message(t, pb.HolePunch_CONNECT, 1), 1},
		"more than looked": {message(t, pb.HolePunch_CONNECT, 50), MaxAddrs},
		"none":             {message(t, pb.HolePunch_CONNECT, 0), 0},
		"another message":  {message(t, pb.HolePunch_SYNC, 1), 0},
		"too large":        {message(t, pb.HolePunch_CONNECT, 1000), 0},
		"cut short":        {message(t, pb.HolePunch_CONNECT, 3)[:9], 0},
		"nothing":          {nil, 0},
	} {
		u := &Puncher{cfg: Config{Take: takeAll}}
		addrs, err := u.hear(util.NewDelimitedReader(bytes.NewReader(tt.bytes), maxMessage), "p")
		if len(addrs) != tt.want || (err == nil) != (tt.want > 0) {
			t.Errorf("%s: got %d addresses, %v, want %d", name, len(addrs), err, tt.want)
		}
	}
}

func FuzzHear(f *testing.F) {
	f.Add(message(f, pb.HolePunch_CONNECT, 2))
	f.Add(message(f, pb.HolePunch_SYNC, 0))
	f.Add([]byte{0xff, 0xff, 0xff, 0x7f, 8, 100})
	f.Fuzz(func(t *testing.T, b []byte) {
		u := &Puncher{cfg: Config{Take: takeAll}}
		addrs, err := u.hear(util.NewDelimitedReader(bytes.NewReader(b), maxMessage), "p")
		if len(addrs) > MaxAddrs || err == nil && len(addrs) == 0 {
			t.Errorf("%d addresses, %v", len(addrs), err)
		}
	})
}
