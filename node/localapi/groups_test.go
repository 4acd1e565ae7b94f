package localapi

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestGroups(t *testing.T) {
	c := serve(t, filepath.Join(t.TempDir(), "s"), &backend{})
	ctx := t.Context()
	if g, err := c.CreateGroup(ctx, "friends", []string{"b", "c"}); err != nil || g.Name != "friends" || g.Members != 3 {
		t.Errorf("create: got %+v, %v", g, err)
	}
	if list, err := c.Groups(ctx); err != nil || list == nil || len(list) != 0 {
		t.Errorf("list: got %v, %v, want an empty list", list, err)
	}
	info, err := c.Group(ctx, "friends")
	b, _ := json.Marshal(info)
	if err != nil || info.Epoch != 7 || strings.Contains(string(b), "null") {
		t.Errorf("info: got %s, %v, want epoch 7 and no null", b, err)
	}
	if _, err := c.Group(ctx, "nobody"); AsError(err).Exit != ExitContact {
		t.Errorf("unknown group: got %v, want exit %d", err, ExitContact)
	}
	many := make([]string, maxInvited+1)
	for i := range many {
		many[i] = "b"
	}
	for name, change := range map[string]GroupChange{
		"no group":   {Action: GroupLeave},
		"no action":  {Group: "friends"},
		"other":      {Group: "friends", Action: "explode"},
		"nobody":     {Group: "friends", Action: GroupInvite},
		"empty name": {Group: "friends", Action: GroupRename},
		"too many":   {Group: "friends", Action: GroupInvite, Contacts: many},
		"empty one":  {Group: "friends", Action: GroupRemove, Contacts: []string{""}},
	} {
		if _, err := c.ChangeGroup(ctx, change); AsError(err) == nil || AsError(err).Exit != ExitUsage {
			t.Errorf("%s: got %v, want exit %d", name, err, ExitUsage)
		}
	}
	if g, err := c.ChangeGroup(ctx, GroupChange{Group: "friends", Action: GroupInvite, Contacts: []string{"b"}}); err != nil || g.Members != 1 {
		t.Errorf("invite: got %+v, %v", g, err)
	}
	if _, err := c.CreateGroup(ctx, "", nil); AsError(err).Exit != ExitUsage {
		t.Errorf("no name: got %v, want exit %d", err, ExitUsage)
	}
}
