package mls

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// protect encrypts what a member of a group would not: content is encoded,
// changed, and sealed with the next application key of from, as leaf.
func protect(t *testing.T, from *member, leaf uint32, change func(contents []byte) []byte) []byte {
	t.Helper()
	e := from.epoch
	a := &authenticatedContent{WirePrivateMessage, &framedContent{
		groupID: e.context.groupID, epoch: e.context.epoch, sender: sender{senderMember, leaf},
		typ: contentApplication, application: []byte("hello"),
	}, authData{}}
	must(t, a.sign(from.signer, e.encoded))
	var w writer
	a.content.encodeBody(&w)
	a.auth.encode(&w, a.content.typ)
	k, generation, changes, err := e.secretTree(from.records).send(applicationRatchet, e.own)
	must(t, err)
	must(t, changes.write(from.records))
	m := &privateMessage{groupID: e.context.groupID, epoch: e.context.epoch, typ: contentApplication}
	d := senderData{leaf: leaf, generation: generation, reuseGuard: [4]byte{1, 2, 3, 4}}
	m.ciphertext, err = e.suite.seal(k.key, k.guarded(d.reuseGuard), m.contentAAD(), change(w.b))
	must(t, err)
	m.senderData, err = e.suite.sealSenderData(m, e.secrets.senderData, d)
	must(t, err)
	return encoded(&message{format: WirePrivateMessage, private: m})
}

// TestPadding: zeros after the contents are padding, anything else is refused
// (RFC 9420, §6.3.1).
func TestPadding(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	for _, c := range []struct {
		padding []byte
		ok      bool
	}{{nil, true}, {make([]byte, 1), true}, {make([]byte, 5000), true}, {[]byte{1}, false}, {append(make([]byte, 99), 1), false}} {
		msg := protect(t, a, 0, func(b []byte) []byte { return append(b, c.padding...) })
		got, err := b.epoch.Decrypt(b.records, msg)
		if c.ok && (err != nil || string(got.Data) != "hello") || !c.ok && !errors.Is(err, ErrDecrypt) {
			t.Errorf("%d bytes of padding: got %q, %v", len(c.padding), got.Data, err)
		}
	}
}

// TestSenders: sender data that names nobody, ourselves, or another member than
// the one who signed is refused (RFC 9420, §6.3.2).
func TestSenders(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	a.reload, b.reload = false, false
	b.follow(a.add(false, newMemberOf(t, a.suite, "cleo")).Message())
	same := func(b []byte) []byte { return b }
	for leaf, want := range map[uint32]error{0: nil, 1: ErrOwnMessage, 2: ErrDecrypt, 3: ErrDecrypt, 4: ErrDecrypt, 1 << 31: ErrDecrypt} {
		_, err := b.epoch.Decrypt(b.records, protect(t, a, leaf, same))
		if !errors.Is(err, want) {
			t.Errorf("leaf %d: got %v, want %v", leaf, err, want)
		}
	}
	// Encrypted for the right leaf, signed by another member: any member can.
	forged := *a
	forged.signer = b.signer
	if _, err := b.epoch.Decrypt(b.records, protect(t, &forged, 0, same)); !errors.Is(err, ErrSignature) {
		t.Errorf("got %v, want %v", err, ErrSignature)
	}
}

// TestSenderData: of who sent a message there is one encoding, of twelve bytes (RFC 9420,
// §6.3.2).
func TestSenderData(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	s, secret := a.epoch.suite, a.epoch.secrets.senderData
	m, err := decodeMessageOf(a.encrypt("x"), WirePrivateMessage)
	must(t, err)
	k, err := s.senderDataKey(secret, m.private.ciphertext)
	must(t, err)
	plain, err := s.open(k.key, k.nonce, m.private.senderDataAAD(), m.private.senderData)
	must(t, err)
	for _, c := range []struct {
		plain []byte
		want  error
	}{{append(plain[:12:12], 0), ErrDecrypt}, {plain[:11], ErrDecrypt}, {nil, ErrDecrypt}, {plain, nil}} {
		m.private.senderData, err = s.seal(k.key, k.nonce, m.private.senderDataAAD(), c.plain)
		must(t, err)
		if _, err := b.epoch.Decrypt(b.records, encoded(m)); !errors.Is(err, c.want) {
			t.Errorf("of %d bytes: got %v, want %v", len(c.plain), err, c.want)
		}
	}
}

// TestReuseGuard: one message key used twice, after a rollback, does not mean
// one nonce (RFC 9420, §6.3.1).
func TestReuseGuard(t *testing.T) {
	a, _ := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	seen := map[[4]byte]bool{}
	for range 20 {
		before := a.snapshot()
		m, err := decodeMessageOf(a.encrypt("x"), WirePrivateMessage)
		must(t, err)
		d, err := a.epoch.suite.openSenderData(m.private, a.epoch.secrets.senderData)
		must(t, err)
		if d.generation != 0 || seen[d.reuseGuard] {
			t.Fatalf("got generation %d, guard %x", d.generation, d.reuseGuard)
		}
		seen[d.reuseGuard] = true
		a.records = before
	}
}

