package mls

import (
	"encoding/json"
	"testing"
)

type treeKEMVector struct {
	GroupID    hexBytes `json:"group_id"`
	Epoch      uint64   `json:"epoch"`
	Transcript hexBytes `json:"confirmed_transcript_hash"`
	Tree       hexBytes `json:"ratchet_tree"`
	Leaves     []struct {
		Index       uint32   `json:"index"`
		Encryption  hexBytes `json:"encryption_priv"`
		Signature   hexBytes `json:"signature_priv"`
		PathSecrets []struct {
			Node   nodeIndex `json:"node"`
			Secret hexBytes  `json:"path_secret"`
		} `json:"path_secrets"`
	} `json:"leaves_private"`
	Paths []struct {
		Sender   uint32     `json:"sender"`
		Path     hexBytes   `json:"update_path"`
		Secrets  []hexBytes `json:"path_secrets"`
		Commit   hexBytes   `json:"commit_secret"`
		TreeHash hexBytes   `json:"tree_hash_after"`
	} `json:"update_paths"`
}

func (v *treeKEMVector) context(s *suite, treeHash []byte) []byte {
	return encoded(&groupContext{
		suite: s.id, groupID: v.GroupID, epoch: v.Epoch, treeHash: treeHash, transcriptHash: v.Transcript,
	})
}

// checkTreeKEM opens each update path at every member, makes a new one of the
// same sender and opens that.
func checkTreeKEM(t *testing.T, s *suite, raw json.RawMessage) {
	v := unmarshal[treeKEMVector](t, raw)
	tree, err := parseTree(s, v.Tree)
	must(t, err)
	private := map[uint32]map[nodeIndex]*privateKey{}
	signers := map[uint32]Signer{}
	for _, l := range v.Leaves {
		signers[l.Index] = vectorSigner(t, s, l.Signature)
		keys := map[nodeIndex]*privateKey{leafNodeIndex(l.Index): {raw: padScalar(s.id, l.Encryption)}}
		for _, p := range l.PathSecrets {
			var next []byte
			keys[p.Node], next, err = s.fittingKey(p.Secret, tree.at(p.Node).parent.encryptionKey)
			must(t, err)
			clear(next)
		}
		private[l.Index] = keys
	}
	for _, u := range v.Paths {
		r := &reader{b: u.Path}
		path := decodeUpdatePath(r)
		must(t, r.finish())
		must(t, s.verifyWithLabel(path.leaf.signatureKey, "LeafNodeTBS", path.leaf.tbs(v.GroupID, u.Sender), path.leaf.signature))
		after, steps, err := path.merge(tree, u.Sender)
		must(t, err)
		same(t, "tree hash after", after.hash(), u.TreeHash)
		own, err := tree.newPath(u.Sender, tree.leaf(u.Sender), signers[u.Sender], v.GroupID)
		must(t, err)
		must(t, own.encrypt(tree, nil, v.context(s, own.tree.hash())))
		again, _, err := own.update.merge(tree, u.Sender)
		must(t, err)
		same(t, "own tree hash", again.hash(), own.tree.hash())
		for leaf, keys := range private {
			if leaf == u.Sender {
				continue
			}
			o := &pathReader{suite: s, own: leaf, private: keys, context: v.context(s, u.TreeHash)}
			learned, commit, err := o.open(path, steps)
			must(t, err)
			same(t, "commit secret", commit, u.Commit)
			node, err := s.deriveSecret(u.Secrets[leaf], "node")
			must(t, err)
			want, _, err := s.hpke.derive(node)
			must(t, err)
			for _, step := range steps {
				if step.at.covers(leaf) {
					same(t, "private key", learned[step.at].raw, want.raw)
					break
				}
			}
			o.context = v.context(s, own.tree.hash())
			_, commit, err = o.open(own.update, steps)
			must(t, err)
			same(t, "own commit secret", commit, own.commit)
		}
	}
}
