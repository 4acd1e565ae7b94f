package localapi

import (
	"net/http"
	"testing"
)

// TestTooLong: what the server refuses for its length alone is a mistake of the caller.
func TestTooLong(t *testing.T) {
	c := &Client{&http.Client{Transport: answerer{http.StatusRequestHeaderFieldsTooLarge, []byte("431")}}}
	if _, err := c.Contact(t.Context(), "bob"); AsError(err).Exit != ExitUsage {
		t.Errorf("got %v, want exit %d", err, ExitUsage)
	}
}