// TestGarbledMessages: a message with any bit changed is refused without a
// trace, and is still good unchanged.
func TestGarbledMessages(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	b.reload = false
	msg := a.encrypt("hello")
	before := b.snapshot()
	for i := range 8 * len(msg) {
		bad := bytes.Clone(msg)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := b.epoch.Decrypt(b.records, bad); err == nil {
			t.Fatalf("accepted with bit %d changed", i)
		}
	}
	for i := range msg {
		if _, err := b.epoch.Decrypt(b.records, msg[:i]); err == nil {
			t.Fatalf("accepted when cut to %d bytes", i)
		}
	}
	if !sameRecords(before, b.records) {
		t.Error("refused messages left a trace")
	}
	b.decrypt(msg, a, "hello")
}

func TestParseMessage(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	c := newMemberOf(t, a.suite, "cleo")
	cfg := CommitConfig{Add: []*KeyPackage{c.kp}, Now: now, AuthenticatedData: []byte("card")}
	private, err := a.epoch.Commit(a.records, cfg)
	must(t, err)
	cfg.Public = true
	public, err := a.epoch.Commit(a.records, cfg)
	must(t, err)
	id := string(a.epoch.GroupID())
	for _, c := range []struct {
		msg  []byte
		want MessageInfo
	}{
		{a.encrypt("x"), MessageInfo{WireFormat: WirePrivateMessage, Epoch: 1, AuthenticatedData: []byte("ad x")}},
		{private.Message(), MessageInfo{WireFormat: WirePrivateMessage, Epoch: 1, Commit: true, AuthenticatedData: []byte("card")}},
		{public.Message(), MessageInfo{WireFormat: WirePublicMessage, Epoch: 1, Commit: true, AuthenticatedData: []byte("card")}},
	} {
		got, err := ParseMessage(c.msg)
		must(t, err)
		c.want.GroupID = []byte(id)
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("got %v, want %v", got, c.want)
		}
	}
	if got, err := ParseMessage(private.Welcome()); err != nil || got.WireFormat != WireWelcome || got.GroupID != nil {
		t.Errorf("got %v, %v", got, err)
	}
	staged, err := b.epoch.Stage(b.records, public.Message(), StageConfig{})
	must(t, err)
	if got := staged.Changes().AuthenticatedData; string(got) != "card" {
		t.Errorf("got authenticated data %q", got)
	}
}

// TestErrorsHoldNoSecrets: what the package returns for garbled messages and
// damaged records has no bytes of secrets, keys or contents in it.
func TestErrorsHoldNoSecrets(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	msg := a.encrypt("the contents of a message")
	var texts []string
	note := func(err error) {
		if err != nil {
			texts = append(texts, err.Error())
		}
	}
	for i := range msg {
		bad := bytes.Clone(msg)
		bad[i] ^= 0x80
		_, err := b.epoch.Decrypt(b.snapshot(), bad)
		note(err)
		_, err = b.epoch.Stage(b.snapshot(), bad, StageConfig{})
		note(err)
	}
	for key, value := range b.records {
		for i := 0; i < len(value); i += 7 {
			r := b.snapshot()
			r[key][i] ^= 0x80
			e, err := LoadEpoch(r, b.signer)
			note(err)
			if err == nil {
				_, err = e.Decrypt(r, msg)
				note(err)
			}
		}
	}
	for _, value := range b.records {
		for i := 0; i+8 <= len(value); i += 8 {
			for _, text := range texts {
				if strings.Contains(text, string(value[i:i+8])) || strings.Contains(text, hex.EncodeToString(value[i:i+4])) {
					t.Fatalf("%q holds bytes of a record", text)
				}
			}
		}
	}
	for _, text := range texts {
		if strings.Contains(text, "contents of a message") {
			t.Fatalf("%q holds the message", text)
		}
	}
}

// TestEpochIsShared uses one epoch from several goroutines, each with records
// of its own; run with -race it shows that the epoch does not change.
func TestEpochIsShared(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	b.reload = false
	commit := a.forge(&commit{proposals: []proposalOrRef{addOf(newMemberOf(t, a.suite, "cleo").kp)}}, true, nil)
	msg := a.encrypt("hello")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r := b.snapshot()
			if _, err := b.epoch.Decrypt(r, msg); err != nil {
				t.Error(err)
			}
			s, err := b.epoch.Stage(r, commit, StageConfig{})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Apply(r); err != nil {
				t.Error(err)
			}
			if _, err := b.epoch.Encrypt(r, nil, []byte("x")); err != nil {
				t.Error(err)
			}
			b.epoch.Members()
		})
	}
	wg.Wait()
}

