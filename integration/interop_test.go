package integration

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"strings"
	"testing"
	"time"

	"quicnprotochat/mls"
)

// mlsPeer is a member of a group in another implementation of MLS.
type mlsPeer struct {
	t       *testing.T
	name    string
	suite   mls.Suite
	lacks   mlsLacks
	command []string
	lines   *lines
}

// mlsLacks is what an implementation cannot do.
type mlsLacks struct {
	// updates: it makes no Update proposals.
	updates bool
	// grease: it refuses reserved values where RFC 9420, section 13.5, says that
	// they are to be ignored.
	grease bool
}

// mlsStep is what the peer is asked, mlsAnswer what it says.
type mlsStep struct {
	Step    string   `json:"step"`
	Name    string   `json:"name"`
	Suite   uint16   `json:"suite"`
	Message hexBytes `json:"message"`
	Text    string   `json:"text"`
	Data    string   `json:"data"`
	State   string   `json:"state"`
	Public  bool     `json:"public"`
	// Leaf is whom a commit or proposal removes.
	Leaf *uint32 `json:"leaf"`
}

type mlsAnswer struct {
	Message       hexBytes `json:"message"`
	Welcome       hexBytes `json:"welcome"`
	Text          string   `json:"text"`
	Data          string   `json:"data"`
	State         string   `json:"state"`
	Leaf          uint32   `json:"leaf"`
	Authenticator hexBytes `json:"authenticator"`
	Error         string   `json:"error"`
}

type hexBytes []byte

// MarshalText and UnmarshalText make it hex digits in JSON.
func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

func newMLSPeer(t *testing.T, suite mls.Suite, lacks mlsLacks, command []string) *mlsPeer {
	t.Helper()
	return &mlsPeer{t: t, name: "peer", suite: suite, lacks: lacks, command: command, lines: startLines(t, command)}
}

// try asks the peer for a step that may be refused.
func (p *mlsPeer) try(s mlsStep) (a mlsAnswer) {
	p.t.Helper()
	s.Suite, s.Name = uint16(p.suite), p.name
	p.lines.ask(s, &a)
	return a
}

func (p *mlsPeer) do(s mlsStep) mlsAnswer {
	p.t.Helper()
	a := p.try(s)
	if a.Error != "" {
		p.t.Fatalf("%s: %s", s.Step, a.Error)
	}
	return a
}

// restart lets another process go on from what this one saved.
func (p *mlsPeer) restart() {
	p.t.Helper()
	saved := p.do(mlsStep{Step: "save"})
	p.lines.end()
	p.lines = startLines(p.t, p.command)
	p.do(mlsStep{Step: "load", State: saved.State})
}

// mlsSigner signs as a member of ours.
type mlsSigner ed25519.PrivateKey

func (s mlsSigner) Public() []byte { return ed25519.PrivateKey(s).Public().(ed25519.PublicKey) }

func (s mlsSigner) Sign(m []byte) ([]byte, error) { return ed25519.Sign(ed25519.PrivateKey(s), m), nil }

// mlsMember is a member of ours. It loads its epoch from its records before each
// step.
type mlsMember struct {
	t       *testing.T
	name    string
	signer  mlsSigner
	kp      *mls.KeyPackage
	secrets *mls.KeyPackageSecrets
	records mls.Scratch
	removed bool
}

func newMLSMember(t *testing.T, p *mlsPeer, name string) *mlsMember {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	m := &mlsMember{t: t, name: name, signer: mlsSigner(key)}
	m.kp, m.secrets, err = mls.NewKeyPackage(mls.KeyPackageConfig{
		Suite: p.suite, Signer: m.signer, Identity: []byte(name),
		NoGREASE: p.lacks.grease, LastResort: mathrand.IntN(2) == 0,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
	})
	must(t, err)
	return m
}

// keyPackageMessage is the MLSMessage of a key package (RFC 9420, section 6):
// version, wire format mls_key_package, and the package.
func keyPackageMessage(kp *mls.KeyPackage) []byte { return append([]byte{0, 1, 0, 5}, kp.Bytes()...) }

func (m *mlsMember) epoch() *mls.Epoch {
	m.t.Helper()
	e, err := mls.LoadEpoch(m.records, m.signer)
	must(m.t, err)
	return e
}

func (m *mlsMember) enter(e *mls.Epoch) {
	m.t.Helper()
	m.records = mls.Scratch{}
	must(m.t, e.Save(m.records))
}

