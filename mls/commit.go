package mls

// A commit is Commit of RFC 9420, §12.4.
type commit struct {
	proposals []proposalOrRef
	path      *updatePath
}

// size is about the length of the encoding, and of what is signed around it.
func (c *commit) size() int {
	n := 1 << 10
	for _, p := range c.proposals {
		n += 64
		if p.proposal != nil && p.proposal.add != nil {
			n += len(p.proposal.add.raw)
		}
	}
	if c.path == nil {
		return n
	}
	n += len(c.path.leaf.raw)
	for _, node := range c.path.nodes {
		n += 16 + len(node.encryptionKey)
		for _, s := range node.secrets {
			n += s.size()
		}
	}
	return n
}

func (c *commit) encode(w *writer) {
	w.room(c.size())
	w.nested(func(w *writer) {
		for _, p := range c.proposals {
			p.encode(w)
		}
	})
	w.optional(c.path != nil)
	if c.path != nil {
		c.path.encode(w)
	}
}

func decodeCommit(r *reader) *commit {
	c := &commit{}
	sub := r.sub()
	var seen [ProposalGroupContextExtensions + 1]bool
	for sub.more() {
		p := decodeProposalOrRef(sub)
		// These three may be in a commit once (RFC 9420, §12.2). They are also
		// the ones that can be a few bytes long.
		if p.proposal != nil && p.proposal.typ >= ProposalReInit && sub.err == nil {
			if seen[p.proposal.typ] {
				sub.fail()
			}
			seen[p.proposal.typ] = true
		}
		c.proposals = append(c.proposals, p)
	}
	r.end(sub)
	if r.optional() {
		c.path = decodeUpdatePath(r)
	}
	return c
}

// An updatePath is UpdatePath of RFC 9420, §7.6.
type updatePath struct {
	leaf  *leafNode
	nodes []updatePathNode
}

// An updatePathNode is UpdatePathNode of RFC 9420, §7.6.
type updatePathNode struct {
	encryptionKey []byte
	secrets       []hpkeCiphertext // encrypted_path_secret
}

func (p *updatePath) encode(w *writer) {
	p.leaf.encode(w)
	w.nested(func(w *writer) {
		for _, n := range p.nodes {
			w.vec(n.encryptionKey)
			w.nested(func(w *writer) {
				for _, c := range n.secrets {
					c.encode(w)
				}
			})
		}
	})
}

func decodeUpdatePath(r *reader) *updatePath {
	p := &updatePath{leaf: decodeLeafNode(r)}
	sub := r.sub()
	for sub.more() {
		n := updatePathNode{encryptionKey: sub.key()}
		list := sub.sub()
		for list.more() {
			n.secrets = append(n.secrets, decodeHPKECiphertext(list))
		}
		sub.end(list)
		p.nodes = append(p.nodes, n)
	}
	r.end(sub)
	return p
}
