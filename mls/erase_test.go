package mls

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
)

// A wiped is Records that keeps hold of what it was given and gave out, to see
// whether that was wiped.
type wiped struct {
	Scratch
	values map[string][][]byte // by the first letter of the record
}

func (w *wiped) note(key string, value []byte) {
	if len(value) > 0 {
		w.values[key[:1]] = append(w.values[key[:1]], value)
	}
}

func (w *wiped) Get(key string) ([]byte, error) {
	v, err := w.Scratch.Get(key)
	w.note(key, v)
	return v, err
}

func (w *wiped) Put(key string, value []byte) error {
	w.note(key, value)
	return w.Scratch.Put(key, value)
}

// check reports what was not wiped of secrets of the tree, of ratchets and keys: of a
// ratchet its secret, the last bytes.
func (w *wiped) check(t *testing.T, what string) {
	t.Helper()
	seen := 0
	for _, kind := range []string{"s", "h", "a"} {
		for _, v := range w.values[kind] {
			if seen++; !allZero(v[len(v)-min(len(v), 28):]) {
				t.Errorf("%s: a value of %d bytes of a record %s/ is still in memory", what, len(v), kind)
			}
		}
	}
	if seen == 0 {
		t.Errorf("%s touched no record", what)
	}
	w.values = make(map[string][][]byte)
}

// TestSecretsAreWiped: what a call reads from the records and writes to them is wiped
// when it returns, whether it worked or not (RFC 9420, §9.2).
func TestSecretsAreWiped(t *testing.T) {
	a, b := twoMembers(t, x25519)
	sent := &wiped{a.records, make(map[string][][]byte)}
	got := &wiped{b.records, make(map[string][][]byte)}
	var msgs [][]byte
	for range 4 {
		m, err := a.epoch.Encrypt(sent, nil, []byte("text"))
		must(t, err)
		sent.check(t, "encrypt")
		msgs = append(msgs, m)
	}
	decrypt := func(what string, msg []byte, ok bool) {
		t.Helper()
		if _, err := b.epoch.Decrypt(got, msg); (err == nil) != ok {
			t.Fatalf("%s: got %v", what, err)
		}
		got.check(t, what)
	}
	bad := bytes.Clone(msgs[3])
	bad[len(bad)-1] ^= 1
	decrypt("the first of the epoch", msgs[0], true)
	decrypt("a later one", msgs[3], true)
	decrypt("one that was skipped", msgs[1], true)
	decrypt("one again", msgs[3], false)
	decrypt("a forged one", bad, false)
	s, err := a.epoch.Commit(sent, CommitConfig{})
	must(t, err)
	sent.check(t, "commit")
	staged, err := b.epoch.Stage(got, s.Message(), StageConfig{})
	must(t, err)
	got.check(t, "stage")
	next, err := staged.Apply(got)
	must(t, err)
	got.check(t, "apply")
	root := *next.encryption.Load()
	saved := &wiped{Scratch{}, make(map[string][][]byte)}
	must(t, next.Save(saved))
	saved.check(t, "save")
	if !allZero(root) {
		t.Error("save: the root of the secret tree is still in memory")
	}
}

// An entering is the commit of somebody who updates and adds, and all secrets on the
// way to its epoch, by their names: RFC 9420, §9.2, has them deleted.
type entering struct {
	all  []*member // anna, who commits, bert, and cleo, who is added
	gone map[string][]byte
}

// newEntering lets all enter the epoch. take gets each secret and may change it.
func newEntering(t *testing.T, take func(secret []byte) []byte) *entering {
	a, b := twoMembers(t, x25519)
	a.reload, b.reload = false, false
	c := newMemberOf(t, x25519, "cleo")
	e := &entering{all: []*member{a, b, c}, gone: make(map[string][]byte)}
	note := func(name string, secret []byte, err error) {
		t.Helper()
		must(t, err)
		e.gone[name] = take(secret)
	}
	note("init secret of the epoch before", bytes.Clone(a.epoch.secrets.init), nil)
	note("key of anna's old leaf", bytes.Clone(a.epoch.private[0].raw), nil)
	note("init key of cleo", bytes.Clone(c.secrets.init), nil)
	s, err := a.epoch.Commit(a.records, CommitConfig{Add: []*KeyPackage{c.kp}, Update: true, Public: true, Now: now})
	must(t, err)
	e.pathSecrets(t, s, note)
	e.scheduleSecrets(t, s, note)
	b.follow(s.Message())
	next, err := s.Apply(a.records)
	must(t, err)
	a.enter(next)
	c.join(s.Welcome())
	clear(c.secrets.init) // its caller's to erase
	root := bytes.Clone(a.records[secretRecord(rootIndex(next.tree.leaves))])
	note("root of the secret tree", root, nil)
	everybodyTalks(t, e.all)
	return e
}

