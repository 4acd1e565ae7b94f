package mls

import (
	"errors"
	"testing"
)

// TestExternalSenders: who is not in a group proposes what RFC 9420, §12.1.8, lets it,
// in its own place and with its own key, and nothing else.
func TestExternalSenders(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo")
	a, b := all[0], all[1]
	outside := []*member{newMemberOf(t, x25519, "first"), newMemberOf(t, x25519, "second")}
	senders := writer{}
	senders.nested(func(w *writer) {
		for _, m := range outside {
			w.vec(m.signer.Public())
			credential{typ: credentialBasic, identity: []byte(m.name)}.encode(w)
		}
	})
	say := func(signer Signer, content framedContent) []byte {
		content.groupID, content.epoch = a.epoch.GroupID(), a.epoch.Number()
		m := &authenticatedContent{WirePublicMessage, &content, authData{confirmationTag: random(32)}}
		context := a.epoch.encoded
		must(t, m.sign(signer, context))
		return encoded(&message{format: WirePublicMessage, public: &publicMessage{content: &content, auth: m.auth, membershipTag: random(32)}})
	}
	propose := func(from sender, signer Signer, p *proposal) []byte {
		return say(signer, framedContent{sender: from, typ: contentProposal, proposal: p})
	}
	second := sender{senderExternal, 1}
	dora := newMemberOf(t, x25519, "dora")
	remove := &proposal{typ: ProposalRemove, remove: 2}
	if _, err := b.epoch.Receive(b.records, propose(second, outside[1].signer, remove)); !errors.Is(err, ErrInvalid) {
		t.Errorf("in a group without external senders: got %v, want %v", err, ErrInvalid)
	}
	a.commit(CommitConfig{Extensions: []Extension{{ExtensionExternalSenders, senders.b}}}, all[1:]...)
	update := *b.epoch.tree.leaf(1)
	_, update.encryptionKey, _ = b.epoch.suite.hpke.generate()
	update.source = sourceUpdate
	must(t, update.sign(outside[1].signer, b.epoch.context.groupID, 1))
	newcomer, add := sender{typ: senderNewMemberProposal}, &proposal{typ: ProposalAdd, add: dora.kp}
	for name, c := range map[string]struct {
		want error
		msg  []byte
	}{
		"add":                     {nil, propose(second, outside[1].signer, add)},
		"remove":                  {nil, propose(second, outside[1].signer, remove)},
		"psk":                     {nil, propose(second, outside[1].signer, &proposal{typ: ProposalPSK, psk: PSKID{ID: []byte("x")}.fresh(a.epoch.suite)})},
		"reinit":                  {nil, propose(second, outside[1].signer, ReInit{GroupID: []byte("x"), Suite: x25519}.proposal())},
		"extensions":              {nil, propose(second, outside[1].signer, &proposal{typ: ProposalGroupContextExtensions})},
		"update":                  {ErrInvalid, propose(second, outside[1].signer, &proposal{typ: ProposalUpdate, update: &update})},
		"external init":           {ErrInvalid, propose(second, outside[1].signer, &proposal{typ: ProposalExternalInit, externalInit: random(32)})},
		"commit":                  {ErrInvalid, say(outside[1].signer, framedContent{sender: second, typ: contentCommit, commit: &commit{proposals: []proposalOrRef{{proposal: add}}}})},
		"text":                    {ErrInvalid, say(outside[1].signer, framedContent{sender: second, typ: contentApplication, application: []byte("x")})},
		"another's place":         {ErrSignature, propose(sender{senderExternal, 0}, outside[1].signer, remove)},
		"a place that is none":    {ErrInvalid, propose(sender{senderExternal, 2}, outside[1].signer, remove)},
		"a place far off":         {ErrInvalid, propose(sender{senderExternal, 1<<32 - 1}, outside[1].signer, remove)},
		"a member's key":          {ErrSignature, propose(second, a.signer, remove)},
		"a newcomer":              {nil, propose(newcomer, dora.signer, add)},
		"a newcomer's key":        {ErrSignature, propose(newcomer, outside[1].signer, add)},
		"a newcomer's remove":     {ErrInvalid, propose(newcomer, dora.signer, remove)},
		"a newcomer's update":     {ErrInvalid, propose(newcomer, outside[1].signer, &proposal{typ: ProposalUpdate, update: &update})},
		"a newcomer's extensions": {ErrInvalid, propose(newcomer, dora.signer, &proposal{typ: ProposalGroupContextExtensions})},
		"a proposal that commits": {ErrInvalid, propose(sender{typ: senderNewMemberCommit}, dora.signer, add)},
	} {
		got, err := b.epoch.Receive(b.records, c.msg)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if err == nil && got.Sender != nil {
			t.Errorf("%s: comes of member %d", name, got.Sender.Leaf)
		}
		if _, err := b.epoch.Stage(b.records, c.msg, StageConfig{}); err == nil {
			t.Errorf("%s: is a commit", name)
		}
	}
	// What was let in can be committed, and all follow.
	var refs [][]byte
	for _, msg := range [][]byte{propose(second, outside[1].signer, remove), propose(newcomer, dora.signer, add)} {
		for _, m := range all {
			p, err := m.epoch.Receive(m.records, msg)
			must(t, err)
			refs = append(refs, p.Reference)
		}
	}
	s := a.commit(CommitConfig{Proposals: [][]byte{refs[0], refs[len(refs)-1]}}, all[1:]...)
	dora.join(s.Welcome())
	sameEpoch(t, a, b, dora)
}
