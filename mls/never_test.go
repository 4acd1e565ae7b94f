package mls

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

const x25519 = X25519_AES128GCM_SHA256_Ed25519

type neverCase struct {
	name string
	run  func(t *testing.T)
}

var neverCases = []neverCase{
	{"01_hostile_input_costs", neverHostileInput},
	{"02_used_secrets_remain", neverUsedSecrets},
	{"03_accepted_twice", neverTwice},
	{"04_loser_is_stuck", neverStuck},
	{"05_late_failure_leaves_a_trace", neverTrace},
	{"06_secret_in_text", neverSecretInText},
	{"07_unsigned_from_outside", neverUnsigned},
	{"08_replayed_or_own_update", neverReplayedUpdate},
	{"09_present_tree_for_old_message", neverPresentTree},
	{"10_derives_without_bound", neverWithoutBound},
	{"11_removed_member_reads_on", neverReadsOn},
	{"12_leaf_without_checks", neverUncheckedLeaf},
	{"13_suite_does_not_come_back", neverLostSuite},
	{"14_no_way_back_in_one_commit", neverNoWayBack},
	{"15_store_grows", neverGrows},
	{"16_external_commit_does_more", neverExternalMore},
}

// TestNever holds what must never happen. Each subtest has a patch of its
// number in testdata/never which breaks the code so that it fails; .ci/mutants
// tries them.
func TestNever(t *testing.T) {
	for _, c := range neverCases {
		t.Run(c.name, c.run)
	}
}

func neverHostileInput(t *testing.T) {
	a, b := twoMembers(t, x25519)
	for name, input := range hostileInputs(t, 50_000) {
		msg := input()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, _ = ParseMessage(msg)
		_, _ = ParseKeyPackage(msg)
		_, _ = WelcomeRefs(msg)
		_, _ = b.epoch.Stage(b.records, msg, StageConfig{})
		_, _ = b.epoch.Receive(b.records, msg)
		_, _ = b.epoch.Decrypt(b.records, msg)
		_, _, _ = ParseGroupInfo(msg, nil)
		_, _ = External(ExternalConfig{GroupInfo: msg, Signer: a.signer})
		_, _ = Join(JoinConfig{Welcome: msg, KeyPackage: b.kp, Secrets: b.secrets, Signer: b.signer})
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > uint64(9*64*len(msg)+1<<16) {
			t.Errorf("%s: %d bytes made us allocate %d", name, len(msg), got)
		}
		if took > 10*time.Second {
			t.Errorf("%s: %d bytes took %v", name, len(msg), took)
		}
	}
	b.decrypt(a.encrypt("still there"), a, "still there")
}

// neverUsedSecrets looks into what is stored: no message key in it, and nothing
// that decrypts a message again, whatever records somebody takes away.
func neverUsedSecrets(t *testing.T) {
	a, b := twoMembers(t, x25519)
	a.reload, b.reload = true, true
	var msgs [][]byte
	for i := range 6 {
		msgs = append(msgs, a.encrypt(fmt.Sprint(i)))
	}
	for _, i := range []int{3, 0, 5, 4, 1, 2} {
		b.decrypt(msgs[i], a, fmt.Sprint(i))
		for key := range b.records {
			stolen := b.snapshot()
			delete(stolen, key)
			if key[0] == 's' || key[0] == 'a' {
				e, err := LoadEpoch(stolen, b.signer)
				must(t, err)
				if _, err := e.Decrypt(stolen, msgs[i]); err == nil {
					t.Fatalf("without %s message %d decrypts again", key, i)
				}
			}
		}
	}
	key := b.kp.Ref()
	s := a.add(false, newMemberOf(t, x25519, "cleo"))
	b.follow(s.Message())
	if _, err := b.epoch.Decrypt(b.records, msgs[0]); err == nil || len(key) == 0 {
		t.Error("a message of the epoch before decrypts with the records of this one")
	}
}

func neverTwice(t *testing.T) {
	a, b := twoMembers(t, x25519)
	const n, block = 3000, 500
	var msgs [][]byte
	for i := range n {
		msgs = append(msgs, a.encrypt(fmt.Sprint(i)))
	}
	for from := 0; from < n; from += block {
		b.reload = true
		b.load()
		b.reload = false
		for i := from + block - 1; i >= from; i-- {
			b.decrypt(msgs[i], a, fmt.Sprint(i))
			for range 2 {
				if _, err := b.epoch.Decrypt(b.records, msgs[i]); !errors.Is(err, ErrReused) {
					t.Fatalf("message %d again: got %v, want %v", i, err, ErrReused)
				}
				b.reload = i%100 == 0
				b.load()
			}
		}
	}
}

// neverStuck lets everybody commit in one epoch, with paths; whoever wins, all
// get there.
func neverStuck(t *testing.T) {
	for winner := range 3 {
		all := newGroup(t, x25519, "anna", "bert", "cleo")
		var commits []*Staged
		for i, m := range all {
			s, err := m.epoch.Commit(m.records, CommitConfig{Update: true, Public: i == 1})
			must(t, err)
			commits = append(commits, s)
		}
		for i, m := range all {
			if i == winner {
				next, err := commits[i].Apply(m.records)
				must(t, err)
				m.enter(next)
				continue
			}
			m.follow(commits[winner].Message())
		}
		sameEpoch(t, all...)
		everybodyTalks(t, all)
	}
}