// pathSecrets notes those of anna's path, which Bert can open from the lowest on.
func (e *entering) pathSecrets(t *testing.T, s *Staged, note func(string, []byte, error)) {
	b := e.all[1].epoch
	m, err := decodeMessageOf(s.Message(), WirePublicMessage)
	must(t, err)
	c := m.public.content.commit
	from := sender{senderMember, 0}
	list, err := b.resolve(nil, from, c)
	must(t, err)
	tr, err := b.transit(from, list)
	must(t, err)
	must(t, tr.mergePath(b, c.path))
	o := &pathReader{
		suite: b.suite, own: b.own, private: b.private, added: tr.addedLeaves(),
		context: encoded(b.nextContext(tr, b.context.transcriptHash)),
	}
	secret, err := o.openSecret(c.path.nodes[0], tr.steps[0].recipients(o.added))
	must(t, err)
	for i := range tr.steps {
		node, err := b.suite.deriveSecret(secret, "node")
		note(fmt.Sprintf("node secret %d", i), node, err)
		next, err := b.suite.deriveSecret(secret, "path")
		must(t, err)
		note(fmt.Sprintf("path secret %d", i), secret, nil)
		secret = next
	}
	note("commit secret", secret, nil)
}

// scheduleSecrets notes those of the key schedule, which begin in the Welcome.
func (e *entering) scheduleSecrets(t *testing.T, s *Staged, note func(string, []byte, error)) {
	c := e.all[2]
	suite := s.next.suite
	m, err := decodeMessageOf(s.Welcome(), WireWelcome)
	must(t, err)
	g, err := m.welcome.openSecrets(suite, c.kp.Ref(), &privateKey{raw: bytes.Clone(c.secrets.init)})
	must(t, err)
	clear(g.pathSecret)
	member := suite.memberSecret(g.joiner, suite.zeros())
	welcome, err := suite.deriveSecret(member, "welcome")
	note("welcome secret", welcome, err)
	epoch, err := suite.expandWithLabel(member, "epoch", s.next.encoded, suite.size)
	note("epoch secret", epoch, err)
	note("member secret", member, nil)
	note("joiner secret", g.joiner, nil)
}

// TestPastIsErased: of the secrets that lead to an epoch nothing is in the records of
// who is in it, nor in the epoch itself (RFC 9420, §9.2).
func TestPastIsErased(t *testing.T) {
	e := newEntering(t, func(secret []byte) []byte { return secret })
	for _, m := range e.all {
		values := m.snapshot()
		loaded, err := LoadEpoch(m.records, m.signer)
		must(t, err)
		reachable(reflect.ValueOf(m.epoch), "epoch", values, make(map[uintptr]bool))
		reachable(reflect.ValueOf(loaded), "loaded epoch", values, make(map[uintptr]bool))
		for where, value := range values {
			for name, secret := range e.gone {
				if m.name != "anna" && name == "key of anna's old leaf" {
					continue // they never had it
				}
				if bytes.Contains(value, secret) {
					t.Errorf("%s has the %s in %s", m.name, name, where)
				}
			}
		}
		if init := m.epoch.secrets.init; !bytes.Equal(values["epoch.secrets.init"], init) || !bytes.Contains(values[recordEpoch], init) {
			t.Fatal("the init secret of the epoch was not found: nothing was looked at")
		}
	}
}

// reachable notes all bytes that a value leads to.
func reachable(v reflect.Value, at string, found map[string][]byte, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] || v.Type() == reflect.TypeFor[*suite]() {
			return
		}
		seen[v.Pointer()] = true
		reachable(v.Elem(), at, found, seen)
	case reflect.Interface:
		if !v.IsNil() {
			reachable(v.Elem(), at, found, seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			reachable(v.Field(i), at+"."+v.Type().Field(i).Name, found, seen)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			reachable(it.Value(), fmt.Sprintf("%s[%v]", at, it.Key()), found, seen)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			for i := range v.Len() {
				reachable(v.Index(i), fmt.Sprintf("%s[%d]", at, i), found, seen)
			}
			return
		}
		b := make([]byte, v.Len())
		for i := range b {
			b[i] = byte(v.Index(i).Uint())
		}
		found[at] = b
	}
}