func (m *mlsMember) create(suite mls.Suite) {
	m.t.Helper()
	e, err := mls.Create(mls.GroupConfig{Suite: suite, Signer: m.signer, Identity: []byte(m.name)})
	must(m.t, err)
	m.enter(e)
}

func (m *mlsMember) join(welcome []byte) {
	m.t.Helper()
	e, err := mls.Join(mls.JoinConfig{Welcome: welcome, KeyPackage: m.kp, Secrets: m.secrets, Signer: m.signer})
	must(m.t, err)
	m.enter(e)
}

// commit enters the next epoch by a commit of its own.
func (m *mlsMember) commit(cfg mls.CommitConfig) *mls.Staged {
	m.t.Helper()
	cfg.Now = time.Now()
	s, err := m.epoch().Commit(m.records, cfg)
	must(m.t, err)
	next, err := s.Apply(nil)
	must(m.t, err)
	m.enter(next)
	return s
}

// follow enters the next epoch by the commit of another.
func (m *mlsMember) follow(commit []byte) mls.Changes {
	m.t.Helper()
	s, err := m.epoch().Stage(m.records, commit, mls.StageConfig{})
	if err != nil {
		m.t.Fatalf("%s: %v", m.name, err)
	}
	if m.removed = s.RemovesUs(); !m.removed {
		next, err := s.Apply(m.records)
		must(m.t, err)
		m.enter(next)
	}
	return s.Changes()
}

// mlsGroup is a group that members of ours are in, and the peer.
type mlsGroup struct {
	t    *testing.T
	peer *mlsPeer
	ours []*mlsMember
}

func (g *mlsGroup) newMember(name string) *mlsMember {
	g.t.Helper()
	return newMLSMember(g.t, g.peer, name)
}

// same checks that all are in one epoch, and forgets who is no more in.
func (g *mlsGroup) same(a mlsAnswer) {
	g.t.Helper()
	var in []*mlsMember
	for _, m := range g.ours {
		if m.removed {
			continue
		}
		in = append(in, m)
		if e := m.epoch(); !bytes.Equal(e.Authenticator(), a.Authenticator) {
			g.t.Fatalf("%s is in another epoch %d than the peer", m.name, e.Number())
		}
	}
	g.ours = in
}

// commit lets one of ours commit; the others and the peer follow.
func (g *mlsGroup) commit(m *mlsMember, cfg mls.CommitConfig) *mls.Staged {
	g.t.Helper()
	s := m.commit(cfg)
	g.others(m, s.Message())
	g.same(g.peer.do(mlsStep{Step: "process", Message: s.Message()}))
	return s
}

// others lets all of ours but one follow a commit.
func (g *mlsGroup) others(but *mlsMember, commit []byte) {
	g.t.Helper()
	for _, m := range g.ours {
		if m != but {
			m.follow(commit)
		}
	}
}

// peerCommits lets the peer commit, and all of ours follow.
func (g *mlsGroup) peerCommits(s mlsStep) mlsAnswer {
	g.t.Helper()
	a := g.peer.do(s)
	g.others(nil, a.Message)
	g.same(a)
	return a
}

// fresh is a text that was not there before; its length is often beside those
// where the length of a vector takes more bytes.
func fresh() string {
	lengths := []int{26, 62, 63, 64, 65, 1000, 16383, 16384, 20000}
	n := lengths[mathrand.N(len(lengths))]
	return strings.Repeat(rand.Text(), n/26+1)[:n]
}

// talk exchanges messages in both directions between the peer and each of ours.
// They arrive in another order than they were sent in; in between the peer is
// saved and another process goes on.
func (g *mlsGroup) talk() {
	g.t.Helper()
	for _, m := range g.ours {
		const n = 5
		var sent [n]mlsStep
		for i := range sent {
			text, data := fresh(), rand.Text()
			message, err := m.epoch().Encrypt(m.records, []byte(data), []byte(text))
			must(g.t, err)
			sent[i] = mlsStep{Step: "process", Message: message, Text: text, Data: data}
		}
		for k, i := range mathrand.Perm(n) {
			if k == n/2 && m == g.ours[0] {
				g.peer.restart()
			}
			a := g.peer.do(mlsStep{Step: "process", Message: sent[i].Message})
			if a.Text != sent[i].Text || a.Data != sent[i].Data {
				g.t.Fatalf("message %d of %s: the peer read %q with %q", i, m.name, a.Text, a.Data)
			}
		}
		if a := g.peer.try(mlsStep{Step: "process", Message: sent[0].Message}); a.Error == "" {
			g.t.Errorf("the peer read a message twice")
		}
	}
	g.hear()
}

