package mls

import (
	"bytes"
	"testing"
)

// fuzzGroup is a group of two with a third who is being added, for seeds.
type fuzzGroup struct {
	a, b, c *member
	commit  *Staged
	public  *Staged
	text    []byte
}

func newFuzzGroup(f *testing.F) *fuzzGroup {
	g := &fuzzGroup{}
	g.a, g.b = twoMembers(f, X25519_AES128GCM_SHA256_Ed25519)
	g.a.reload, g.b.reload = false, false
	g.c = newMemberOf(f, g.a.suite, "cleo")
	var err error
	cfg := CommitConfig{Add: []*KeyPackage{g.c.kp}, Now: now}
	g.commit, err = g.a.epoch.Commit(g.a.records, cfg)
	must(f, err)
	cfg.Public = true
	g.public, err = g.a.epoch.Commit(g.a.records, cfg)
	must(f, err)
	g.text = g.a.encrypt("hello")
	return g
}

func FuzzParseKeyPackage(f *testing.F) {
	m := newMemberOf(f, X25519_AES128GCM_SHA256_Ed25519, "anna")
	f.Add(m.kp.Bytes())
	k, _ := m.newKeyPackage(KeyPackageConfig{LastResort: true, LeafExtensions: []Extension{{0xf001, []byte("x")}}})
	f.Add(k.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ParseKeyPackage(b)
		if err != nil {
			return
		}
		if !bytes.Equal(k.Bytes(), b) {
			t.Fatal("does not come back")
		}
		var w writer
		w.raw(k.tbs())
		w.vec(k.signature)
		if !bytes.Equal(w.b, b) {
			t.Fatal("does not encode to what it was decoded from")
		}
		_, _ = k.Check(now), k.Ref()
	})
}

func FuzzParseKeyPackageSecrets(f *testing.F) {
	f.Add(newMemberOf(f, P256_AES128GCM_SHA256_P256, "anna").secrets.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := ParseKeyPackageSecrets(b); err == nil && !bytes.Equal(s.Bytes(), b) {
			t.Fatal("does not come back")
		}
	})
}

func FuzzParseMessage(f *testing.F) {
	g := newFuzzGroup(f)
	for _, b := range [][]byte{g.commit.Message(), g.commit.Welcome(), g.public.Message(), g.text} {
		f.Add(b)
	}
	f.Add(encoded(&message{format: WireKeyPackage, keyPackage: g.c.kp}))
	f.Add(encoded(&message{format: WireGroupInfo, groupInfo: &groupInfo{
		context: g.a.epoch.context, confirmationTag: g.a.epoch.tag, signature: random(64),
	}}))
	for _, p := range fuzzProposals(g) {
		a := &authenticatedContent{WirePublicMessage, &framedContent{
			groupID: []byte("g"), sender: sender{senderExternal, 3}, typ: contentProposal, proposal: p,
		}, authData{signature: random(64)}}
		f.Add(encoded(&message{format: WirePublicMessage, public: &publicMessage{content: a.content, auth: a.auth}}))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := ParseMessage(b)
		_, _ = WelcomeRefs(b)
		if err != nil {
			return
		}
		m, err := decodeMessage(b)
		if err != nil || !bytes.Equal(encoded(m), b) {
			t.Fatal("does not come back")
		}
	})
}

// fuzzProposals returns one proposal of each type.
func fuzzProposals(g *fuzzGroup) []*proposal {
	return []*proposal{
		{typ: ProposalAdd, add: g.c.kp},
		{typ: ProposalUpdate, update: g.a.epoch.tree.leaf(0)},
		{typ: ProposalRemove, remove: 1},
		{typ: ProposalPSK, psk: &pskID{typ: pskExternal, id: []byte("id"), nonce: random(32)}},
		{typ: ProposalPSK, psk: &pskID{typ: pskResumption, usage: PSKReInit, groupID: []byte("g"), epoch: 3, nonce: random(32)}},
		{typ: ProposalReInit, reInit: &reInit{groupID: []byte("new"), version: 1, suite: 1}},
		{typ: ProposalExternalInit, externalInit: random(32)},
		{typ: ProposalGroupContextExtensions, extensions: []Extension{{0xf001, []byte("x")}}},
	}
}