func neverTrace(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo")
	a, b := all[0], all[1]
	bad := func(p *proposal) []listed { return a.byCommitter(p) }
	msgs := map[string][]byte{
		"confirmation tag": pathForge{done: func(m *authenticatedContent) { m.auth.confirmationTag[0] ^= 1 }}.commit(a),
		"missing key": pathForge{psk: random(32), list: bad(&proposal{typ: ProposalPSK, psk: &pskID{
			typ: pskExternal, id: []byte("x"), nonce: random(32),
		}})}.commit(a),
		"bad extension": pathForge{list: bad(&proposal{
			typ: ProposalGroupContextExtensions, extensions: []Extension{{0xf00f, nil}},
		})}.commit(a),
		"path secret": pathForge{content: func(m *authenticatedContent) {
			for _, n := range m.content.commit.path.nodes {
				for i := range n.secrets {
					n.secrets[i].ciphertext[0] ^= 1
				}
			}
		}}.commit(a),
	}
	for name, msg := range msgs {
		records, state := b.snapshot(), b.held()
		if _, err := b.epoch.Stage(b.records, msg, StageConfig{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if !sameRecords(records, b.records) {
			t.Errorf("%s: left a trace in the records", name)
		}
		now := b.held()
		for at, value := range state {
			if !bytes.Equal(now[at], value) {
				t.Errorf("%s: left a trace in %s", name, at)
			}
		}
	}
	a.commit(CommitConfig{}, b, all[2])
	everybodyTalks(t, all)
}

// held returns all bytes that the member's epoch leads to, by where they are. What
// is kept of parsing a key comes with its first use.
func (m *member) held() map[string][]byte {
	found := make(map[string][]byte)
	reachable(reflect.ValueOf(m.epoch), "epoch", found, make(map[uintptr]bool))
	return found
}

// neverSecretInText prints and logs what holds secrets, and the errors of bad
// messages, and looks for every secret there is in it.
func neverSecretInText(t *testing.T) {
	a, b := twoMembers(t, x25519)
	var out strings.Builder
	log := slog.New(slog.NewJSONHandler(&out, nil))
	staged, err := a.epoch.Commit(a.records, CommitConfig{})
	must(t, err)
	show := func(v any) {
		fmt.Fprintf(&out, "%v %+v %#v %s\n", v, v, v, v)
		log.Info("value", "value", v)
	}
	show(a.epoch)
	show(staged)
	show(a.secrets)
	show(*a.secrets)
	good := staged.Message()
	for i := range good {
		msg := bytes.Clone(good)
		msg[i] ^= 1
		if _, err := b.epoch.Stage(b.records, msg, StageConfig{}); err != nil {
			show(err)
		}
	}
	secrets := [][]byte{a.secrets.init, a.secrets.leaf}
	for _, e := range []*Epoch{a.epoch, b.epoch, staged.next} {
		for _, field := range e.secrets.fields() {
			secrets = append(secrets, *field)
		}
		for _, key := range e.private {
			secrets = append(secrets, key.raw)
		}
	}
	for key, value := range b.records {
		if key[0] == 's' || key[0] == 'h' || key[0] == 'a' {
			secrets = append(secrets, value[len(value)-28:])
		}
	}
	for _, s := range secrets {
		for _, form := range []string{
			string(s), fmt.Sprintf("%x", s), fmt.Sprintf("%X", s), strings.Trim(fmt.Sprint(s), "[]"),
			strings.Trim(fmt.Sprintf("%#v", s), "[]byte{}"), base64.StdEncoding.EncodeToString(s),
		} {
			if strings.Contains(out.String(), form) {
				t.Fatal("a secret is in the text")
			}
		}
	}
}

func neverUnsigned(t *testing.T) {
	a, b := twoMembers(t, x25519)
	senders := writer{}
	senders.nested(func(w *writer) {
		w.vec(newMemberOf(t, x25519, "outside").signer.Public())
		credential{typ: credentialBasic, identity: []byte("outside")}.encode(w)
	})
	a.commit(CommitConfig{Extensions: []Extension{{ExtensionExternalSenders, senders.b}}}, b)
	c := newMemberOf(t, x25519, "cleo")
	frame := func(from sender, p *proposal, signature []byte) []byte {
		content := &framedContent{groupID: b.epoch.GroupID(), epoch: b.epoch.Number(), sender: from, typ: contentProposal, proposal: p}
		m := &authenticatedContent{WirePublicMessage, content, authData{}}
		must(t, m.sign(newSigner(t, x25519), nil))
		if signature != nil {
			m.auth.signature = signature
		}
		return encoded(&message{format: WirePublicMessage, public: &publicMessage{content: content, auth: m.auth}})
	}
	add := &proposal{typ: ProposalAdd, add: c.kp}
	remove := &proposal{typ: ProposalRemove, remove: 0}
	for _, signature := range [][]byte{nil, make([]byte, 64), random(64)} {
		for _, msg := range [][]byte{
			frame(sender{typ: senderNewMemberProposal}, add, signature),
			frame(sender{senderExternal, 0}, add, signature),
			frame(sender{senderExternal, 0}, remove, signature),
		} {
			if _, err := b.epoch.Receive(b.records, msg); !errors.Is(err, ErrSignature) {
				t.Errorf("a proposal from outside: got %v, want %v", err, ErrSignature)
			}
		}
	}
	good := a.rejoin(a, nil).Message()
	m, err := decodeMessageOf(good, WirePublicMessage)
	must(t, err)
	m.public.auth.signature[5] ^= 1
	for _, policy := range []ExternalPolicy{ExternalRejoin, ExternalAny} {
		if _, err := b.epoch.Stage(b.records, encoded(m), StageConfig{External: policy}); !errors.Is(err, ErrSignature) {
			t.Errorf("an external commit: got %v, want %v", err, ErrSignature)
		}
	}
	b.follow(good)
}