// hear lets all of ours read what the peer sends, in another order.
func (g *mlsGroup) hear() {
	g.t.Helper()
	const n = 5
	var sent [n]mlsStep
	for i := range sent {
		sent[i] = mlsStep{Step: "encrypt", Text: fresh(), Data: rand.Text()}
		sent[i].Message = g.peer.do(sent[i]).Message
	}
	for _, m := range g.ours {
		for _, i := range mathrand.Perm(n) {
			m.records = maps.Clone(m.records)
			got, err := m.epoch().Decrypt(m.records, sent[i].Message)
			if err != nil {
				g.t.Fatalf("message %d of the peer, to %s: %v", i, m.name, err)
			}
			if string(got.Data) != sent[i].Text || string(got.AuthenticatedData) != sent[i].Data || string(got.Identity) != "peer" {
				g.t.Fatalf("message %d of the peer: got %q by %q with %q", i, got.Data, got.Identity, got.AuthenticatedData)
			}
		}
		if _, err := m.epoch().Decrypt(m.records, sent[0].Message); err == nil {
			g.t.Errorf("%s read a message twice", m.name)
		}
	}
}

// weCreate makes a group of two of ours and the peer.
func weCreate(p *mlsPeer) *mlsGroup {
	p.t.Helper()
	g := &mlsGroup{t: p.t, peer: p}
	anna, bert := g.newMember("anna"), g.newMember("bert")
	anna.create(p.suite)
	message := p.do(mlsStep{Step: "keypackage"}).Message
	kp, err := mls.ParseKeyPackage(message[4:])
	must(p.t, err)
	p.restart()
	s := anna.commit(mls.CommitConfig{Add: []*mls.KeyPackage{kp, bert.kp}, Update: true})
	bert.join(s.Welcome())
	g.ours = []*mlsMember{anna, bert}
	g.same(p.do(mlsStep{Step: "join", Message: s.Welcome()}))
	return g
}

// peerCreates makes the same group, begun by the peer.
func peerCreates(p *mlsPeer) *mlsGroup {
	p.t.Helper()
	g := &mlsGroup{t: p.t, peer: p}
	p.do(mlsStep{Step: "create"})
	g.peerAdds("anna", false)
	g.peerAdds("bert", true)
	return g
}

func (g *mlsGroup) peerAdds(name string, public bool) *mlsMember {
	g.t.Helper()
	m := g.newMember(name)
	a := g.peer.do(mlsStep{Step: "add", Message: keyPackageMessage(m.kp), Public: public})
	g.others(nil, a.Message)
	m.join(a.Welcome)
	g.ours = append(g.ours, m)
	g.same(a)
	return m
}

func (g *mlsGroup) weAdd(name string, public bool) *mlsMember {
	g.t.Helper()
	m := g.newMember(name)
	s := g.commit(g.ours[0], mls.CommitConfig{Add: []*mls.KeyPackage{m.kp}, Public: public})
	m.join(s.Welcome())
	g.ours = append(g.ours, m)
	return m
}

// receive lets all of ours keep a proposal of the peer.
func (g *mlsGroup) receive(proposal []byte) (reference []byte) {
	g.t.Helper()
	for _, m := range g.ours {
		p, err := m.epoch().Receive(m.records, proposal)
		must(g.t, err)
		reference = p.Reference
	}
	return reference
}

// live is the life of a group: all that RFC 9420 lets its members do, by each side,
// in public and in private.
func (g *mlsGroup) live() {
	g.t.Helper()
	g.talk()
	for _, public := range []bool{false, true} {
		added := []*mlsMember{g.weAdd(fmt.Sprint("cleo ", public), public), g.peerAdds(fmt.Sprint("dora ", public), public)}
		g.talk()
		g.peerCommits(mlsStep{Step: "commit", Public: public})
		g.commit(g.ours[1], mls.CommitConfig{Public: public})
		g.peer.restart()
		if !g.peer.lacks.updates {
			g.update(public)
		}
		leaf := added[0].epoch().OwnLeaf()
		g.commit(g.ours[0], mls.CommitConfig{Remove: []uint32{leaf}, Public: public})
		leaf = added[1].epoch().OwnLeaf()
		g.peerCommits(mlsStep{Step: "commit", Leaf: &leaf, Public: public})
		if !added[0].removed || !added[1].removed {
			g.t.Fatal("who was removed has not noticed")
		}
		g.talk()
	}
	g.comeBack()
	g.leave()
}

