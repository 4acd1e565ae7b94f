package mls

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestKeyPackage(t *testing.T) {
	eachSuite(t, func(t *testing.T, s Suite) {
		m := newMemberOf(t, s, "anna")
		k, secrets := m.newKeyPackage(KeyPackageConfig{
			LastResort:     true,
			Capabilities:   Capabilities{Extensions: []uint16{0xf001}, Proposals: []uint16{0xf002}},
			LeafExtensions: []Extension{{0xf003, []byte("leaf")}},
			Extensions:     []Extension{{0xf004, []byte("package")}},
		})
		must(t, k.Check(now))
		got, err := ParseKeyPackage(k.Bytes())
		must(t, err)
		must(t, got.Check(now))
		if !got.LastResort() || m.kp.LastResort() {
			t.Error("last_resort is not kept")
		}
		if data, _ := findExtension(got.Extensions(), 0xf004); string(data) != "package" {
			t.Error("unknown extension of the key package is not kept")
		}
		if data, _ := findExtension(got.LeafExtensions(), 0xf003); string(data) != "leaf" {
			t.Error("unknown extension of the leaf is not kept")
		}
		for _, typ := range []uint16{0xf001, 0xf003, 0xf004, ExtensionLastResort} {
			if !slices.Contains(got.Capabilities().Extensions, typ) {
				t.Errorf("extension %#x is not in the capabilities", typ)
			}
		}
		if string(got.Identity()) != "anna" || got.Suite() != s || !bytes.Equal(got.SignatureKey(), m.signer.Public()) {
			t.Error("wrong identity, suite or signature key")
		}
		if !bytes.Equal(got.Ref(), k.Ref()) || len(k.Ref()) == 0 {
			t.Error("wrong reference")
		}
		back, err := ParseKeyPackageSecrets(secrets.Bytes())
		must(t, err)
		_, _, err = back.keys(got)
		must(t, err)
		if _, _, err := m.secrets.keys(got); err == nil {
			t.Error("secrets of another key package match")
		}
	})
}

// TestGREASE: reserved values are in every list that may have them, differ from
// package to package, and nothing reads them.
func TestGREASE(t *testing.T) {
	m := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "anna")
	seen := map[uint16]bool{}
	for range 50 {
		k, _ := m.newKeyPackage(KeyPackageConfig{})
		c := k.Capabilities()
		for name, list := range map[string][]uint16{
			"suites": c.Suites, "extensions": c.Extensions, "proposals": c.Proposals, "credentials": c.Credentials,
		} {
			n := 0
			for _, v := range list {
				if isGREASE(v) {
					n++
					seen[v] = true
				}
			}
			if n == 0 {
				t.Fatalf("no reserved value in %s", name)
			}
		}
		must(t, k.Check(now))
	}
	if len(seen) < 10 {
		t.Errorf("got %d different values, want most of 15", len(seen))
	}
	for v := range 1 << 16 {
		want := v&0xff == v>>8 && v&0xf == 0xa && v>>12 != 0xf
		if got := isGREASE(uint16(v)); got != want {
			t.Fatalf("isGREASE(%#x): got %v", v, got)
		}
	}
	plain, _ := m.newKeyPackage(KeyPackageConfig{NoGREASE: true})
	if len(plain.Extensions()) != 0 || len(plain.Capabilities().Extensions) != 0 {
		t.Error("reserved values although not wanted")
	}
}

