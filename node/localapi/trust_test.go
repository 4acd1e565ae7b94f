package localapi

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

func (b *backend) Safety(_ context.Context, contact string) (Safety, error) {
	return Safety{Name: contact, Number: "12345"}, nil
}

func (b *backend) Decide(_ context.Context, r TrustRequest) (Contact, error) {
	return Contact{Name: r.Contact, Verified: r.Action == TrustVerify, Blocked: r.Action == TrustBlock}, nil
}

func (b *backend) Requests(context.Context) ([]Request, error) {
	return []Request{{Name: "sam"}}, nil
}

func TestTrust(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "qpc.sock")
	serve(t, socket, &backend{})
	c := NewClient(socket)
	defer c.Close()
	ctx := t.Context()
	if v, err := c.Safety(ctx, "b"); err != nil || v.Number != "12345" {
		t.Errorf("got %+v, %v", v, err)
	}
	if v, err := c.Requests(ctx); err != nil || len(v) != 1 || v[0].Name != "sam" {
		t.Errorf("got %+v, %v", v, err)
	}
	if _, err := c.Safety(ctx, ""); exitOf(err) != ExitUsage {
		t.Errorf("got %v", err)
	}
	if v, err := c.Decide(ctx, TrustRequest{Contact: "b", Action: TrustBlock}); err != nil || !v.Blocked {
		t.Errorf("got %+v, %v", v, err)
	}
	for _, r := range []TrustRequest{
		{"", TrustVerify, ""}, {"b", "marry", ""}, {"b", TrustVerify, strings.Repeat("1", maxNumber+1)},
	} {
		if _, err := c.Decide(ctx, r); exitOf(err) != ExitUsage {
			t.Errorf("%.60v: got %v", r, err)
		}
	}
}
