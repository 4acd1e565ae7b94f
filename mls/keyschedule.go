package mls

import "fmt"

// epochSecrets are the secrets of one epoch that outlive its beginning (RFC
// 9420, §8). The epoch secret and the joiner secret are not among them: they
// are dropped as soon as these are derived.
type epochSecrets struct {
	senderData    []byte
	exporter      []byte
	external      []byte
	confirmation  []byte
	membership    []byte
	resumption    []byte
	authenticator []byte
	init          []byte
}

// fields returns the secrets in the order of their record.
func (e *epochSecrets) fields() []*[]byte {
	return []*[]byte{
		&e.senderData, &e.exporter, &e.external, &e.confirmation,
		&e.membership, &e.resumption, &e.authenticator, &e.init,
	}
}

// A keySchedule is the middle of the key schedule: what comes of an epoch's
// joiner secret.
type keySchedule struct {
	joiner     []byte
	welcome    []byte
	epoch      []byte
	secrets    epochSecrets
	encryption []byte // the root of the secret tree
}

// zeros is the all-zero vector of length KDF.Nh.
func (s *suite) zeros() []byte { return make([]byte, s.size) }

// joinerSecret combines the init secret of the epoch before with the commit
// secret.
func (s *suite) joinerSecret(init, commit, context []byte) ([]byte, error) {
	secret := s.extract(init, commit)
	defer clear(secret)
	return s.expandWithLabel(secret, "joiner", context, s.size)
}

// memberSecret combines the joiner secret with the pre-shared keys.
func (s *suite) memberSecret(joiner, psk []byte) []byte { return s.extract(joiner, psk) }

// welcomeKey returns key and nonce of a Welcome's GroupInfo (RFC 9420,
// §12.4.3.1).
func (s *suite) welcomeKey(welcome []byte) (key, nonce []byte, err error) {
	if key, err = s.expandWithLabel(welcome, "key", nil, s.keySize); err != nil {
		return nil, nil, err
	}
	nonce, err = s.expandWithLabel(welcome, "nonce", nil, s.nonceSize)
	return key, nonce, err
}

// schedule derives all of an epoch from its joiner secret.
func (s *suite) schedule(joiner, psk, context []byte) (*keySchedule, error) {
	member := s.memberSecret(joiner, psk)
	defer clear(member)
	k := &keySchedule{joiner: joiner}
	var err error
	if k.welcome, err = s.deriveSecret(member, "welcome"); err != nil {
		return nil, fmt.Errorf("key schedule: %w", err)
	}
	if k.epoch, err = s.expandWithLabel(member, "epoch", context, s.size); err != nil {
		return nil, fmt.Errorf("key schedule: %w", err)
	}
	if err := k.expand(s); err != nil {
		return nil, fmt.Errorf("key schedule: %w", err)
	}
	return k, nil
}

// expand derives the secrets of the epoch secret and drops it.
func (k *keySchedule) expand(s *suite) error {
	defer func() {
		clear(k.epoch)
		k.epoch = nil
	}()
	labels := []string{
		"sender data", "exporter", "external", "confirm",
		"membership", "resumption", "authentication", "init",
	}
	for i, field := range k.secrets.fields() {
		secret, err := s.deriveSecret(k.epoch, labels[i])
		if err != nil {
			return err
		}
		*field = secret
	}
	var err error
	k.encryption, err = s.deriveSecret(k.epoch, "encryption")
	return err
}

// export is MLS-Exporter of RFC 9420, §8.5.
func (s *suite) export(exporter []byte, label string, context []byte, n int) ([]byte, error) {
	secret, err := s.deriveSecret(exporter, label)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return s.expandWithLabel(secret, "exported", s.digest(context), n)
}
