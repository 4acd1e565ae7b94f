package homes

import (
	"testing"

	"quicnprotochat/node/deliver/links"
	"quicnprotochat/node/deliver/sessions"
	"quicnprotochat/node/localapi"
)

// TestRelayTime: who asks is still there when the node has reached a relay, has waited for a
// login there, and says that none came.
func TestRelayTime(t *testing.T) {
	if most := links.DialTime + sessions.Patience; localapi.RelayTime <= most {
		t.Errorf("a call is waited for %v, and takes %v", localapi.RelayTime, most)
	}
}
