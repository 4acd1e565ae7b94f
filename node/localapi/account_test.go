package localapi

import (
	"context"
	"path/filepath"
	"reflect"
	"testing"
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
