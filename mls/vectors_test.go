package mls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cloudflare/circl/sign/ed448"
)

// hexBytes is a hex string of the vectors; null becomes nil.
type hexBytes []byte

func (h *hexBytes) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil || s == nil {
		return err
	}
	d, err := hex.DecodeString(*s)
	*h = append([]byte{}, d...)
	return err
}

// vectorsDir finds the official vectors. Where there are none the test is
// skipped, except under CI.
func vectorsDir(t *testing.T) string {
	dir := os.Getenv("MLS_VECTORS")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "mls-vectors")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no MLS test vectors: set MLS_VECTORS")
		}
		t.Skip("no MLS test vectors: set MLS_VECTORS to the directory of mlswg's JSON files")
	}
	return dir
}

// A vectorFile checks one case of a file. A file whose cases name no suite is
// counted under suite 0.
type vectorFile struct {
	name  string
	check func(t *testing.T, s *suite, raw json.RawMessage)
	// suites says which suites the file has cases of; nil is all.
	suites []Suite
}

var vectorFiles = []vectorFile{
	{"tree-math", checkTreeMath, []Suite{0}},
	{"crypto-basics", checkCryptoBasics, nil},
	{"deserialization", checkDeserialization, []Suite{0}},
	{"messages", checkMessages, []Suite{0}},
	{"tree-operations", checkTreeOperations, []Suite{X25519_AES128GCM_SHA256_Ed25519}},
	{"tree-validation", checkTreeValidation, nil},
	{"key-schedule", checkKeySchedule, nil},
	{"transcript-hashes", checkTranscriptHashes, nil},
	{"secret-tree", checkSecretTree, nil},
	{"message-protection", checkMessageProtection, nil},
	{"welcome", checkWelcome, nil},
	{"treekem", checkTreeKEM, nil},
	{"psk_secret", checkPSKSecret, nil},
	{"passive-client-welcome", checkPassiveClient, nil},
	{"passive-client-handling-commit", checkPassiveClient, nil},
	{"passive-client-random", checkPassiveClient, []Suite{X25519_AES128GCM_SHA256_Ed25519}},
}

// TestVectors runs the vectors of mlswg/mls-implementations and prints a line
// for each file and suite.
func TestVectors(t *testing.T) {
	dir := vectorsDir(t)
	for _, f := range vectorFiles {
		t.Run(f.name, func(t *testing.T) { f.run(t, dir) })
	}
}

func (f vectorFile) run(t *testing.T, dir string) {
	b, err := os.ReadFile(filepath.Join(dir, f.name+".json"))
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") != "true" {
		t.Skipf("%s is not there", f.name)
	}
	must(t, err)
	var cases []json.RawMessage
	must(t, json.Unmarshal(b, &cases))
	ran := map[Suite]int{}
	for i, raw := range cases {
		var head struct {
			Suite Suite `json:"cipher_suite"`
		}
		must(t, json.Unmarshal(raw, &head))
		var s *suite
		if head.Suite != 0 {
			if s, err = head.Suite.lookup(); err != nil {
				continue // a suite that this package does not have
			}
		}
		f.check(t, s, raw)
		if t.Failed() {
			t.Fatalf("%s: case %d, suite %d", f.name, i, head.Suite)
		}
		ran[head.Suite]++
	}
	for _, id := range slices.Sorted(maps.Keys(ran)) {
		fmt.Printf("vectors %s suite %d: %d cases\n", f.name, id, ran[id])
	}
	want := f.suites
	if want == nil {
		// The hybrid suite is not in the vectors yet.
		want = slices.DeleteFunc(allSuites(), func(s Suite) bool { return s == MLKEM768X25519_AES128GCM_SHA256_Ed25519 })
	}
	for _, id := range want {
		if ran[id] == 0 {
			t.Errorf("%s ran no case of suite %d", f.name, id)
		}
	}
}

func unmarshal[T any](t *testing.T, raw json.RawMessage) T {
	t.Helper()
	var v T
	must(t, json.Unmarshal(raw, &v))
	return v
}

func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got %x, want %x", what, got, want)
	}
}

// vectorSigner makes a signer of a private key in the form of the vectors.
func vectorSigner(t *testing.T, s *suite, private []byte) Signer {
	t.Helper()
	if curve, h := ecdsaOf(s.id); curve != nil {
		key, err := ecdsa.ParseRawPrivateKey(curve, padScalar(s.id, private))
		must(t, err)
		return ecdsaSigner{key, h}
	}
	if isEd448(s.id) {
		return ed448Signer(ed448.NewKeyFromSeed(private))
	}
	return ed25519Signer(ed25519.NewKeyFromSeed(private))
}

// padScalar puts back the leading zeros that some vectors leave out.
func padScalar(id Suite, private []byte) []byte {
	curve, _ := ecdsaOf(id)
	if curve == nil {
		return private
	}
	size := (curve.Params().BitSize + 7) / 8
	return append(make([]byte, size-len(private)), private...)
}