func FuzzDecodeCommit(f *testing.F) {
	g := newFuzzGroup(f)
	c := &commit{path: &updatePath{leaf: g.a.epoch.tree.leaf(0), nodes: []updatePathNode{{random(32), []hpkeCiphertext{{random(32), random(48)}}}}}}
	for _, p := range fuzzProposals(g) {
		c.proposals = append(c.proposals, proposalOrRef{proposal: p})
	}
	c.proposals = append(c.proposals, proposalOrRef{reference: random(32)})
	f.Add(encoded(c))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &reader{b: b}
		c := decodeCommit(r)
		if r.finish() == nil && !bytes.Equal(encoded(c), b) {
			t.Fatal("does not come back")
		}
	})
}

func FuzzDecodeGroupSecrets(f *testing.F) {
	f.Add(encoded(&groupSecrets{joiner: random(32), pathSecret: random(32), psks: []*pskID{{typ: pskExternal, nonce: random(32)}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &reader{b: b}
		g := decodeGroupSecrets(r)
		if r.finish() == nil && !bytes.Equal(encoded(g), b) {
			t.Fatal("does not come back")
		}
	})
}

func FuzzRequiredCapabilities(f *testing.F) {
	f.Add(encoded(RequiredCapabilities{Extensions: []uint16{1}, Proposals: []uint16{2}, Credentials: []uint16{1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := requiredCapabilities([]Extension{{ExtensionRequiredCapabilities, b}})
		if err == nil && !bytes.Equal(encoded(c), b) {
			t.Fatal("does not come back")
		}
	})
}

func FuzzParseTree(f *testing.F) {
	g := newFuzzGroup(f)
	f.Add(encoded(g.a.epoch.tree))
	f.Add(encoded(g.commit.next.tree))
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, err := parseTree(suites[0], b)
		if err != nil {
			return
		}
		if !bytes.Equal(encoded(tree), b) {
			t.Fatal("does not come back")
		}
		_ = tree.check([]byte("group"), nil)
		e := tree.edit()
		if _, ok := e.add(g.c.kp.leaf); ok {
			e.freeze()
		}
		for i := range tree.members() {
			e = tree.edit()
			e.remove(i)
			e.freeze()
			break
		}
		if !bytes.Equal(encoded(tree), b) {
			t.Fatal("an edit changed the tree")
		}
	})
}

func FuzzLoadEpoch(f *testing.F) {
	g := newFuzzGroup(f)
	f.Add(g.b.records[recordEpoch], g.b.records[recordTree])
	f.Fuzz(func(t *testing.T, epoch, tree []byte) {
		e, err := LoadEpoch(Scratch{recordEpoch: epoch, recordTree: tree}, g.b.signer)
		if err == nil && e.Number() == g.b.epoch.Number() {
			_, _ = e.Encrypt(Scratch{}, nil, nil)
		}
	})
}

func FuzzDecodeRatchet(f *testing.F) {
	f.Add((&ratchet{next: 7, floor: 2, kept: 1, secret: random(32)}).bytes(), uint32(4), random(28))
	f.Fuzz(func(t *testing.T, b []byte, generation uint32, key []byte) {
		r := Scratch{applicationRatchet.record(1): b, applicationRatchet.skippedRecord(1, uint64(generation)): key}
		tree := secretTree{suite: suites[0], leaves: 2, records: r}
		if _, changes, err := tree.receive(applicationRatchet, 1, generation); err == nil {
			must(t, changes.write(r))
		}
	})
}

func FuzzDecrypt(f *testing.F) {
	g := newFuzzGroup(f)
	for _, b := range [][]byte{g.text, g.commit.Message(), g.public.Message(), g.commit.Welcome()} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := g.b.snapshot()
		if _, err := g.b.epoch.Decrypt(r, b); err != nil && !sameRecords(r, g.b.records) {
			t.Fatal("a refused message left a trace")
		}
	})
}

