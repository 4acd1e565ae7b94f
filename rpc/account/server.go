package account

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/bytemare/opaque"
)

// RecordSize is the size of a registration record.
const RecordSize = 192

// Server answers registrations and logins with one set of keys. It keeps no
// state; its methods may be called from many goroutines.
type Server struct {
	// idle holds *opaque.Server, each for one call at a time: the library's hash
	// functions have a state.
	idle sync.Pool
	// fake is the record of whoever is unknown, encoded like a stored one, so that
	// reading it takes as long.
	fake []byte
}

// Server keys are a version, the OPRF seed and the private key. The library's own
// encoding does not come back from its decoder when no identity is set.
const (
	keysVersion = 1
	seedSize    = 64
	secretSize  = 32
)

// NewServerKeys makes the keys of a server: its OPRF seed and its key pair. With
// other keys no account of the server opens, so they are made once.
func NewServerKeys() []byte {
	conf := configuration()
	secret, _ := conf.KeyGen()
	defer secret.Zero()
	return append(append([]byte{keysVersion}, conf.GenerateOPRFSeed()...), secret.Encode()...)
}

// NewServer returns the server of keys.
func NewServer(keys []byte) (*Server, error) {
	fake, err := configuration().GetFakeRecord(nil)
	if err != nil {
		return nil, fmt.Errorf("record of nobody: %w", err)
	}
	one, err := newOpaqueServer(keys)
	if err != nil {
		return nil, err
	}
	s := &Server{fake: fake.Serialize()}
	keys = bytes.Clone(keys)
	s.idle.New = func() any {
		more, _ := newOpaqueServer(keys) // they were good for one
		return more
	}
	s.idle.Put(one)
	return s, nil
}

func newOpaqueServer(keys []byte) (*opaque.Server, error) {
	conf := configuration()
	s, err := conf.Server()
	if err != nil {
		return nil, fmt.Errorf("opaque server: %w", err)
	}
	if len(keys) != 1+seedSize+secretSize || keys[0] != keysVersion {
		return nil, fmt.Errorf("server keys: %w", ErrMalformed)
	}
	secret, err := s.Deserialize.DecodePrivateKey(keys[1+seedSize:])
	if err != nil {
		return nil, fmt.Errorf("server keys: %w: %w", ErrMalformed, err)
	}
	err = s.SetKeyMaterial(&opaque.ServerKeyMaterial{
		PrivateKey:     secret,
		PublicKeyBytes: conf.AKE.Group().Base().Multiply(secret).Encode(),
		OPRFGlobalSeed: bytes.Clone(keys[1 : 1+seedSize]),
	})
	if err != nil {
		return nil, fmt.Errorf("server keys: %w: %w", ErrMalformed, err)
	}
	return s, nil
}

// take returns a server of the library and what gives it back.
func (s *Server) take() (o *opaque.Server, done func()) {
	o = s.idle.Get().(*opaque.Server)
	return o, func() { s.idle.Put(o) }
}

// Register answers opaqueRegisterStart for a folded user name, the same way for
// one that is taken.
func (s *Server) Register(name string, request []byte) (response []byte, err error) {
	o, done := s.take()
	defer done()
	r, err := o.Deserialize.RegistrationRequest(request)
	if err != nil {
		return nil, fmt.Errorf("%w: registration request: %w", ErrMalformed, err)
	}
	out, err := o.RegistrationResponse(r, []byte(name), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: registration request: %w", ErrMalformed, err)
	}
	return out.Serialize(), nil
}

// CheckRecord refuses what is not a registration record.
func (s *Server) CheckRecord(record []byte) error {
	o, done := s.take()
	defer done()
	if _, err := o.Deserialize.RegistrationRecord(record); err != nil {
		return fmt.Errorf("%w: registration record: %w", ErrMalformed, err)
	}
	return nil
}

// Login answers opaqueLoginStart for a folded user name and its record, nil if
// the name is unknown: then the answer fits no password. expected is the KE3 of a
// client that knows the password.
func (s *Server) Login(name string, record, ke1 []byte) (ke2, expected []byte, err error) {
	o, done := s.take()
	defer done()
	m, err := o.Deserialize.KE1(ke1)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: KE1: %w", ErrMalformed, err)
	}
	if record == nil {
		record = s.fake
	}
	r, err := o.Deserialize.RegistrationRecord(record)
	if err != nil {
		return nil, nil, fmt.Errorf("stored record: %w", err)
	}
	out, secret, err := o.GenerateKE2(m, &opaque.ClientRecord{RegistrationRecord: r, CredentialIdentifier: []byte(name)})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: KE1: %w", ErrMalformed, err)
	}
	clear(secret.SessionSecret)
	return out.Serialize(), secret.ClientMAC, nil
}
