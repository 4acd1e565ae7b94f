package network

import (
	"errors"
	"strings"
	"testing"

	"quicnprotochat/node/localapi"
)

// TestOutlook asks what people are told of a message that they would write now.
func TestOutlook(t *testing.T) {
	relays := []localapi.PingRelay{{URL: "qpc-relay://a"}}
	for _, c := range []struct {
		name    string
		p       localapi.Ping
		kept    string
		offline bool
		want    string
	}{
		{"there", localapi.Ping{Reached: true}, "", false, "straight"},
		{"away or behind a NAT", localapi.Ping{Relays: relays}, "1.2.3.4", false, "relay 1.2.3.4: their machine fetches it"},
		{"no relay answers", localapi.Ping{Relays: relays}, "", false, "nor a relay of theirs answers"},
		{"no relay", localapi.Ping{}, "", false, "they have no relay"},
		{"offline", localapi.Ping{Relays: relays}, "", true, "this machine is not online"},
		{"offline and no relay", localapi.Ping{}, "", true, "this machine is not online"},
	} {
		if got := outlook(c.p, c.kept, c.offline); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestOffline asks when it is this machine that is cut off.
func TestOffline(t *testing.T) {
	reached, silent := call{}, call{err: errors.New("no answer")}
	for _, c := range []struct {
		online string
		calls  []call
		want   bool
	}{
		{"no", nil, true},
		{"no", []call{silent}, true},
		{"lan", nil, false},
		{"lan", []call{silent}, false},
		{"lan", []call{reached}, false},
		{"yes", []call{silent}, false},
	} {
		if got := offline(c.online, c.calls...); got != c.want {
			t.Errorf("%s, %d calls: got %v, want %v", c.online, len(c.calls), got, c.want)
		}
	}
}
