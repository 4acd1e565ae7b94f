package mls

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A tsPeer is a member that runs ts-mls: see testdata/ts-mls.
type tsPeer struct {
	t   *testing.T
	in  *json.Encoder
	out *bufio.Scanner
}

// A tsStep is what the peer is asked, a tsAnswer what it says.
type tsStep struct {
	Step    string `json:"step"`
	Message string `json:"message"`
	Text    string `json:"text"`
	Public  bool   `json:"public"`
	// Leaf is whom a commit or proposal removes.
	Leaf *uint32 `json:"leaf"`
}

type tsAnswer struct {
	Message       hexBytes `json:"message"`
	Welcome       hexBytes `json:"welcome"`
	Text          string   `json:"text"`
	Authenticator hexBytes `json:"authenticator"`
	Error         string   `json:"error"`
}

func startTSPeer(t *testing.T) *tsPeer {
	dir := os.Getenv("MLS_TSMLS")
	if dir == "" && os.Getenv("CI") != "" {
		t.Fatal("MLS_TSMLS names no directory where ts-mls is installed: see testdata/ts-mls/peer.mjs")
	}
	if dir == "" {
		t.Skip("set MLS_TSMLS to a directory where ts-mls is installed: see testdata/ts-mls/peer.mjs")
	}
	script, err := filepath.Abs(filepath.Join("testdata", "ts-mls", "peer.mjs"))
	must(t, err)
	c := exec.CommandContext(t.Context(), "node", script)
	c.Dir, c.Stderr = dir, os.Stderr
	in, err := c.StdinPipe()
	must(t, err)
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = c.Wait()
	})
	p := &tsPeer{t: t, in: json.NewEncoder(in), out: bufio.NewScanner(out)}
	p.out.Buffer(nil, 1<<24)
	return p
}

func (p *tsPeer) do(s tsStep, message []byte) tsAnswer {
	p.t.Helper()
	s.Message = hex.EncodeToString(message)
	must(p.t, p.in.Encode(s))
	if !p.out.Scan() {
		p.t.Fatal("the peer is gone")
	}
	a := unmarshal[tsAnswer](p.t, p.out.Bytes())
	if a.Error != "" {
		p.t.Fatalf("%s: %s", s.Step, a.Error)
	}
	return a
}

// talk exchanges messages both ways, with a reload before each step.
func (p *tsPeer) talk(m *member) {
	p.t.Helper()
	for range 3 {
		if got := p.do(tsStep{Step: "process"}, m.encrypt("from here")).Text; got != "from here" {
			p.t.Fatalf("the peer read %q", got)
		}
		m.load()
		got, err := m.epoch.Decrypt(m.records, p.do(tsStep{Step: "encrypt", Text: "from there"}, nil).Message)
		must(p.t, err)
		if string(got.Data) != "from there" || string(got.AuthenticatedData) != "data" {
			p.t.Fatalf("got %q with %q", got.Data, got.AuthenticatedData)
		}
	}
}

// newMember makes a member whose key package is good at the peer's time.
func (p *tsPeer) newMember(name string) *member {
	m := newMemberOf(p.t, X25519_AES128GCM_SHA256_Ed25519, name)
	m.reload = true
	var err error
	m.kp, m.secrets, err = NewKeyPackage(KeyPackageConfig{
		Signer: m.signer, Identity: []byte(name), LastResort: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
	})
	must(p.t, err)
	return m
}

// commit adds a key package and enters the next epoch.
func (p *tsPeer) commit(m *member, kp *KeyPackage, public bool) *Staged {
	p.t.Helper()
	s, err := m.epoch.Commit(m.records, CommitConfig{Add: []*KeyPackage{kp}, Now: time.Now(), Public: public})
	must(p.t, err)
	next, err := s.Apply(m.records)
	must(p.t, err)
	m.enter(next)
	return s
}

func (p *tsPeer) same(m *member, a tsAnswer) {
	p.t.Helper()
	if !bytes.Equal(m.epoch.Authenticator(), a.Authenticator) {
		p.t.Fatal("the peer is in another epoch")
	}
}

// TestInteropTSMLS lives through some epochs with ts-mls, as creator and as
// joiner, each side committing.
func TestInteropTSMLS(t *testing.T) {
	p := startTSPeer(t)
	anna := p.newMember("anna")
	anna.create(GroupConfig{})
	kp, err := decodeMessageOf(p.do(tsStep{Step: "keypackage"}, nil).Message, wireKeyPackage)
	must(t, err)
	s := p.commit(anna, kp.keyPackage, false)
	p.same(anna, p.do(tsStep{Step: "join"}, s.Welcome()))
	p.talk(anna)
	for _, public := range []bool{false, true} {
		ours := p.newMember("added by us")
		s := p.commit(anna, ours.kp, public)
		ours.join(s.Welcome())
		p.same(anna, p.do(tsStep{Step: "process"}, s.Message()))
		p.talk(anna)
		p.talk(ours)

		theirs := p.newMember("added by them")
		a := p.do(tsStep{Step: "add", Public: public}, encoded(&message{format: wireKeyPackage, keyPackage: theirs.kp}))
		anna.follow(a.Message)
		theirs.join(a.Welcome)
		p.same(anna, a)
		p.talk(anna)
		p.talk(theirs)
	}
}

