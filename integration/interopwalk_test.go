package integration

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"testing"

	"quicnprotochat/mls"
)

// walkGroup is a group of several members of ours and several peers.
type walkGroup struct {
	t       *testing.T
	suite   mls.Suite
	command []string
	rand    *mathrand.Rand
	members []*walkMember
	n       int
}

// walkMember is one of ours or a peer.
type walkMember struct {
	name string
	leaf uint32
	ours *mlsMember
	peer *mlsPeer
}

var (
	walkSteps = flag.Int("walk", 15, "steps of each walk of TestInteropWalk")
	walkSeed  = flag.Uint64("walkseed", 0, "seed of a walk that failed; 0: a fresh one")
)

// TestInteropWalk lets members of ours and of OpenMLS add, remove, update, propose
// and rejoin at random. All must stay in one epoch.
func TestInteropWalk(t *testing.T) {
	command := cargoPeer(t, "openmls")
	for _, suite := range []mls.Suite{mls.X25519_AES128GCM_SHA256_Ed25519, mls.MLKEM768X25519_AES128GCM_SHA256_Ed25519} {
		t.Run(suite.String(), func(t *testing.T) {
			seed := cmp.Or(*walkSeed, mathrand.Uint64())
			t.Logf("seed %d", seed)
			g := &walkGroup{t: t, suite: suite, command: command, rand: mathrand.New(mathrand.NewPCG(seed, 0))}
			g.begin()
			for range *walkSteps {
				g.step()
			}
		})
	}
}

func (g *walkGroup) outsider() (m *walkMember, keyPackage []byte) {
	g.t.Helper()
	g.n++
	m = &walkMember{name: fmt.Sprint("member ", g.n)}
	if g.rand.IntN(2) == 0 {
		m.ours = newMLSMember(g.t, &mlsPeer{suite: g.suite, lacks: mlsLacks{grease: true}}, m.name)
		return m, keyPackageMessage(m.ours.kp)
	}
	m.peer = newMLSPeer(g.t, g.suite, mlsLacks{grease: true}, g.command)
	m.peer.name = m.name
	return m, m.peer.do(mlsStep{Step: "keypackage"}).Message
}

func (g *walkGroup) begin() {
	m, _ := g.outsider()
	if m.ours != nil {
		m.ours.create(g.suite)
	} else {
		m.peer.do(mlsStep{Step: "create"})
	}
	g.members = []*walkMember{m}
	for range 5 {
		g.add(g.members[0])
	}
}

// step lets a member do something that is picked at random.
func (g *walkGroup) step() {
	g.t.Helper()
	by := g.members[g.rand.IntN(len(g.members))]
	switch k := g.rand.IntN(10); {
	case len(g.members) < 3 || k < 3 && len(g.members) < 12:
		g.add(by)
	case k < 5:
		other := g.members[g.rand.IntN(len(g.members))]
		if other != by {
			g.remove(by, other)
		}
	case k < 7:
		g.update(by)
	case k < 9:
		g.proposed(by)
	default:
		g.rejoin(by)
	}
	g.talk()
}

// add lets by add somebody.
func (g *walkGroup) add(by *walkMember) {
	g.t.Helper()
	m, kp := g.outsider()
	g.t.Logf("%s adds %s", by, m)
	var commit, welcome []byte
	public := g.rand.IntN(2) == 0
	if by.ours != nil {
		parsed, err := mls.ParseKeyPackage(kp[4:])
		must(g.t, err)
		s := by.ours.commit(mls.CommitConfig{Add: []*mls.KeyPackage{parsed}, Public: public, Update: g.rand.IntN(2) == 0})
		commit, welcome = s.Message(), s.Welcome()
	} else {
		a := by.peer.do(mlsStep{Step: "add", Message: kp, Public: public})
		commit, welcome = a.Message, a.Welcome
	}
	g.follow(by, commit)
	if m.ours != nil {
		m.ours.join(welcome)
	} else {
		m.peer.do(mlsStep{Step: "join", Message: welcome})
	}
	g.members = append(g.members, m)
	g.same()
}

func (g *walkGroup) remove(by, other *walkMember) {
	g.t.Helper()
	g.t.Logf("%s removes %s", by, other)
	g.drop(other)
	var commit []byte
	if by.ours != nil {
		commit = by.ours.commit(mls.CommitConfig{Remove: []uint32{other.leaf}}).Message()
	} else {
		commit = by.peer.do(mlsStep{Step: "commit", Leaf: &other.leaf}).Message
	}
	g.follow(by, commit)
	g.same()
}

func (g *walkGroup) drop(m *walkMember) {
	for i, other := range g.members {
		if other == m {
			g.members = append(g.members[:i:i], g.members[i+1:]...)
		}
	}
	if m.peer != nil {
		m.peer.lines.end()
	}
}

func (g *walkGroup) update(by *walkMember) {
	g.t.Helper()
	g.t.Logf("%s updates", by)
	g.follow(by, g.commit(by, nil))
	g.same()
}

