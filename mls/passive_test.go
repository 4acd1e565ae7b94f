package mls

import (
	"bytes"
	"encoding/json"
	"testing"
)

// A passiveVector is a case of one of the passive-client files.
type passiveVector struct {
	Suite     Suite    `json:"cipher_suite"`
	Package   hexBytes `json:"key_package"`
	Signature hexBytes `json:"signature_priv"`
	Leaf      hexBytes `json:"encryption_priv"`
	Init      hexBytes `json:"init_priv"`
	Welcome   hexBytes `json:"welcome"`
	Tree      hexBytes `json:"ratchet_tree"`
	Initial   hexBytes `json:"initial_epoch_authenticator"`
	PSKs      []struct {
		ID  hexBytes `json:"psk_id"`
		PSK hexBytes `json:"psk"`
	} `json:"external_psks"`
	Epochs []struct {
		Proposals     []hexBytes `json:"proposals"`
		Commit        hexBytes   `json:"commit"`
		Authenticator hexBytes   `json:"epoch_authenticator"`
	} `json:"epochs"`
}

// checkPassiveClient joins a group that another implementation made and follows
// it, saved and loaded in each epoch.
func checkPassiveClient(t *testing.T, s *suite, raw json.RawMessage) {
	v := unmarshal[passiveVector](t, raw)
	kp, err := decodeMessageOf(v.Package, WireKeyPackage)
	must(t, err)
	resumption := map[uint64][]byte{}
	psks := func(id PSKID) ([]byte, error) {
		if id.GroupID != nil {
			return resumption[id.Epoch], nil
		}
		for _, p := range v.PSKs {
			if bytes.Equal(p.ID, id.ID) {
				return p.PSK, nil
			}
		}
		return nil, nil
	}
	signer := vectorSigner(t, s, v.Signature)
	e, err := Join(JoinConfig{
		Welcome:     v.Welcome,
		KeyPackage:  kp.keyPackage,
		Secrets:     &KeyPackageSecrets{suite: v.Suite, init: padScalar(v.Suite, v.Init), leaf: padScalar(v.Suite, v.Leaf)},
		Signer:      signer,
		RatchetTree: v.Tree,
		PSKs:        psks,
		AnyLifetime: true,
	})
	must(t, err)
	same(t, "initial authenticator", e.Authenticator(), v.Initial)
	m := &member{tb: t, signer: signer, reload: len(v.Epochs) < 10}
	m.enter(e)
	for i, epoch := range v.Epochs {
		resumption[m.epoch.Number()] = m.epoch.ResumptionPSK()
		for _, p := range epoch.Proposals {
			_, err := m.epoch.Receive(m.records, p)
			must(t, err)
		}
		staged, err := m.epoch.Stage(m.records, epoch.Commit, StageConfig{PSKs: psks, External: ExternalAny, AnyLifetime: true})
		if err != nil {
			t.Fatalf("epoch %d: %v", i, err)
		}
		next, err := staged.Apply(m.records)
		must(t, err)
		m.enter(next)
		same(t, "authenticator", m.epoch.Authenticator(), epoch.Authenticator)
	}
}

func checkPSKSecret(t *testing.T, s *suite, raw json.RawMessage) {
	v := unmarshal[struct {
		PSKs []struct {
			ID    hexBytes `json:"psk_id"`
			PSK   hexBytes `json:"psk"`
			Nonce hexBytes `json:"psk_nonce"`
		} `json:"psks"`
		Secret hexBytes `json:"psk_secret"`
	}](t, raw)
	var ids []*pskID
	var secrets [][]byte
	for _, p := range v.PSKs {
		ids = append(ids, &pskID{typ: pskExternal, id: p.ID, nonce: p.Nonce})
		secrets = append(secrets, p.PSK)
	}
	got, err := s.pskSecret(ids, secrets)
	must(t, err)
	same(t, "psk_secret", got, v.Secret)
}