// TestInteropTSMLSCreates joins a group that ts-mls created.
func TestInteropTSMLSCreates(t *testing.T) {
	p := startTSPeer(t)
	p.do(tsStep{Step: "create"}, nil)
	m := p.newMember("bert")
	a := p.do(tsStep{Step: "add"}, encoded(&message{format: wireKeyPackage, keyPackage: m.kp}))
	m.join(a.Welcome)
	p.same(m, a)
	p.talk(m)
}

// apply enters a commit of ours, which the peer processes.
func (p *tsPeer) apply(m *member, cfg CommitConfig) {
	p.t.Helper()
	m.load()
	s, err := m.epoch.Commit(m.records, cfg)
	must(p.t, err)
	next, err := s.Apply(nil)
	must(p.t, err)
	m.enter(next)
	p.same(m, p.do(tsStep{Step: "process"}, s.Message()))
}

// TestInteropTSMLSPaths: updates, removes, a leave by proposal and external
// commits, each side making them.
func TestInteropTSMLSPaths(t *testing.T) {
	p := startTSPeer(t)
	anna, bert, cleo := p.newMember("anna"), p.newMember("bert"), p.newMember("cleo")
	anna.create(GroupConfig{})
	kp, err := decodeMessageOf(p.do(tsStep{Step: "keypackage"}, nil).Message, wireKeyPackage)
	must(t, err)
	s, err := anna.epoch.Commit(anna.records, CommitConfig{
		Add: []*KeyPackage{kp.keyPackage, bert.kp, cleo.kp}, Now: time.Now(), Update: true,
	})
	must(t, err)
	next, err := s.Apply(nil)
	must(t, err)
	anna.enter(next)
	p.same(anna, p.do(tsStep{Step: "join"}, s.Welcome()))
	bert.join(s.Welcome())
	cleo.join(s.Welcome())
	p.talk(bert)
	for _, public := range []bool{false, true} {
		a := p.do(tsStep{Step: "commit", Public: public}, nil)
		anna.follow(a.Message)
		p.same(anna, a)
		p.apply(anna, CommitConfig{Public: public})
		p.talk(anna)
	}
	// A remove of theirs, a leave that they propose and we commit.
	leaf := cleo.epoch.OwnLeaf()
	p.apply(anna, CommitConfig{Remove: []uint32{leaf}})
	leaf = 2
	a := p.do(tsStep{Step: "commit", Leaf: &leaf}, nil)
	anna.follow(a.Message)
	p.same(anna, a)
	p.talk(anna)

	// Each side comes back by an external commit.
	info, err := anna.epoch.GroupInfo(true)
	must(t, err)
	a = p.do(tsStep{Step: "external"}, bareExternalPub(anna, info))
	if got := anna.follow(a.Message).Changes(); !got.External || len(got.Removed) != 1 {
		t.Errorf("got %+v", got)
	}
	p.same(anna, a)
	p.talk(anna)
	s, err = External(ExternalConfig{
		GroupInfo: p.do(tsStep{Step: "groupinfo"}, nil).Message, Signer: anna.signer, Identity: []byte("anna"),
	})
	must(t, err)
	next, err = s.Apply(nil)
	must(t, err)
	anna.enter(next)
	p.same(anna, p.do(tsStep{Step: "process"}, s.Message()))
	p.talk(anna)

	leaf = 1
	got, err := anna.epoch.Receive(anna.records, p.do(tsStep{Step: "propose", Leaf: &leaf}, nil).Message)
	must(t, err)
	staged, err := anna.epoch.Commit(anna.records, CommitConfig{Proposals: [][]byte{got.Reference}})
	must(t, err)
	if c := staged.Changes(); len(c.Removed) != 1 || string(c.Removed[0].Identity) != "ts" {
		t.Errorf("got %+v", c)
	}
}

// bareExternalPub signs a GroupInfo again with external_pub as version 1.6.4 of
// ts-mls reads it, without the length before the key.
func bareExternalPub(m *member, info []byte) []byte {
	m.tb.Helper()
	d, err := decodeMessageOf(info, wireGroupInfo)
	must(m.tb, err)
	for i, e := range d.groupInfo.extensions {
		if e.Type == ExtensionExternalPub {
			d.groupInfo.extensions[i].Data = e.Data[1:]
		}
	}
	must(m.tb, d.groupInfo.sign(m.signer))
	return encoded(d)
}
