package mls

import (
	"bytes"
	"encoding/json"
	"testing"
)

func checkKeySchedule(t *testing.T, s *suite, raw json.RawMessage) {
	v := unmarshal[struct {
		GroupID hexBytes `json:"group_id"`
		Init    hexBytes `json:"initial_init_secret"`
		Epochs  []struct {
			TreeHash      hexBytes `json:"tree_hash"`
			Commit        hexBytes `json:"commit_secret"`
			PSK           hexBytes `json:"psk_secret"`
			Transcript    hexBytes `json:"confirmed_transcript_hash"`
			Context       hexBytes `json:"group_context"`
			Joiner        hexBytes `json:"joiner_secret"`
			Welcome       hexBytes `json:"welcome_secret"`
			Init          hexBytes `json:"init_secret"`
			SenderData    hexBytes `json:"sender_data_secret"`
			Encryption    hexBytes `json:"encryption_secret"`
			Exporter      hexBytes `json:"exporter_secret"`
			Authenticator hexBytes `json:"epoch_authenticator"`
			External      hexBytes `json:"external_secret"`
			Confirmation  hexBytes `json:"confirmation_key"`
			Membership    hexBytes `json:"membership_key"`
			Resumption    hexBytes `json:"resumption_psk"`
			ExternalPub   hexBytes `json:"external_pub"`
			Export        struct {
				Label   string   `json:"label"`
				Context hexBytes `json:"context"`
				Length  int      `json:"length"`
				Secret  hexBytes `json:"secret"`
			} `json:"exporter"`
		} `json:"epochs"`
	}](t, raw)
	init := []byte(v.Init)
	for i, e := range v.Epochs {
		context := encoded(&groupContext{
			suite: s.id, groupID: v.GroupID, epoch: uint64(i), treeHash: e.TreeHash, transcriptHash: e.Transcript,
		})
		same(t, "group context", context, e.Context)
		joiner, err := s.joinerSecret(init, e.Commit, context)
		must(t, err)
		k, err := s.schedule(joiner, e.PSK, context)
		must(t, err)
		same(t, "joiner", k.joiner, e.Joiner)
		same(t, "welcome", k.welcome, e.Welcome)
		same(t, "init", k.secrets.init, e.Init)
		same(t, "sender data", k.secrets.senderData, e.SenderData)
		same(t, "encryption", k.encryption, e.Encryption)
		same(t, "exporter", k.secrets.exporter, e.Exporter)
		same(t, "authenticator", k.secrets.authenticator, e.Authenticator)
		same(t, "external", k.secrets.external, e.External)
		same(t, "confirmation", k.secrets.confirmation, e.Confirmation)
		same(t, "membership", k.secrets.membership, e.Membership)
		same(t, "resumption", k.secrets.resumption, e.Resumption)
		_, pub, err := s.hpke.derive(k.secrets.external)
		must(t, err)
		same(t, "external pub", pub, e.ExternalPub)
		secret, err := s.export(k.secrets.exporter, e.Export.Label, e.Export.Context, e.Export.Length)
		must(t, err)
		same(t, "export", secret, e.Export.Secret)
		init = k.secrets.init
	}
}

func checkTranscriptHashes(t *testing.T, s *suite, raw json.RawMessage) {
	v := unmarshal[struct {
		Key       hexBytes `json:"confirmation_key"`
		Content   hexBytes `json:"authenticated_content"`
		Before    hexBytes `json:"interim_transcript_hash_before"`
		Confirmed hexBytes `json:"confirmed_transcript_hash_after"`
		Interim   hexBytes `json:"interim_transcript_hash_after"`
	}](t, raw)
	r := &reader{b: v.Content}
	a := decodeAuthenticatedContent(r)
	must(t, r.finish())
	same(t, "content", encoded(a), v.Content)
	confirmed := s.nextTranscript(v.Before, a)
	same(t, "confirmed", confirmed, v.Confirmed)
	same(t, "tag", s.mac(v.Key, confirmed), a.auth.confirmationTag)
	same(t, "interim", s.interimTranscript(confirmed, a.auth.confirmationTag), v.Interim)
}

