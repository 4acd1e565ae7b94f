package localapi

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// The messages of OPAQUE cross the socket whole, and are bounded.
func TestAccountSteps(t *testing.T) {
	c := serve(t, filepath.Join(t.TempDir(), "qpc.sock"), &backend{})
	r := AccountRequest{Relay: "qpc-relay://x", Name: "anna", Message: []byte("first")}
	for name, begin := range map[string]func(context.Context, AccountRequest) (AccountStep, error){
		"register": c.BeginRegister, "login": c.BeginLogin, "password": c.BeginPassword,
	} {
		step, err := begin(t.Context(), r)
		if want := (AccountStep{"qpc-relay://x", "anna", []byte("answer"), []byte{1}}); err != nil || !reflect.DeepEqual(step, want) {
			t.Errorf("%s: got %+v, %v", name, step, err)
		}
	}
	r.Message = []byte("second")
	for name, finish := range map[string]func(context.Context, AccountRequest) (Account, error){
		"register": c.Register, "login": c.Login, "password": c.ChangePassword,
	} {
		if a, err := finish(t.Context(), r); err != nil || a != (Account{"qpc-relay://x", "anna", true}) {
			t.Errorf("%s: got %+v, %v", name, a, err)
		}
	}
	r.Message = make([]byte, maxOpaque+1)
	if _, err := c.Login(t.Context(), r); exitOf(err) != ExitUsage {
		t.Errorf("a huge message: got %v", err)
	}
}

// deadlines notes until when calls are waited for, and answers none.
type deadlines struct{ last time.Duration }

func (d *deadlines) RoundTrip(r *http.Request) (*http.Response, error) {
	until, _ := r.Context().Deadline()
	d.last = time.Until(until)
	return nil, errors.New("no answer")
}

// TestRelayIsWaitedFor: a call for which a relay has to be asked is given up later than the
// node gives up to wait for a login there.
func TestRelayIsWaitedFor(t *testing.T) {
	d := &deadlines{}
	c, ctx := &Client{&http.Client{Transport: d}}, t.Context()
	for _, call := range []struct {
		name string
		do   func() error
		long bool
	}{
		{"add a name", func() error { _, err := c.AddContact(ctx, "bob@relay", ""); return err }, true},
		{"add a link", func() error { _, err := c.AddContact(ctx, "qpc:", ""); return err }, false},
		{"send to a name", func() error { _, err := c.Send(ctx, "bob@relay", "hello", "", 0); return err }, true},
		{"send", func() error { _, err := c.Send(ctx, "bob", "hello", "", 0); return err }, false},
		{"log in", func() error { _, err := c.Login(ctx, AccountRequest{}); return err }, true},
	} {
		if err := call.do(); err == nil || (d.last > answerTimeout) != call.long || call.long && d.last < RelayTime {
			t.Errorf("%s: given up after %v, with %v", call.name, d.last, err)
		}
	}
}
