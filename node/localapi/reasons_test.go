package localapi

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func (b *backend) Why(_ context.Context, id string) (Explanation, error) {
	return Explanation{ID: id, State: Queued, Path: PathNone, Why: "nobody is there", To: []Recipient{{Name: "b"}}}, nil
}

func (b *backend) Ping(_ context.Context, contact string) (Ping, error) {
	if contact != "b" {
		return Ping{}, &Error{Message: "no contact " + contact, Hint: "see: qpc contacts", Exit: ExitContact}
	}
	return Ping{Name: contact, Reached: true, Path: PathLAN, RTT: "1ms", Why: "a message goes straight to their machine"}, nil
}

func (b *backend) Netcheck(context.Context) (Netcheck, error) {
	return Netcheck{UDP: "yes", NAT: "unknown", Advice: []string{"nothing to do"}}, nil
}

func TestReasons(t *testing.T) {
	c := serve(t, filepath.Join(t.TempDir(), "qpc.sock"), &backend{})
	x, err := c.Why(t.Context(), testID)
	if err != nil || x.ID != testID || len(x.To) != 1 {
		t.Errorf("got %+v, %v", x, err)
	}
	b, err := json.Marshal(x)
	if err != nil || !strings.Contains(string(b), `"tries":[]`) {
		t.Errorf("got %s, %v: a list is null", b, err)
	}
	if _, err := c.Why(t.Context(), "short"); AsError(err).Exit != ExitUsage {
		t.Errorf("got %v for what is no id", err)
	}
	p, err := c.Ping(t.Context(), "b")
	if err != nil || !p.Reached || p.Tried == nil || p.Relays == nil {
		t.Errorf("got %+v, %v", p, err)
	}
	n, err := c.Netcheck(t.Context())
	if err != nil || n.UDP != "yes" || n.Relays == nil || n.Seen == nil || len(n.Advice) != 1 {
		t.Errorf("got %+v, %v", n, err)
	}
	for contact, want := range map[string]int{"": ExitUsage, "nobody": ExitContact} {
		if _, err := c.Ping(t.Context(), contact); AsError(err).Exit != want {
			t.Errorf("ping %q: got %v, want exit %d", contact, err, want)
		}
	}
}