func checkSecretTree(t *testing.T, s *suite, raw json.RawMessage) {
	v := unmarshal[struct {
		SenderData struct {
			Secret     hexBytes `json:"sender_data_secret"`
			Ciphertext hexBytes `json:"ciphertext"`
			Key        hexBytes `json:"key"`
			Nonce      hexBytes `json:"nonce"`
		} `json:"sender_data"`
		Encryption hexBytes `json:"encryption_secret"`
		Leaves     [][]struct {
			Generation       uint32   `json:"generation"`
			HandshakeKey     hexBytes `json:"handshake_key"`
			HandshakeNonce   hexBytes `json:"handshake_nonce"`
			ApplicationKey   hexBytes `json:"application_key"`
			ApplicationNonce hexBytes `json:"application_nonce"`
		} `json:"leaves"`
	}](t, raw)
	k, err := s.senderDataKey(v.SenderData.Secret, v.SenderData.Ciphertext)
	must(t, err)
	same(t, "sender data key", k.key, v.SenderData.Key)
	same(t, "sender data nonce", k.nonce, v.SenderData.Nonce)
	tree := vectorSecretTree(s, uint32(len(v.Leaves)), v.Encryption)
	for i, generations := range v.Leaves {
		for _, g := range generations {
			for kind, want := range map[ratchetKind]messageKey{
				handshakeRatchet:   {key: g.HandshakeKey, nonce: g.HandshakeNonce},
				applicationRatchet: {key: g.ApplicationKey, nonce: g.ApplicationNonce},
			} {
				k, changes, err := tree.receive(kind, uint32(i), g.Generation)
				must(t, err)
				must(t, changes.write(tree.records))
				same(t, "key", k.key, want.key)
				same(t, "nonce", k.nonce, want.nonce)
			}
		}
	}
}

func vectorSecretTree(s *suite, leaves uint32, root []byte) secretTree {
	return secretTree{suite: s, leaves: leaves, records: Scratch{secretRecord(rootIndex(leaves)): bytes.Clone(root)}}
}

type protectionVector struct {
	GroupID       hexBytes `json:"group_id"`
	Epoch         uint64   `json:"epoch"`
	TreeHash      hexBytes `json:"tree_hash"`
	Transcript    hexBytes `json:"confirmed_transcript_hash"`
	SignaturePriv hexBytes `json:"signature_priv"`
	SignaturePub  hexBytes `json:"signature_pub"`
	Encryption    hexBytes `json:"encryption_secret"`
	SenderData    hexBytes `json:"sender_data_secret"`
	Membership    hexBytes `json:"membership_key"`

	Proposal        hexBytes `json:"proposal"`
	ProposalPub     hexBytes `json:"proposal_pub"`
	ProposalPriv    hexBytes `json:"proposal_priv"`
	Commit          hexBytes `json:"commit"`
	CommitPub       hexBytes `json:"commit_pub"`
	CommitPriv      hexBytes `json:"commit_priv"`
	Application     hexBytes `json:"application"`
	ApplicationPriv hexBytes `json:"application_priv"`
}

