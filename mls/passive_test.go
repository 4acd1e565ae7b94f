package mls

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A passiveVector is one of the passive-client files.
type passiveVector struct {
	Suite     Suite    `json:"cipher_suite"`
	PSKs      []any    `json:"external_psks"`
	Signature hexBytes `json:"signature_priv"`
	Leaf      hexBytes `json:"encryption_priv"`
	Init      hexBytes `json:"init_priv"`
	Welcome   hexBytes `json:"welcome"`
	Tree      hexBytes `json:"ratchet_tree"`
	Initial   hexBytes `json:"initial_epoch_authenticator"`
	Package   hexBytes `json:"key_package"`
}

// TestPassiveJoin joins the groups of the passive-client vectors, which another
// implementation made: trees with blanks and unmerged leaves, path secrets in
// the Welcome, and trees beside it. Welcomes with pre-shared keys are refused.
func TestPassiveJoin(t *testing.T) {
	dir := vectorsDir(t)
	joined, refused := 0, 0
	for _, name := range []string{"passive-client-welcome", "passive-client-handling-commit", "passive-client-random"} {
		b, err := os.ReadFile(filepath.Join(dir, name+".json"))
		must(t, err)
		var cases []passiveVector
		must(t, json.Unmarshal(b, &cases))
		for i, v := range cases {
			s, err := v.Suite.lookup()
			if err != nil {
				continue
			}
			m, err := decodeMessageOf(v.Package, wireKeyPackage)
			must(t, err)
			e, err := Join(JoinConfig{
				Welcome:     v.Welcome,
				KeyPackage:  m.keyPackage,
				Secrets:     &KeyPackageSecrets{suite: v.Suite, init: padScalar(v.Suite, v.Init), leaf: padScalar(v.Suite, v.Leaf)},
				Signer:      vectorSigner(t, s, v.Signature),
				RatchetTree: v.Tree,
			})
			if errors.Is(err, ErrUnsupported) && len(v.PSKs) > 0 {
				refused++
				continue
			}
			if err != nil {
				t.Fatalf("%s: case %d: %v", name, i, err)
			}
			same(t, "authenticator", e.Authenticator(), v.Initial)
			joined++
		}
	}
	t.Logf("joined %d groups, refused %d with pre-shared keys", joined, refused)
	if joined == 0 {
		t.Error("no group joined")
	}
}