// update lets each side commit an update that the other proposes.
func (g *mlsGroup) update(public bool) {
	g.t.Helper()
	reference := g.receive(g.peer.do(mlsStep{Step: "propose", Public: public}).Message)
	if c := g.commit(g.ours[0], mls.CommitConfig{Proposals: [][]byte{reference}, Public: public}).Changes(); len(c.Updated) != 1 {
		g.t.Errorf("update of the peer: got %+v", c)
	}
	m := g.ours[0]
	p, err := m.epoch().ProposeUpdate(m.records, mls.ProposeConfig{Public: public})
	must(g.t, err)
	for _, other := range g.ours[1:] {
		_, err := other.epoch().Receive(other.records, p.Message)
		must(g.t, err)
	}
	g.peer.do(mlsStep{Step: "process", Message: p.Message})
	g.peer.restart()
	g.peerCommits(mlsStep{Step: "commit", Public: public})
	g.hear()
}

// comeBack lets each side lose its state and rejoin by an external commit.
func (g *mlsGroup) comeBack() {
	g.t.Helper()
	info, err := g.ours[0].epoch().GroupInfo(true)
	must(g.t, err)
	g.peerCommits(mlsStep{Step: "external", Message: info})
	g.talk()
	lost := g.ours[0]
	s, err := mls.External(mls.ExternalConfig{
		GroupInfo: g.peer.do(mlsStep{Step: "groupinfo"}).Message, Signer: lost.signer, Identity: []byte(lost.name),
	})
	must(g.t, err)
	next, err := s.Apply(nil)
	must(g.t, err)
	lost.enter(next)
	g.others(lost, s.Message())
	g.same(g.peer.do(mlsStep{Step: "process", Message: s.Message()}))
	g.talk()
}

// leave lets one of ours propose to go, and the peer commit it; then the peer goes.
func (g *mlsGroup) leave() {
	g.t.Helper()
	m := g.ours[1]
	p, err := m.epoch().ProposeRemove(m.records, m.epoch().OwnLeaf(), mls.ProposeConfig{})
	must(g.t, err)
	_, err = g.ours[0].epoch().Receive(g.ours[0].records, p.Message)
	must(g.t, err)
	g.peer.do(mlsStep{Step: "process", Message: p.Message})
	g.peerCommits(mlsStep{Step: "commit"})
	if !m.removed || len(g.ours) != 1 {
		g.t.Fatalf("%s is still in", m.name)
	}
	g.talk()
	m = g.ours[0]
	var leaf uint32
	for _, other := range m.epoch().Members() {
		if string(other.Identity) == "peer" {
			leaf = other.Leaf
		}
	}
	reference := g.receive(g.peer.do(mlsStep{Step: "propose", Leaf: &leaf}).Message)
	if c := m.commit(mls.CommitConfig{Proposals: [][]byte{reference}}).Changes(); len(c.Removed) != 1 || string(c.Removed[0].Identity) != "peer" {
		g.t.Errorf("leaving of the peer: got %+v", c)
	}
}

// TestInteropTSMLS lives in groups with ts-mls.
func TestInteropTSMLS(t *testing.T) {
	testInterop(t, mls.X25519_AES128GCM_SHA256_Ed25519, mlsLacks{updates: true}, npmPeer(t, "ts-mls"))
}

// TestInteropOpenMLS lives in groups with OpenMLS.
func TestInteropOpenMLS(t *testing.T) {
	command := cargoPeer(t, "openmls")
	// Version 0.9.2 does not find such an extension of a key package in the
	// capabilities, where it is.
	lacks := mlsLacks{grease: true}
	for _, suite := range []mls.Suite{
		mls.X25519_AES128GCM_SHA256_Ed25519, mls.X25519_CHACHA20POLY1305_SHA256_Ed25519,
		mls.MLKEM768X25519_AES128GCM_SHA256_Ed25519,
	} {
		t.Run(suite.String(), func(t *testing.T) { testInterop(t, suite, lacks, command) })
	}
}

func testInterop(t *testing.T, suite mls.Suite, lacks mlsLacks, command []string) {
	for name, create := range map[string]func(*mlsPeer) *mlsGroup{"we create": weCreate, "the peer creates": peerCreates} {
		t.Run(name, func(t *testing.T) { create(newMLSPeer(t, suite, lacks, command)).live() })
	}
}