// TestReservedInGroup: no group has or requires what its members claim only to
// keep others tolerant (RFC 9420, §13.5), whoever commits it.
func TestReservedInGroup(t *testing.T) {
	const reserved = 0x3a3a
	claim := Capabilities{
		Extensions: []uint16{reserved}, Proposals: []uint16{reserved}, Credentials: []uint16{credentialBasic, reserved},
	}
	a, b := newMemberOf(t, x25519, "anna"), newMemberOf(t, x25519, "bert")
	a.create(GroupConfig{Capabilities: claim})
	b.kp, b.secrets = b.newKeyPackage(KeyPackageConfig{Capabilities: claim})
	a.add(false, b)
	require := func(c RequiredCapabilities) Extension {
		return Extension{ExtensionRequiredCapabilities, encoded(c)}
	}
	for name, x := range map[string]Extension{
		"an extension":          {reserved, nil},
		"a required extension":  require(RequiredCapabilities{Extensions: []uint16{reserved}}),
		"a required proposal":   require(RequiredCapabilities{Proposals: []uint16{reserved}}),
		"a required credential": require(RequiredCapabilities{Credentials: []uint16{reserved}}),
	} {
		list := []Extension{x}
		cfg := GroupConfig{Signer: a.signer, Identity: []byte("anna"), Capabilities: claim, Extensions: list}
		if _, err := Create(cfg); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: create: got %v, want %v", name, err, ErrInvalid)
		}
		if _, err := a.epoch.Commit(a.records, CommitConfig{Extensions: list}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: commit: got %v, want %v", name, err, ErrInvalid)
		}
		forged := pathForge{list: a.byCommitter(&proposal{typ: ProposalGroupContextExtensions, extensions: list})}.commit(a)
		if _, err := b.epoch.Stage(b.records, forged, StageConfig{}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: stage: got %v, want %v", name, err, ErrInvalid)
		}
	}
	everybodyTalks(t, []*member{a, b})
}