// TestTreeEncoding: what is not the one encoding of a tree is refused (RFC 9420,
// §7.1, §12.4.3.3).
func TestTreeEncoding(t *testing.T) {
	m := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "anna")
	leaf := func(w *writer) { w.optional(true); w.u8(nodeLeaf); m.kp.leaf.encode(w) }
	parent := func(unmerged ...uint32) func(w *writer) {
		return func(w *writer) {
			w.optional(true)
			w.u8(nodeParent)
			(&parentNode{random(32), nil, unmerged}).encode(w)
		}
	}
	blank := func(w *writer) { w.optional(false) }
	for name, c := range map[string]struct {
		nodes []func(*writer)
		ok    bool
	}{
		"one leaf":              {[]func(*writer){leaf}, true},
		"blank, blank, leaf":    {[]func(*writer){blank, blank, leaf}, true},
		"leaf, parent, leaf":    {[]func(*writer){leaf, parent(0, 1), leaf}, true},
		"nothing":               {nil, false},
		"a blank":               {[]func(*writer){blank}, false},
		"a blank at the end":    {[]func(*writer){leaf, blank}, false},
		"three leaves":          {[]func(*writer){leaf, blank, leaf, blank, leaf}, true},
		"blanks after the last": {[]func(*writer){leaf, blank, leaf, blank, leaf, blank, blank}, false},
		"a leaf in between":     {[]func(*writer){leaf, leaf, leaf}, false},
		"a parent at a leaf":    {[]func(*writer){parent()}, false},
		"unmerged not in order": {[]func(*writer){leaf, parent(1, 0), leaf}, false},
		"unmerged twice":        {[]func(*writer){leaf, parent(1, 1), leaf}, false},
	} {
		var w writer
		w.nested(func(w *writer) {
			for _, n := range c.nodes {
				n(w)
			}
		})
		tree, err := parseTree(suites[0], w.b)
		if (err == nil) != c.ok {
			t.Errorf("%s: got %v, want ok %v", name, err, c.ok)
		}
		if err == nil && !bytes.Equal(encoded(tree), w.b) {
			t.Errorf("%s does not come back", name)
		}
	}
}

// TestDuplicateExtensions: no list has a type twice (RFC 9420, §13.4).
func TestDuplicateExtensions(t *testing.T) {
	m := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "anna")
	twice := []Extension{{0xf001, []byte("a")}, {0xf002, nil}, {0xf001, []byte("b")}}
	var w writer
	encodeExtensions(&w, twice)
	r := &reader{b: w.b}
	decodeExtensions(r)
	if r.finish() == nil {
		t.Error("a type that is there twice was decoded")
	}
	for name, cfg := range map[string]GroupConfig{
		"group": {Extensions: twice},
		"leaf":  {LeafExtensions: twice},
	} {
		cfg.Signer = m.signer
		if _, err := Create(cfg); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want %v", name, err, ErrInvalid)
		}
	}
	if _, err := Create(GroupConfig{Signer: m.signer, Extensions: []Extension{{0xf001, nil}}}); !errors.Is(err, ErrInvalid) {
		t.Errorf("extension that the creator lacks: got %v, want %v", err, ErrInvalid)
	}
}

// TestAddRefuses: who adds checks the lifetime.
func TestAddRefuses(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	kp := newMemberOf(t, a.suite, "cleo").kp
	proposed, err := b.epoch.ProposeAdd(b.records, kp, now, ProposeConfig{})
	must(t, err)
	refs := [][]byte{proposed.tell(t, a).Reference}
	before := a.snapshot()
	for name, c := range map[string]struct {
		cfg  CommitConfig
		want error
	}{
		"too late": {CommitConfig{Now: now.AddDate(0, 3, 0), Add: []*KeyPackage{kp}}, ErrLifetime},
		"no time":  {CommitConfig{Add: []*KeyPackage{kp}}, ErrLifetime},
		"proposed": {CommitConfig{Now: now.AddDate(0, 3, 0), Proposals: refs}, ErrLifetime},
		"a member": {CommitConfig{Now: now, Add: []*KeyPackage{b.kp}}, ErrInvalid},
		"twice":    {CommitConfig{Now: now, Add: []*KeyPackage{kp, kp}}, ErrInvalid},
	} {
		if _, err := a.epoch.Commit(a.records, c.cfg); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if !sameRecords(before, a.records) {
		t.Error("a commit that was not made took a key")
	}
	if _, err := b.epoch.ProposeAdd(b.records, kp, now.AddDate(0, 3, 0), ProposeConfig{}); !errors.Is(err, ErrLifetime) {
		t.Errorf("propose: got %v, want %v", err, ErrLifetime)
	}
}

// TestWrongClock: a member whose clock is years off follows a commit all the
// same; only who adds looks at whether a lifetime is over.
func TestWrongClock(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	c := newMemberOf(t, a.suite, "cleo")
	var err error
	c.kp, c.secrets, err = NewKeyPackage(KeyPackageConfig{
		Signer: c.signer, Identity: []byte("cleo"), NotBefore: now.AddDate(-5, 0, 0), NotAfter: now.AddDate(-5, 1, 0),
	})
	must(t, err)
	s, err := a.epoch.Commit(a.records, CommitConfig{Add: []*KeyPackage{c.kp}, Now: now.AddDate(-5, 0, 7)})
	must(t, err)
	b.follow(s.Message())
	c.join(s.Welcome())
	sameEpoch(t, b, c)
}
