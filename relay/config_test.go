package relay

import (
	"errors"
	"testing"
)

func TestParseListen(t *testing.T) {
	got, err := ParseListen([]string{"/ip4/127.0.0.1/udp/0/quic-v1", "/ip6/::/udp/7000/quic-v1"})
	if err != nil || len(got) != 2 || got[1].Port() != 7000 {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := ParseListen(nil); err != nil || got != nil {
		t.Errorf("nothing: got %v, %v, want nothing", got, err)
	}
	if _, err := ParseListen([]string{"127.0.0.1:7000"}); !errors.Is(err, ErrConfig) {
		t.Errorf("malformed: got %v, want ErrConfig", err)
	}
}

func TestBadConfig(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no directory":        {},
		"unknown access":      {Dir: t.TempDir(), Access: "nobody"},
		"announce with slash": {Dir: t.TempDir(), Announce: "a/b"},
		"payload above cap":   {Dir: t.TempDir(), MaxPayload: 1 << 30},
	} {
		if _, err := New(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: got %v, want ErrConfig", name, err)
		}
	}
}
