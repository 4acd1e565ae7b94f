package mls

// A pathForge makes a commit with a path that Commit would refuse to make, in
// all else consistent: whoever leaves a check out accepts it.
type pathForge struct {
	list    []listed
	public  bool
	resync  bool                          // an external commit that removes the own leaf; the list comes behind
	psk     []byte                        // the secret of the list's pre-shared key
	leaf    func(l *leafNode)             // before the leaf is signed
	signed  func(l *leafNode)             // after
	nodes   func(nodes []updatePathNode)  // before they are hashed
	content func(a *authenticatedContent) // before the commit is signed
	done    func(a *authenticatedContent) // at the end
}

// byCommitter lists proposals by value.
func (m *member) byCommitter(list ...*proposal) []listed {
	var out []listed
	for _, p := range list {
		out = append(out, listed{proposal: p, from: sender{senderMember, m.epoch.own}})
	}
	return out
}

// outside returns the member's epoch as somebody sees it who comes back to it, and
// makes the list.
func (f *pathForge) outside(m *member) (*Epoch, sender) {
	m.tb.Helper()
	info, err := m.epoch.GroupInfo(true)
	must(m.tb, err)
	e, kemOutput, err := outsideView(ExternalConfig{GroupInfo: info, Signer: m.signer})
	must(m.tb, err)
	from := sender{typ: senderNewMemberCommit}
	f.public = true
	list := []listed{
		{proposal: &proposal{typ: ProposalExternalInit, externalInit: kemOutput}, from: from},
		{proposal: &proposal{typ: ProposalRemove, remove: m.epoch.own}, from: from},
	}
	for _, p := range f.list {
		if p.from = from; p.typ == ProposalExternalInit {
			p.proposal = list[0].proposal
		}
		list = append(list, p)
	}
	f.list = list
	return e, from
}

// commit returns the message.
func (f pathForge) commit(m *member) []byte {
	m.tb.Helper()
	e, from, base := m.epoch, sender{senderMember, m.epoch.own}, m.epoch.tree.leaf(m.epoch.own)
	if f.resync {
		e, from = f.outside(m)
	}
	s := e.suite
	t, err := e.apply(from, f.list)
	must(m.tb, err)
	e.own = t.committer
	own, err := t.proposed.newPath(e.own, base, m.signer, e.context.groupID)
	must(m.tb, err)
	l := *own.update.leaf
	if f.nodes != nil {
		f.nodes(own.update.nodes)
	}
	var keys [][]byte
	for _, n := range own.update.nodes {
		keys = append(keys, n.encryptionKey)
	}
	nodes, hash := s.pathNodes(own.steps, keys)
	l.parentHash = hash
	if f.leaf != nil {
		f.leaf(&l)
	}
	must(m.tb, l.sign(m.signer, e.context.groupID, e.own))
	if f.signed != nil {
		f.signed(&l)
		var w writer
		l.encodeTBS(&w)
		w.vec(l.signature)
		l.raw = w.b
	}
	own.update.leaf = &l
	t.tree = t.proposed.withPath(e.own, &l, own.steps, nodes)
	must(m.tb, own.encrypt(t.proposed, t.addedLeaves(), encoded(e.nextContext(t, e.context.transcriptHash))))
	a := e.frame(contentCommit, nil, f.public)
	a.content.sender = from
	a.content.commit = &commit{path: own.update}
	for _, p := range f.list {
		v := proposalOrRef{proposal: p.proposal}
		if p.reference != nil {
			v = proposalOrRef{reference: p.reference}
		}
		a.content.commit.proposals = append(a.content.commit.proposals, v)
	}
	if f.content != nil {
		f.content(a)
	}
	must(m.tb, a.sign(m.signer, e.encoded))
	next, _, err := e.follow(t, a, own.commit, func(PSKID) ([]byte, error) { return f.psk, nil })
	must(m.tb, err)
	a.auth.confirmationTag = next.tag
	if f.done != nil {
		f.done(a)
	}
	b, err := e.protect(m.records, a)
	must(m.tb, err)
	return b
}
