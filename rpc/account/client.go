package account

import (
	"errors"
	"fmt"

	"github.com/bytemare/opaque"
)

// ErrPassword means that the server did not answer as one that knows the account
// would: the password is wrong, the account does not exist, or it is not that
// server.
var ErrPassword = errors.New("wrong user name or password")

// Client is one run of a registration or of a login. It is used by one goroutine,
// for one run.
type Client struct {
	c       *opaque.Client
	stretch Stretch
}

// NewClient begins a run. stretch is that of the account; a new one gets
// DefaultStretch. Close must follow.
func NewClient(stretch Stretch) (*Client, error) {
	c, err := configuration().Client()
	if err != nil {
		return nil, fmt.Errorf("opaque client: %w", err)
	}
	return &Client{c, stretch}, nil
}

// StretchBy says what the password costs to try, where that is learnt after the first
// message, which does not depend on it.
func (c *Client) StretchBy(s Stretch) { c.stretch = s }

// Close wipes what the run knew of the password, as far as the library lets it.
func (c *Client) Close() { c.c.ClearState() }

// Register makes the request of opaqueRegisterStart. The caller wipes password.
func (c *Client) Register(password []byte) (request []byte, err error) {
	r, err := c.c.RegistrationInit(password)
	if err != nil {
		return nil, fmt.Errorf("begin registration: %w", err)
	}
	return r.Serialize(), nil
}

// FinishRegister makes the upload, without a binding signature, of the answer.
func (c *Client) FinishRegister(response []byte) (upload []byte, err error) {
	r, err := c.c.Deserialize.RegistrationResponse(response)
	if err != nil {
		return nil, fmt.Errorf("%w: registration response: %w", ErrMalformed, err)
	}
	record, exportKey, err := c.c.RegistrationFinalize(r, nil, nil, c.stretch.options())
	if err != nil {
		return nil, fmt.Errorf("finish registration: %w", err)
	}
	clear(exportKey)
	return record.Serialize(), nil
}

// Login makes the request of opaqueLoginStart (KE1). The caller wipes password.
func (c *Client) Login(password []byte) (ke1 []byte, err error) {
	m, err := c.c.GenerateKE1(password)
	if err != nil {
		return nil, fmt.Errorf("begin login: %w", err)
	}
	return m.Serialize(), nil
}

// FinishLogin makes the finalization (KE3) of the answer (KE2). ErrPassword if
// that does not fit the password.
func (c *Client) FinishLogin(ke2 []byte) (ke3 []byte, err error) {
	m, err := c.c.Deserialize.KE2(ke2)
	if err != nil {
		return nil, fmt.Errorf("%w: KE2: %w", ErrMalformed, err)
	}
	out, sessionKey, exportKey, err := c.c.GenerateKE3(m, nil, nil, c.stretch.options())
	if err != nil {
		return nil, ErrPassword
	}
	clear(sessionKey)
	clear(exportKey)
	return out.Serialize(), nil
}