func checkTreeMath(t *testing.T, _ *suite, raw json.RawMessage) {
	v := unmarshal[struct {
		Leaves  uint32       `json:"n_leaves"`
		Nodes   uint32       `json:"n_nodes"`
		Root    nodeIndex    `json:"root"`
		Left    []*nodeIndex `json:"left"`
		Right   []*nodeIndex `json:"right"`
		Parent  []*nodeIndex `json:"parent"`
		Sibling []*nodeIndex `json:"sibling"`
	}](t, raw)
	if got := nodeWidth(v.Leaves); got != v.Nodes {
		t.Errorf("got %d nodes, want %d", got, v.Nodes)
	}
	if got := rootIndex(v.Leaves); got != v.Root {
		t.Errorf("got root %d, want %d", got, v.Root)
	}
	for i := range v.Nodes {
		x := nodeIndex(i)
		check := func(what string, got nodeIndex, ok bool, want *nodeIndex) {
			if ok != (want != nil) || ok && got != *want {
				t.Errorf("%d leaves: %s of %d: got %d, %v", v.Leaves, what, i, got, ok)
			}
		}
		got, ok := x.left()
		check("left", got, ok, v.Left[i])
		got, ok = x.right()
		check("right", got, ok, v.Right[i])
		got, ok = x.parent(v.Leaves)
		check("parent", got, ok, v.Parent[i])
		got, ok = x.sibling(v.Leaves)
		check("sibling", got, ok, v.Sibling[i])
	}
}

// sibling returns the other child of the parent; ok is false for the root. Nothing
// but the vectors asks for it.
func (x nodeIndex) sibling(leaves uint32) (sibling nodeIndex, ok bool) {
	p, ok := x.parent(leaves)
	if !ok {
		return 0, false
	}
	if x < p {
		return p.right()
	}
	return p.left()
}

func checkCryptoBasics(t *testing.T, s *suite, raw json.RawMessage) {
	v := unmarshal[struct {
		RefHash struct {
			Label string   `json:"label"`
			Value hexBytes `json:"value"`
			Out   hexBytes `json:"out"`
		} `json:"ref_hash"`
		Expand struct {
			Secret  hexBytes `json:"secret"`
			Label   string   `json:"label"`
			Context hexBytes `json:"context"`
			Length  int      `json:"length"`
			Out     hexBytes `json:"out"`
		} `json:"expand_with_label"`
		Derive struct {
			Secret hexBytes `json:"secret"`
			Label  string   `json:"label"`
			Out    hexBytes `json:"out"`
		} `json:"derive_secret"`
		Tree struct {
			Secret     hexBytes `json:"secret"`
			Label      string   `json:"label"`
			Generation uint32   `json:"generation"`
			Length     int      `json:"length"`
			Out        hexBytes `json:"out"`
		} `json:"derive_tree_secret"`
		Sign struct {
			Priv      hexBytes `json:"priv"`
			Pub       hexBytes `json:"pub"`
			Content   hexBytes `json:"content"`
			Label     string   `json:"label"`
			Signature hexBytes `json:"signature"`
		} `json:"sign_with_label"`
		Encrypt struct {
			Priv       hexBytes `json:"priv"`
			Pub        hexBytes `json:"pub"`
			Label      string   `json:"label"`
			Context    hexBytes `json:"context"`
			Plaintext  hexBytes `json:"plaintext"`
			KEMOutput  hexBytes `json:"kem_output"`
			Ciphertext hexBytes `json:"ciphertext"`
		} `json:"encrypt_with_label"`
	}](t, raw)
	same(t, "ref_hash", s.refHash(v.RefHash.Label, v.RefHash.Value), v.RefHash.Out)
	got, err := s.expandWithLabel(v.Expand.Secret, v.Expand.Label, v.Expand.Context, v.Expand.Length)
	must(t, err)
	same(t, "expand_with_label", got, v.Expand.Out)
	got, err = s.deriveSecret(v.Derive.Secret, v.Derive.Label)
	must(t, err)
	same(t, "derive_secret", got, v.Derive.Out)
	got, err = s.deriveTreeSecret(v.Tree.Secret, v.Tree.Label, v.Tree.Generation, v.Tree.Length)
	must(t, err)
	same(t, "derive_tree_secret", got, v.Tree.Out)

	must(t, s.verifyWithLabel(v.Sign.Pub, v.Sign.Label, v.Sign.Content, v.Sign.Signature))
	signer := vectorSigner(t, s, v.Sign.Priv)
	same(t, "public key", signer.Public(), v.Sign.Pub)
	sig, err := signWithLabel(signer, v.Sign.Label, v.Sign.Content)
	must(t, err)
	must(t, s.verifyWithLabel(v.Sign.Pub, v.Sign.Label, v.Sign.Content, sig))

	e := v.Encrypt
	got, err = s.decryptWithLabel(&privateKey{raw: e.Priv}, e.Label, e.Context, hpkeCiphertext{e.KEMOutput, e.Ciphertext})
	must(t, err)
	same(t, "decrypt_with_label", got, e.Plaintext)
	c, err := s.encryptWithLabel(e.Pub, e.Label, e.Context, e.Plaintext)
	must(t, err)
	got, err = s.decryptWithLabel(&privateKey{raw: e.Priv}, e.Label, e.Context, c)
	must(t, err)
	same(t, "encrypt_with_label", got, e.Plaintext)
	pub, err := s.hpke.public(&privateKey{raw: e.Priv})
	must(t, err)
	same(t, "public key of private", pub, e.Pub)
}