// TestCheckAdd: what a commit would refuse to add is known before.
func TestCheckAdd(t *testing.T) {
	required := Capabilities{Extensions: []uint16{0xf001}}
	a, b := newMemberOf(t, x25519, "anna"), newMemberOf(t, x25519, "bert")
	a.create(GroupConfig{Capabilities: required, RequiredCapabilities: RequiredCapabilities{Extensions: required.Extensions}})
	b.kp, b.secrets = b.newKeyPackage(KeyPackageConfig{Capabilities: required})
	must(t, a.epoch.CheckAdd(b.kp, now))
	a.add(false, b)
	another := func(m *member) *KeyPackage {
		kp, _ := m.newKeyPackage(KeyPackageConfig{Capabilities: required})
		return kp
	}
	cleo := newMemberOf(t, x25519, "cleo")
	before := a.snapshot()
	for name, c := range map[string]struct {
		kp   *KeyPackage
		at   time.Time
		want error
	}{
		"good":                   {another(cleo), now, nil},
		"too old":                {another(cleo), now.AddDate(1, 0, 0), ErrLifetime},
		"a member":               {another(b), now, ErrInvalid},
		"without what it should": {cleo.kp, now, ErrInvalid},
		"of another suite":       {another(newMemberOf(t, P256_AES128GCM_SHA256_P256, "cleo")), now, ErrInvalid},
		"with a member's key": {resign(t, cleo, func(k *KeyPackage) {
			k.leaf.capabilities.Extensions = required.Extensions
			k.leaf.encryptionKey = b.kp.leaf.encryptionKey
		}), now, ErrInvalid},
	} {
		if err := a.epoch.CheckAdd(c.kp, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if _, err := a.epoch.Commit(a.records, CommitConfig{Add: []*KeyPackage{c.kp}, Now: c.at, Public: true}); !errors.Is(err, c.want) {
			t.Errorf("%s: commit: got %v, want %v", name, err, c.want)
		}
	}
	if !sameRecords(before, a.records) {
		t.Error("left a trace")
	}
}

// resign makes a changed key package whose signatures verify.
func resign(t *testing.T, m *member, change func(k *KeyPackage)) *KeyPackage {
	t.Helper()
	k, _ := m.newKeyPackage(KeyPackageConfig{NoGREASE: true})
	leaf := *k.leaf
	k.leaf = &leaf
	change(k)
	must(t, k.leaf.sign(m.signer, nil, 0))
	sig, err := signWithLabel(m.signer, "KeyPackageTBS", k.tbs())
	must(t, err)
	k.signature = sig
	w := writer{b: k.tbs()}
	w.vec(sig)
	parsed, err := ParseKeyPackage(w.b)
	must(t, err)
	return parsed
}

// TestKeyPackageValidation: each check of RFC 9420, §7.3 and §10.1, alone.
func TestKeyPackageValidation(t *testing.T) {
	m := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "anna")
	other := newSigner(t, m.suite)
	for name, c := range map[string]struct {
		change func(k *KeyPackage)
		want   error
	}{
		"unchanged":              {func(*KeyPackage) {}, nil},
		"unknown suite":          {func(k *KeyPackage) { k.suite = 0x7777 }, ErrUnsupported},
		"suite not in leaf":      {func(k *KeyPackage) { k.leaf.capabilities.Suites = []uint16{3} }, ErrInvalid},
		"version not in leaf":    {func(k *KeyPackage) { k.leaf.capabilities.Versions = []uint16{2} }, ErrInvalid},
		"credential not in leaf": {func(k *KeyPackage) { k.leaf.capabilities.Credentials = []uint16{2} }, ErrInvalid},
		"x509 credential": {func(k *KeyPackage) {
			k.leaf.credential = credential{typ: credentialX509, chain: [][]byte{make([]byte, 100)}}
		}, ErrUnsupported},
		"extension not in leaf": {func(k *KeyPackage) { k.leaf.extensions = []Extension{{0xf001, nil}} }, ErrInvalid},
		"leaf of an update":     {func(k *KeyPackage) { k.leaf.source = sourceUpdate }, ErrInvalid},
		"leaf of a commit":      {func(k *KeyPackage) { k.leaf.source = sourceCommit }, ErrInvalid},
		"init key is leaf key":  {func(k *KeyPackage) { k.initKey = k.leaf.encryptionKey }, ErrInvalid},
		"init key of bad size":  {func(k *KeyPackage) { k.initKey = make([]byte, 33) }, errMalformed},
		"leaf key of bad size":  {func(k *KeyPackage) { k.leaf.encryptionKey = make([]byte, 31) }, errMalformed},
		"another's key":         {func(k *KeyPackage) { k.leaf.signatureKey = other.Public() }, ErrSignature},
		"signature key of bad size": {func(k *KeyPackage) {
			k.leaf.signatureKey = append(other.Public(), 0)
		}, errMalformed},
		"lifetime too long": {func(k *KeyPackage) {
			k.leaf.lifetime.NotAfter = k.leaf.lifetime.NotBefore + uint64(MaxLifetime/time.Second) + 1
		}, ErrLifetime},
		"lifetime backwards": {func(k *KeyPackage) {
			k.leaf.lifetime.NotBefore, k.leaf.lifetime.NotAfter = k.leaf.lifetime.NotAfter, k.leaf.lifetime.NotBefore
		}, ErrLifetime},
		"lifetime for ever": {func(k *KeyPackage) { k.leaf.lifetime = Lifetime{0, 1<<64 - 1} }, ErrLifetime},
		"lifetime at the end of time": {func(k *KeyPackage) {
			k.leaf.lifetime = Lifetime{1<<64 - 10, 1<<64 - 1}
		}, ErrLifetime},
	} {
		t.Run(name, func(t *testing.T) {
			if err := resign(t, m, c.change).Check(now); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestKeyPackageSignatures(t *testing.T) {
	m := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "anna")
	b := m.kp.Bytes()
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if k, err := ParseKeyPackage(bad); err == nil && k.Check(now) == nil {
			t.Fatalf("accepted with byte %d changed", i)
		}
	}
}

func TestKeyPackageLifetime(t *testing.T) {
	m := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "anna")
	l := m.kp.Lifetime()
	from, to := time.Unix(int64(l.NotBefore), 0), time.Unix(int64(l.NotAfter), 0)
	for _, c := range []struct {
		at time.Time
		ok bool
	}{
		{from.Add(-LifetimeSlack), true},
		{from.Add(-LifetimeSlack - time.Second), false},
		{to.Add(LifetimeSlack), true},
		{to.Add(LifetimeSlack + time.Second), false},
		{time.Time{}, false},
	} {
		if err := m.kp.Check(c.at); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrLifetime) {
			t.Errorf("at %v: got %v, want ok %v", c.at, err, c.ok)
		}
	}
	_, _, err := NewKeyPackage(KeyPackageConfig{Signer: m.signer, NotBefore: now, NotAfter: now.Add(MaxLifetime + time.Second)})
	if !errors.Is(err, ErrLifetime) {
		t.Errorf("got %v for a lifetime too long, want %v", err, ErrLifetime)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	m := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "anna")
	m.create(GroupConfig{})
	for _, v := range []any{m.secrets, *m.secrets, m.epoch, &Staged{next: m.epoch}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if got := fmt.Sprintf(verb, v); !strings.Contains(got, redacted) || len(got) > 40 {
				t.Errorf("%s of %T prints %q", verb, v, got)
			}
		}
	}
}
