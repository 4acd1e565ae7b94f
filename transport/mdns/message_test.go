package mdns

import (
	"slices"
	"strings"
	"testing"
)

func TestMessages(t *testing.T) {
	q, err := Query()
	if err != nil {
		t.Fatal(err)
	}
	if m, err := Parse(q); err != nil || !m.Query || len(m.Nodes) != 0 {
		t.Errorf("query: got %+v, %v", m, err)
	}
	addrs := []string{strings.Repeat("x", 256), "1", "2", "3", "4", "5", "6", "7", "8", "9"}
	for _, ttl := range []uint32{recordTTL, 0} {
		b, err := Answer("x", addrs, ttl)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(b)
		if err != nil || m.Query || len(m.Nodes) != 1 || !slices.Equal(m.Nodes[0].Addrs, addrs[1:1+MaxAddrs]) || m.Nodes[0].Gone != (ttl == 0) {
			t.Errorf("answer: got %+v, %v", m, err)
		}
	}
	if _, err := Parse(make([]byte, MaxPacket+1)); err == nil {
		t.Error("oversize message: got no error")
	}
}

func FuzzParse(f *testing.F) {
	q, err := Query()
	if err != nil {
		f.Fatal(err)
	}
	a, err := Answer("x", []string{"/ip4/10.0.0.1/udp/7/quic-v1/p2p/k"}, 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q)
	f.Add(a)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err == nil && len(m.Nodes) > maxRecords {
			t.Errorf("got %d nodes", len(m.Nodes))
		}
	})
}

func TestNoInterface(t *testing.T) {
	if _, err := openSocket(false, nil); err == nil {
		t.Error("got no error")
	}
}