func (g *walkGroup) commit(by *walkMember, references [][]byte) []byte {
	if by.ours != nil {
		return by.ours.commit(mls.CommitConfig{Proposals: references, Public: g.rand.IntN(2) == 0, Update: true}).Message()
	}
	return by.peer.do(mlsStep{Step: "commit", Public: g.rand.IntN(2) == 0}).Message
}

// proposed lets some members propose updates, one to leave, and by commit it all.
func (g *walkGroup) proposed(by *walkMember) {
	g.t.Helper()
	var references [][]byte
	var leaver *walkMember
	for _, m := range g.members {
		if m == by || g.rand.IntN(2) == 0 {
			continue
		}
		leaves := leaver == nil && len(g.members) > 3 && g.rand.IntN(3) == 0
		g.t.Logf("%s proposes, to leave: %v", m, leaves)
		var proposal []byte
		public := g.rand.IntN(2) == 0
		switch {
		case m.ours != nil && leaves:
			p, err := m.ours.epoch().ProposeRemove(m.ours.records, m.leaf, mls.ProposeConfig{Public: public})
			must(g.t, err)
			proposal = p.Message
		case m.ours != nil:
			p, err := m.ours.epoch().ProposeUpdate(m.ours.records, mls.ProposeConfig{Public: public})
			must(g.t, err)
			proposal = p.Message
		case leaves:
			proposal = m.peer.do(mlsStep{Step: "propose", Leaf: &m.leaf, Public: public}).Message
		default:
			proposal = m.peer.do(mlsStep{Step: "propose", Public: public}).Message
		}
		if leaves {
			leaver = m
		}
		for _, other := range g.members {
			switch {
			case other == m:
			case other.ours != nil:
				p, err := other.ours.epoch().Receive(other.ours.records, proposal)
				must(g.t, err)
				if other == by {
					references = append(references, p.Reference)
				}
			default:
				other.peer.do(mlsStep{Step: "process", Message: proposal})
			}
		}
	}
	g.t.Logf("%s commits %d", by, len(references))
	commit := g.commit(by, references)
	if leaver != nil {
		g.drop(leaver)
	}
	g.follow(by, commit)
	g.same()
}

// rejoin lets a member come back from outside by the GroupInfo of another.
func (g *walkGroup) rejoin(m *walkMember) {
	g.t.Helper()
	var giver *walkMember
	for giver == nil || giver == m {
		giver = g.members[g.rand.IntN(len(g.members))]
	}
	g.t.Logf("%s rejoins by %s", m, giver)
	var info, commit []byte
	if giver.ours != nil {
		var err error
		info, err = giver.ours.epoch().GroupInfo(true)
		must(g.t, err)
	} else {
		info = giver.peer.do(mlsStep{Step: "groupinfo"}).Message
	}
	if m.ours != nil {
		s, err := mls.External(mls.ExternalConfig{GroupInfo: info, Signer: m.ours.signer, Identity: []byte(m.name)})
		must(g.t, err)
		next, err := s.Apply(nil)
		must(g.t, err)
		m.ours.enter(next)
		commit = s.Message()
	} else {
		commit = m.peer.do(mlsStep{Step: "external", Message: info}).Message
	}
	g.follow(m, commit)
	g.same()
}

func (g *walkGroup) follow(by *walkMember, commit []byte) {
	g.t.Helper()
	for _, m := range g.members {
		switch {
		case m == by:
		case m.ours != nil:
			m.ours.follow(commit)
		default:
			m.peer.do(mlsStep{Step: "process", Message: commit})
		}
	}
}

// same checks that all are in one epoch, and learns the leaves.
func (g *walkGroup) same() {
	g.t.Helper()
	var want []byte
	for _, m := range g.members {
		var got []byte
		if m.ours != nil {
			e := m.ours.epoch()
			got, m.leaf = e.Authenticator(), e.OwnLeaf()
		} else {
			a := m.peer.do(mlsStep{Step: "status"})
			got, m.leaf = a.Authenticator, a.Leaf
		}
		if want == nil {
			want = got
		}
		if !bytes.Equal(got, want) {
			g.t.Fatalf("%s is in another epoch", m)
		}
	}
}

func (m *walkMember) String() string {
	if m.ours != nil {
		return m.name + " (ours)"
	}
	return m.name
}

// talk lets one member say something to all others.
func (g *walkGroup) talk() {
	g.t.Helper()
	by := g.members[g.rand.IntN(len(g.members))]
	text := fresh()
	var message []byte
	if by.ours != nil {
		var err error
		message, err = by.ours.epoch().Encrypt(by.ours.records, []byte("data"), []byte(text))
		must(g.t, err)
	} else {
		message = by.peer.do(mlsStep{Step: "encrypt", Text: text, Data: "data"}).Message
	}
	for _, m := range g.members {
		if m == by {
			continue
		}
		got := ""
		if m.ours != nil {
			app, err := m.ours.epoch().Decrypt(m.ours.records, message)
			must(g.t, err)
			got = string(app.Data)
		} else {
			got = m.peer.do(mlsStep{Step: "process", Message: message}).Text
		}
		if got != text {
			g.t.Fatalf("%s reads %q", m, got)
		}
	}
}