func checkDeserialization(t *testing.T, _ *suite, raw json.RawMessage) {
	v := unmarshal[struct {
		Header hexBytes `json:"vlbytes_header"`
		Length int      `json:"length"`
	}](t, raw)
	r := &reader{b: v.Header}
	if got := r.length(); got != v.Length || r.finish() != nil {
		t.Errorf("got length %d, %v, want %d", got, r.err, v.Length)
	}
	var w writer
	w.length(v.Length)
	same(t, "header", w.b, v.Header)
}

// checkMessages decodes each structure and encodes it again.
func checkMessages(t *testing.T, _ *suite, raw json.RawMessage) {
	v := unmarshal[map[string]hexBytes](t, raw)
	for _, name := range []string{
		"mls_welcome", "mls_group_info", "mls_key_package",
		"public_message_application", "public_message_proposal", "public_message_commit", "private_message",
	} {
		m, err := decodeMessage(v[name])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		same(t, name, encoded(m), v[name])
		if _, err := ParseMessage(v[name]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i, name := range []string{
		"add_proposal", "update_proposal", "remove_proposal", "pre_shared_key_proposal",
		"re_init_proposal", "external_init_proposal", "group_context_extensions_proposal",
	} {
		r := &reader{b: v[name]}
		p := decodeProposalBody(r, uint16(i+1))
		must(t, r.finish())
		var w writer
		p.encodeBody(&w)
		same(t, name, w.b, v[name])
	}
	r := &reader{b: v["commit"]}
	c := decodeCommit(r)
	must(t, r.finish())
	same(t, "commit", encoded(c), v["commit"])
	r = &reader{b: v["group_secrets"]}
	g := decodeGroupSecrets(r)
	must(t, r.finish())
	same(t, "group_secrets", encoded(g), v["group_secrets"])
	tree, err := parseTree(suites[0], v["ratchet_tree"])
	must(t, err)
	same(t, "ratchet_tree", encoded(tree), v["ratchet_tree"])
}

func checkTreeOperations(t *testing.T, s *suite, raw json.RawMessage) {
	v := unmarshal[struct {
		Before     hexBytes `json:"tree_before"`
		Proposal   hexBytes `json:"proposal"`
		Sender     uint32   `json:"proposal_sender"`
		HashBefore hexBytes `json:"tree_hash_before"`
		After      hexBytes `json:"tree_after"`
		HashAfter  hexBytes `json:"tree_hash_after"`
	}](t, raw)
	before, err := parseTree(s, v.Before)
	must(t, err)
	same(t, "hash before", before.hash(), v.HashBefore)
	r := &reader{b: v.Proposal}
	p := decodeProposal(r)
	must(t, r.finish())
	e := before.edit()
	switch p.typ {
	case ProposalAdd:
		e.add(p.add.leaf)
	case ProposalUpdate:
		e.update(v.Sender, p.update)
	case ProposalRemove:
		e.remove(p.remove)
	}
	after := e.freeze()
	same(t, "tree after", encoded(after), v.After)
	same(t, "hash after", after.hash(), v.HashAfter)
	same(t, "tree before, afterwards", encoded(before), v.Before)
}

func checkTreeValidation(t *testing.T, s *suite, raw json.RawMessage) {
	v := unmarshal[struct {
		Tree        hexBytes      `json:"tree"`
		GroupID     hexBytes      `json:"group_id"`
		Resolutions [][]nodeIndex `json:"resolutions"`
		Hashes      []hexBytes    `json:"tree_hashes"`
	}](t, raw)
	tree, err := parseTree(s, v.Tree)
	must(t, err)
	same(t, "tree", encoded(tree), v.Tree)
	for i := range v.Hashes {
		x := nodeIndex(i)
		n := tree.at(x)
		if got := n.resolution(x, 1<<30, nil); !slices.Equal(got, v.Resolutions[i]) {
			t.Errorf("resolution of %d: got %v, want %v", i, got, v.Resolutions[i])
		}
		hash := s.blankHash(x)
		if n != nil {
			hash = n.hash
		}
		same(t, "tree hash", hash, v.Hashes[i])
	}
	must(t, tree.check(v.GroupID, nil))
}