// FuzzDecryptContents fuzzes what is inside a message that decrypts.
func FuzzDecryptContents(f *testing.F) {
	g := newFuzzGroup(f)
	a := &authenticatedContent{WirePrivateMessage, &framedContent{typ: contentApplication, application: []byte("x")}, authData{signature: random(64)}}
	var w writer
	a.content.encodeBody(&w)
	a.auth.encode(&w, contentApplication)
	f.Add(w.b, byte(contentApplication))
	f.Add(append(w.b, 0, 0, 0), byte(contentApplication))
	f.Fuzz(func(t *testing.T, contents []byte, typ byte) {
		e := g.a.epoch
		m := &privateMessage{groupID: e.context.groupID, epoch: e.context.epoch, typ: contentType(typ)}
		k, generation, _, err := e.secretTree(g.a.snapshot()).send(ratchetFor(m.typ), e.own)
		must(t, err)
		d := senderData{leaf: e.own, generation: generation}
		m.ciphertext, err = e.suite.seal(k.key, k.nonce, m.contentAAD(), contents)
		must(t, err)
		m.senderData, err = e.suite.sealSenderData(m, e.secrets.senderData, d)
		must(t, err)
		b := encoded(&message{format: WirePrivateMessage, private: m})
		r := g.b.snapshot()
		if _, err := g.b.epoch.Decrypt(r, b); err == nil {
			t.Fatal("contents without a signature were accepted")
		}
		if _, err := g.b.epoch.Stage(r, b, StageConfig{}); err == nil {
			t.Fatal("contents without a signature were accepted")
		}
		if !sameRecords(r, g.b.records) {
			t.Fatal("a refused message left a trace")
		}
	})
}

func FuzzJoin(f *testing.F) {
	g := newFuzzGroup(f)
	f.Add(g.commit.Welcome(), []byte(nil))
	f.Add(g.text, encoded(g.a.epoch.tree))
	f.Fuzz(func(t *testing.T, welcome, tree []byte) {
		_, _ = Join(JoinConfig{Welcome: welcome, KeyPackage: g.c.kp, Secrets: g.c.secrets, Signer: g.c.signer, RatchetTree: tree})
	})
}

// FuzzJoinContents fuzzes GroupInfo and path secret inside a Welcome that
// decrypts.
func FuzzJoinContents(f *testing.F) {
	g := newFuzzGroup(f)
	s := suites[0]
	joiner := random(s.size)
	next := g.commit.next
	info := &groupInfo{
		context: next.context, extensions: []Extension{{ExtensionRatchetTree, encoded(next.tree)}},
		confirmationTag: next.tag,
	}
	must(f, info.sign(g.a.signer))
	f.Add(encoded(info), []byte(nil))
	f.Add(encoded(info), random(32))
	f.Fuzz(func(t *testing.T, info, path []byte) {
		k, err := s.schedule(bytes.Clone(joiner), s.zeros(), nil)
		must(t, err)
		key, nonce, err := s.welcomeKey(k.welcome)
		must(t, err)
		w := &welcome{suite: s.id}
		w.groupInfo, err = s.seal(key, nonce, nil, info)
		must(t, err)
		secrets := &groupSecrets{joiner: joiner}
		if len(path) > 0 {
			secrets.pathSecret = path
		}
		ct, err := s.encryptWithLabel(g.c.kp.initKey, "Welcome", w.groupInfo, encoded(secrets))
		must(t, err)
		w.secrets = []encryptedGroupSecrets{{g.c.kp.Ref(), ct}}
		_, err = Join(JoinConfig{
			Welcome:    encoded(&message{format: WireWelcome, welcome: w}),
			KeyPackage: g.c.kp, Secrets: g.c.secrets, Signer: g.c.signer,
		})
		if err == nil {
			t.Fatal("a group whose confirmation tag cannot be right was joined")
		}
	})
}

func FuzzStage(f *testing.F) {
	g := newFuzzGroup(f)
	for _, b := range [][]byte{g.commit.Message(), g.public.Message(), g.text} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := g.b.snapshot()
		_, _ = g.b.epoch.Stage(r, b, StageConfig{})
		if !sameRecords(r, g.b.records) {
			t.Fatal("staging wrote")
		}
	})
}

// FuzzStageContents fuzzes a commit that its member has properly signed.
func FuzzStageContents(f *testing.F) {
	g := newFuzzGroup(f)
	for _, p := range fuzzProposals(g) {
		f.Add(encoded(&commit{proposals: []proposalOrRef{{proposal: p}}}))
	}
	f.Add(encoded(&commit{path: &updatePath{leaf: g.a.epoch.tree.leaf(0)}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &reader{b: b}
		c := decodeCommit(r)
		if r.finish() != nil {
			return
		}
		g.a.tb = t
		msg := g.a.forge(c, true, nil)
		s, err := g.b.epoch.Stage(nil, msg, StageConfig{})
		if err != nil {
			return
		}
		next, err := s.Apply(nil)
		must(t, err)
		if next.Number() != g.b.epoch.Number()+1 || len(next.Members()) != len(g.b.epoch.Members())+len(s.Changes().Added) {
			t.Fatal("the next epoch does not follow")
		}
	})
}
