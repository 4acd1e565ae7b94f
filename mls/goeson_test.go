package mls

import (
	"errors"
	"testing"
)

// A beginning is what a Welcome says of the group that its group goes on from.
type beginning struct {
	previous *Epoch
	ids      []*pskID
	context  *groupContext
}

// newBeginning is one of a branch, or of a reinit, that is in order.
func newBeginning(usage PSKUsage) *beginning {
	from, suite := &Epoch{context: &groupContext{groupID: []byte("before"), epoch: 3}, suite: suites[0]}, suites[0]
	to := &groupContext{suite: suite.id, groupID: []byte("new"), epoch: 1, extensions: []Extension{{0xf001, []byte("x")}}}
	if usage == PSKReInit {
		to.suite = suites[2].id
		from.closed = &reInit{[]byte("new"), version10, to.suite, cloneExtensions(to.extensions)}
	}
	id := PSKID{Usage: usage, GroupID: []byte("before"), Epoch: 3}.fresh(suite)
	return &beginning{from, []*pskID{id}, to}
}

func (b *beginning) check() error {
	cfg := JoinConfig{Previous: b.previous}
	return cfg.checkPrevious(b.ids, &groupInfo{context: b.context})
}

// TestGoesOn: who joins a group that goes on from another looks at each thing that RFC
// 9420, §11.2, §11.3 and §12.4.3.1, name.
func TestGoesOn(t *testing.T) {
	external := &pskID{typ: pskExternal, id: []byte("x"), nonce: random(32)}
	for _, usage := range []PSKUsage{PSKReInit, PSKBranch} {
		for name, c := range map[string]struct {
			change func(b *beginning)
			ok     bool
		}{
			"in order":              {func(*beginning) {}, true},
			"another key beside":    {func(b *beginning) { b.ids = append(b.ids, external) }, true},
			"two groups before":     {func(b *beginning) { b.ids = append(b.ids, newBeginning(usage).ids...) }, false},
			"a branch and a reinit": {func(b *beginning) { b.ids = append(b.ids, newBeginning(PSKReInit+PSKBranch-usage).ids...) }, false},
			"no group before":       {func(b *beginning) { b.ids = nil }, false},
			"an external key alone": {func(b *beginning) { b.ids = []*pskID{external} }, false},
			"used by application":   {func(b *beginning) { b.ids[0].usage = PSKApplication }, false},
			"none that we know":     {func(b *beginning) { b.previous = nil }, false},
			"another group":         {func(b *beginning) { b.ids[0].groupID = []byte("other") }, false},
			"another epoch":         {func(b *beginning) { b.ids[0].epoch++ }, false},
			"not at its beginning":  {func(b *beginning) { b.context.epoch = 2 }, false},
			"epoch 0":               {func(b *beginning) { b.context.epoch = 0 }, false},
			"another suite":         {func(b *beginning) { b.context.suite = suites[1].id }, false},
			"another id":            {func(b *beginning) { b.context.groupID = []byte("newer") }, usage == PSKBranch},
			"other extensions":      {func(b *beginning) { b.context.extensions[0].Data = []byte("y") }, usage == PSKBranch},
			"no extensions":         {func(b *beginning) { b.context.extensions = nil }, usage == PSKBranch},
			"not ended":             {func(b *beginning) { b.previous.closed = nil }, usage == PSKBranch},
			"ended": {func(b *beginning) {
				b.previous.closed = &reInit{b.context.groupID, version10, b.context.suite, b.context.extensions}
			}, usage == PSKReInit},
			"another version": {func(b *beginning) {
				b.previous.closed = &reInit{b.context.groupID, version10 + 1, b.context.suite, b.context.extensions}
			}, false},
		} {
			b := newBeginning(usage)
			c.change(b)
			if err := b.check(); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrInvalid) {
				t.Errorf("usage %d, %s: got %v, want ok %v", usage, name, err, c.ok)
			}
		}
	}
	if err := (&beginning{ids: []*pskID{external}, context: &groupContext{epoch: 9}}).check(); err != nil {
		t.Errorf("a group of its own: %v", err)
	}
	short := *external
	short.nonce = random(16)
	cfg := JoinConfig{PSKs: func(PSKID) ([]byte, error) { return random(32), nil }}
	if _, err := cfg.pskSecret(suites[0], []*pskID{&short}); !errors.Is(err, ErrInvalid) {
		t.Errorf("a short nonce: got %v, want %v", err, ErrInvalid)
	}
}
