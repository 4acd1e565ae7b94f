package mls

import (
	"errors"
	"slices"
	"testing"
)

// TestDefaultTypesAreNotListed: what every client supports is in no capabilities of
// ours, whatever the caller names (RFC 9420, §7.2).
func TestDefaultTypesAreNotListed(t *testing.T) {
	all := Capabilities{
		Extensions: []uint16{ExtensionApplicationID, ExtensionExternalSenders, 0xf001},
		Proposals:  []uint16{ProposalAdd, ProposalGroupContextExtensions, 0xf002},
	}
	a, b, c := newMemberOf(t, x25519, "anna"), newMemberOf(t, x25519, "bert"), newMemberOf(t, x25519, "cleo")
	a.create(GroupConfig{Capabilities: all, LeafExtensions: []Extension{{ExtensionApplicationID, nil}}})
	b.kp, b.secrets = b.newKeyPackage(KeyPackageConfig{Capabilities: all})
	a.add(false, b)
	s := a.rejoin(c, func(cfg *ExternalConfig) { cfg.Capabilities = all })
	for _, m := range append(a.epoch.Members(), s.Changes().Leaf) {
		if slices.ContainsFunc(m.Capabilities.Extensions, defaultExtension) || slices.ContainsFunc(m.Capabilities.Proposals, defaultProposal) {
			t.Errorf("%s lists %v", m.Identity, m.Capabilities)
		}
		if !slices.Contains(m.Capabilities.Extensions, 0xf001) || !slices.Contains(m.Capabilities.Proposals, 0xf002) {
			t.Errorf("%s does not list its own types: %v", m.Identity, m.Capabilities)
		}
	}
	if len(all.Extensions) != 3 || all.Extensions[0] != ExtensionApplicationID {
		t.Error("the caller's list has changed")
	}
}

// TestOwnExtensions: we make nothing that names an extension twice, which nobody
// could decode (RFC 9420, §13.4).
func TestOwnExtensions(t *testing.T) {
	a, _ := twoMembers(t, x25519)
	twice := []Extension{{0xf001, nil}, {0xf001, []byte("x")}}
	info, err := a.epoch.GroupInfo(true)
	must(t, err)
	to := ReInit{GroupID: []byte("new"), Suite: x25519, Extensions: twice}
	for name, make := range map[string]func() error{
		"a proposal": func() error {
			_, err := a.epoch.ProposeExtensions(a.records, twice, ProposeConfig{})
			return err
		},
		"a commit": func() error {
			_, err := a.epoch.Commit(a.records, CommitConfig{Extensions: twice})
			return err
		},
		"a proposed reinit": func() error {
			_, err := a.epoch.ProposeReInit(a.records, to, ProposeConfig{})
			return err
		},
		"a reinit": func() error {
			_, err := a.epoch.Commit(a.records, CommitConfig{ReInit: &to})
			return err
		},
		"an external commit": func() error {
			_, err := External(ExternalConfig{
				GroupInfo: info, Signer: newSigner(t, x25519), LeafExtensions: twice,
			})
			return err
		},
		"a group": func() error {
			_, err := Create(GroupConfig{Signer: a.signer, LeafExtensions: twice})
			return err
		},
	} {
		if err := make(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want %v", name, err, ErrInvalid)
		}
	}
}

// TestOwnExternalLeaf: we come in from outside with no leaf that the members would
// have to refuse (RFC 9420, §7.3).
func TestOwnExternalLeaf(t *testing.T) {
	a, _ := twoMembers(t, x25519)
	info, err := a.epoch.GroupInfo(true)
	must(t, err)
	for name, c := range map[string]Capabilities{
		"without the suite":   {Suites: []uint16{uint16(P256_AES128GCM_SHA256_P256)}},
		"without the version": {Versions: []uint16{2}},
	} {
		cfg := ExternalConfig{GroupInfo: info, Signer: newSigner(t, x25519), Identity: []byte("cleo"), Capabilities: c}
		if _, err := External(cfg); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want %v", name, err, ErrInvalid)
		}
	}
}
