package localapi

import (
	"bytes"
	"path/filepath"
	"testing"
)

// Passwords cross the socket whole and are wiped behind it.
func TestAccountSecrets(t *testing.T) {
	b := &backend{}
	c := serve(t, filepath.Join(t.TempDir(), "qpc.sock"), b)
	password := []byte("secret")
	a, err := c.Register(t.Context(), AccountRequest{Relay: "qpc-relay://x", Name: "anna", Password: password})
	if err != nil || a != (Account{"qpc-relay://x", "anna", true}) {
		t.Fatalf("got %+v, %v", a, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.password) != 6 || !bytes.Equal(b.password, make([]byte, 6)) {
		t.Errorf("after the call the daemon holds %q", b.password)
	}
	if _, err := c.Login(t.Context(), AccountRequest{Password: make([]byte, MaxPassword+1)}); exitOf(err) != ExitUsage {
		t.Errorf("a huge password: got %v", err)
	}
}
