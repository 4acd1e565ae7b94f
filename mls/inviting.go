package mls

// extensionSealedTree, in a GroupInfo, holds the key of a ratchet tree that
// lies beside the Welcome. It is of the range for private use.
const extensionSealedTree uint16 = 0xf0e1

// invite makes the Welcome of a new epoch: one sealed GroupInfo, and for each
// new member the joiner secret and its path secret. Without new members it only
// wipes the secrets.
func (s *Staged) invite(k *keySchedule, t *transition, path *ownPath, cfg CommitConfig) error {
	defer clear(k.joiner)
	defer clear(k.welcome)
	if len(t.added) == 0 {
		return nil
	}
	e := s.next
	info, err := s.groupInfo(cfg)
	if err != nil {
		return err
	}
	key, nonce, err := e.suite.welcomeKey(k.welcome)
	if err != nil {
		return err
	}
	m := &welcome{suite: e.suite.id, secrets: make([]encryptedGroupSecrets, len(t.added))}
	if m.groupInfo, err = e.suite.seal(key, nonce, nil, encoded(info)); err != nil {
		return err
	}
	err = inParallel(len(t.added), 1, func(i int) error {
		a := t.added[i]
		g := &groupSecrets{joiner: k.joiner, psks: t.psks}
		if path != nil {
			g.pathSecret = path.secretFor(a.leaf)
		}
		secrets := encoded(g)
		defer clear(secrets)
		c, err := e.suite.encryptWithLabel(a.keyPackage.initKey, "Welcome", m.groupInfo, secrets)
		m.secrets[i] = encryptedGroupSecrets{a.keyPackage.Ref(), c}
		return err
	})
	s.welcome = encoded(&message{format: WireWelcome, welcome: m})
	return err
}

// groupInfo makes the GroupInfo of the Welcome, and the tree beside it if there
// is to be one.
func (s *Staged) groupInfo(cfg CommitConfig) (*groupInfo, error) {
	e := s.next
	info := &groupInfo{context: e.context, confirmationTag: e.tag, signer: e.own}
	if cfg.TreeBeside {
		key := random(e.suite.keySize)
		sealed, err := e.suite.sealTree(key, encoded(e.tree))
		if err != nil {
			return nil, err
		}
		s.tree = sealed
		info.extensions = []Extension{{extensionSealedTree, key}}
	} else {
		info.extensions = []Extension{{ExtensionRatchetTree, encoded(e.tree)}}
	}
	if x := greaseExtension(); !cfg.NoGREASE {
		info.extensions = append(info.extensions, x)
	}
	return info, info.sign(e.signer)
}

// sealTree and openTree encrypt a ratchet tree under a key that is used once.
func (s *suite) sealTree(key, tree []byte) ([]byte, error) {
	return s.seal(key, make([]byte, s.nonceSize), nil, tree)
}

func (s *suite) openTree(key, sealed []byte) ([]byte, error) {
	if len(key) != s.keySize {
		return nil, errMalformed
	}
	return s.open(key, make([]byte, s.nonceSize), nil, sealed)
}
