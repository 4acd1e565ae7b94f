package mls

import "bytes"

// Changes is what a commit does.
type Changes struct {
	// Committer is the member whose commit it is; of an external commit the
	// leaf that it brings.
	Committer Member
	// External says that the committer came from outside.
	External bool
	// Path says that the committer's leaf and keys are new. Leaf is its leaf
	// after the commit.
	Path bool
	Leaf Member
	// Added are the new members, in the order of their leaves. Their key
	// packages are valid; whether their identities are what they claim is the
	// caller's to check.
	Added []Member
	// Removed are the members that go, Updated those with a new leaf, as it is
	// after the commit: the caller checks that an identity stayed what it was.
	Removed []Member
	Updated []Member
	// Extensions are the group's after the commit; NewExtensions says that the
	// commit sets them.
	Extensions    []Extension
	NewExtensions bool
	// PSKs are the pre-shared keys that it mixes in.
	PSKs []PSKID
	// ReInit, when set, ends the group: nothing can be sent in the next epoch.
	ReInit *ReInit
	// References are those of the proposals that were sent before.
	References [][]byte
	// AuthenticatedData came with the commit; its signature covers it.
	AuthenticatedData []byte
}

// changes says what a commit does.
func (e *Epoch) changes(a *authenticatedContent, t *transition, list []listed) Changes {
	c := Changes{
		External:          a.content.sender.typ == senderNewMemberCommit,
		Path:              a.content.commit.path != nil,
		Leaf:              newMember(t.committer, t.tree.leaf(t.committer)),
		Extensions:        cloneExtensions(t.extensions),
		NewExtensions:     t.reextended,
		AuthenticatedData: bytes.Clone(a.content.authenticatedData),
	}
	c.Committer = c.Leaf
	if !c.External {
		c.Committer = newMember(t.committer, e.tree.leaf(t.committer))
	}
	for _, add := range t.added {
		c.Added = append(c.Added, newMember(add.leaf, add.keyPackage.leaf))
	}
	for _, i := range t.removed {
		c.Removed = append(c.Removed, newMember(i, e.tree.leaf(i)))
	}
	for _, i := range t.updated {
		c.Updated = append(c.Updated, newMember(i, t.fresh[i]))
	}
	for _, id := range t.psks {
		c.PSKs = append(c.PSKs, id.exported())
	}
	if t.reInit != nil {
		to := t.reInit.exported()
		c.ReInit = &to
	}
	for _, p := range list {
		if p.reference != nil {
			c.References = append(c.References, bytes.Clone(p.reference))
		}
	}
	return c
}