func checkMessageProtection(t *testing.T, s *suite, raw json.RawMessage) {
	v := unmarshal[protectionVector](t, raw)
	context := encoded(&groupContext{
		suite: s.id, groupID: v.GroupID, epoch: v.Epoch, treeHash: v.TreeHash, transcriptHash: v.Transcript,
	})
	signer := vectorSigner(t, s, v.SignaturePriv)
	content := func(typ contentType, raw []byte) *framedContent {
		c := &framedContent{groupID: v.GroupID, epoch: v.Epoch, sender: sender{senderMember, 1}, typ: typ}
		r := &reader{b: raw}
		switch typ {
		case contentApplication:
			c.application = raw
			return c
		case contentProposal:
			c.proposal = decodeProposal(r)
		case contentCommit:
			c.commit = decodeCommit(r)
		}
		must(t, r.finish())
		return c
	}
	body := func(a *authenticatedContent) []byte {
		if a.content.typ == contentApplication {
			return a.content.application
		}
		var w writer
		a.content.encodeBody(&w)
		return w.b
	}
	unprotectPublic := func(m *publicMessage, want []byte) {
		t.Helper()
		a, err := s.unprotectPublic(m, v.Membership, context)
		must(t, err)
		must(t, a.verify(s, v.SignaturePub, context))
		same(t, "public contents", body(a), want)
	}
	unprotectPrivate := func(m *privateMessage, want []byte) {
		t.Helper()
		d, err := s.openSenderData(m, v.SenderData)
		must(t, err)
		k, _, err := vectorSecretTree(s, 2, v.Encryption).receive(ratchetFor(m.typ), d.leaf, d.generation)
		must(t, err)
		a, err := s.unprotectPrivate(m, d, k)
		must(t, err)
		must(t, a.verify(s, v.SignaturePub, context))
		same(t, "private contents", body(a), want)
	}
	for _, c := range []struct {
		typ            contentType
		raw, pub, priv []byte
	}{
		{contentProposal, v.Proposal, v.ProposalPub, v.ProposalPriv},
		{contentCommit, v.Commit, v.CommitPub, v.CommitPriv},
		{contentApplication, v.Application, nil, v.ApplicationPriv},
	} {
		a := &authenticatedContent{WirePublicMessage, content(c.typ, c.raw), authData{}}
		must(t, a.sign(signer, context))
		if c.typ == contentCommit {
			a.auth.confirmationTag = random(s.size)
		}
		p, err := s.protectPublic(a, v.Membership, context)
		if c.typ == contentApplication {
			if err == nil {
				t.Error("application data was protected as a public message")
			}
		} else {
			must(t, err)
			unprotectPublic(p, c.raw)
			m, err := decodeMessageOf(c.pub, WirePublicMessage)
			must(t, err)
			unprotectPublic(m.public, c.raw)
		}

		m, err := decodeMessageOf(c.priv, WirePrivateMessage)
		must(t, err)
		unprotectPrivate(m.private, c.raw)
		a.wireFormat = WirePrivateMessage
		must(t, a.sign(signer, context))
		k, generation, _, err := vectorSecretTree(s, 2, v.Encryption).send(ratchetFor(c.typ), 1)
		must(t, err)
		pm, err := s.protectPrivate(a, v.SenderData, k, generation)
		must(t, err)
		unprotectPrivate(pm, c.raw)
	}
}

func checkWelcome(t *testing.T, s *suite, raw json.RawMessage) {
	v := unmarshal[struct {
		InitPriv   hexBytes `json:"init_priv"`
		SignerPub  hexBytes `json:"signer_pub"`
		KeyPackage hexBytes `json:"key_package"`
		Welcome    hexBytes `json:"welcome"`
	}](t, raw)
	kp, err := decodeMessageOf(v.KeyPackage, WireKeyPackage)
	must(t, err)
	m, err := decodeMessageOf(v.Welcome, WireWelcome)
	must(t, err)
	g, err := m.welcome.openSecrets(s, kp.keyPackage.Ref(), &privateKey{raw: v.InitPriv})
	must(t, err)
	info, err := m.welcome.openGroupInfo(s, g.joiner, s.zeros())
	must(t, err)
	must(t, info.verify(s, v.SignerPub))
	k, err := s.schedule(g.joiner, s.zeros(), encoded(info.context))
	must(t, err)
	same(t, "confirmation tag", s.mac(k.secrets.confirmation, info.context.transcriptHash), info.confirmationTag)
}
