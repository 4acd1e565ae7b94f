package localapi

import (
	"context"
	"net/http"
	"time"
)

// Account is an account of the node at a relay.
type Account struct {
	// Relay is the URL of the relay.
	Relay string `json:"relay"`
	Name  string `json:"name"`
	// Session is whether the node is logged in.
	Session bool `json:"session"`
}

// AccountRequest is what a command about an account says. No password is in it: who
// asks for one makes the messages of OPAQUE (RFC 9807) of it, see package
// node/accounts/proof.
type AccountRequest struct {
	// Relay is the URL of the relay; empty means the only one that it can be.
	Relay string `json:"relay,omitempty"`
	// Name is the user name, where one is needed; for a login empty means that of
	// the account that is known.
	Name   string `json:"name,omitempty"`
	Invite string `json:"invite,omitempty"`
	// Message is that of OPAQUE for this step: a registration request, a registration
	// record (192 bytes), KE1 or KE3.
	Message []byte `json:"message,omitempty"`
}

// AccountStep is the answer of a relay to the first message of OPAQUE.
type AccountStep struct {
	// Relay is the URL of the relay, and Name the user name: what was asked for, or
	// what was left to the node to find. They are named in the next step.
	Relay string `json:"relay"`
	Name  string `json:"name"`
	// Message is a registration response, or KE2.
	Message []byte `json:"message"`
	// Stretch is, for a login, what the password of the account costs to try.
	Stretch []byte `json:"stretch,omitempty"`
}

// Accounts are the accounts of the node at relays. What a relay refuses is exit 1,
// one that is not reached exit 7.
type Accounts interface {
	// Accounts lists them.
	Accounts(ctx context.Context) ([]Account, error)
	// BeginLogin takes KE1 and returns KE2.
	BeginLogin(ctx context.Context, r AccountRequest) (AccountStep, error)
	// Login takes KE3 and begins a session; the relay becomes a home relay.
	Login(ctx context.Context, r AccountRequest) (Account, error)
	// Logout ends the session.
	Logout(ctx context.Context, r AccountRequest) (Account, error)
}

// AccountMaker makes accounts.
type AccountMaker interface {
	// BeginRegister takes a registration request and returns the response.
	BeginRegister(ctx context.Context, r AccountRequest) (AccountStep, error)
	// Register takes the record and makes the account. A login is to follow.
	Register(ctx context.Context, r AccountRequest) (Account, error)
}

// AccountOwner is what takes a session that has just begun.
type AccountOwner interface {
	// BeginPassword takes a registration request for a new password and returns the
	// response.
	BeginPassword(ctx context.Context, r AccountRequest) (AccountStep, error)
	// ChangePassword takes the record, replaces the password by it, and ends all
	// other sessions.
	ChangePassword(ctx context.Context, r AccountRequest) (Account, error)
	// DeleteAccount removes the account and all that the relay keeps for it.
	DeleteAccount(ctx context.Context, r AccountRequest) (Account, error)
}

// LoginRefused is the message of the error of a login that the relay refused. It does
// not say whether there is such an account.
const LoginRefused = "the relay refused the user name or the password"

// LoginHint is the hint of that error.
const LoginHint = "type it again; an account belongs to the node that registered it"

const (
	// MaxPassword bounds a password, in bytes.
	MaxPassword = 1024
	// RelayTime is how long a call may take that asks a relay: it may have to be
	// reached, and a login there waited for.
	RelayTime = 2 * time.Minute
	maxUser   = 255
	maxInvite = 64
	maxOpaque = 4 << 10
)

func (s *Server) accountTable() []route {
	const path = "/v1/account/"
	return []route{
		list(s, "/v1/accounts", "The accounts of the node at relays.", s.cfg.Accounts.Accounts),
		post(s, path+"register/start", "The first step of a registration: OPAQUE's request, and its response.", s.cfg.AccountMaker.BeginRegister),
		post(s, path+"register", "Make an account with the record of OPAQUE; a login is to follow.", s.cfg.AccountMaker.Register),
		post(s, path+"login/start", "The first step of a login: KE1 of OPAQUE, and KE2.", s.cfg.Accounts.BeginLogin),
		post(s, path+"login", "Begin a session with KE3 of OPAQUE.", s.cfg.Accounts.Login),
		post(s, path+"logout", "End the session.", s.cfg.Accounts.Logout),
		post(s, path+"password/start", "The first step to a new password: OPAQUE's request, and its response.", s.cfg.AccountOwner.BeginPassword),
		post(s, path+"password", "Replace the password by the record of another, just after a login, and end all other sessions.", s.cfg.AccountOwner.ChangePassword),
		post(s, path+"delete", "Just after a login, delete the account and all that the relay keeps for it.", s.cfg.AccountOwner.DeleteAccount),
	}
}

// check bounds what a request holds. Which fields are needed is up to the call.
func (r AccountRequest) check() error {
	switch {
	case len(r.Relay) > maxURL:
		return usage("the relay's URL is too long", "")
	case len(r.Name) > maxUser:
		return usage("the user name is too long", "a user name has 3 to 32 characters")
	case len(r.Invite) > maxInvite:
		return usage("the invite code is too long", "copy it as you got it")
	case len(r.Message) > maxOpaque:
		return usage("the message is too long", "those of OPAQUE are much shorter")
	}
	return nil
}

// Accounts lists the accounts of the node at relays.
func (c *Client) Accounts(ctx context.Context) (v []Account, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/accounts", nil, &v)
}

// BeginRegister asks a relay for the response to a registration request.
func (c *Client) BeginRegister(ctx context.Context, r AccountRequest) (AccountStep, error) {
	return account[AccountStep](ctx, c, "register/start", r)
}

// Register makes an account. A login is to follow.
func (c *Client) Register(ctx context.Context, r AccountRequest) (Account, error) {
	return account[Account](ctx, c, "register", r)
}

// BeginLogin asks a relay for KE2.
func (c *Client) BeginLogin(ctx context.Context, r AccountRequest) (AccountStep, error) {
	return account[AccountStep](ctx, c, "login/start", r)
}

// Login begins a session.
func (c *Client) Login(ctx context.Context, r AccountRequest) (Account, error) {
	return account[Account](ctx, c, "login", r)
}

// Logout ends the session.
func (c *Client) Logout(ctx context.Context, r AccountRequest) (Account, error) {
	return account[Account](ctx, c, "logout", r)
}

// BeginPassword asks a relay for the response to the request for a new password.
func (c *Client) BeginPassword(ctx context.Context, r AccountRequest) (AccountStep, error) {
	return account[AccountStep](ctx, c, "password/start", r)
}

// ChangePassword replaces the password of an account.
func (c *Client) ChangePassword(ctx context.Context, r AccountRequest) (Account, error) {
	return account[Account](ctx, c, "password", r)
}

// DeleteAccount removes an account.
func (c *Client) DeleteAccount(ctx context.Context, r AccountRequest) (Account, error) {
	return account[Account](ctx, c, "delete", r)
}

// account does one step that is about an account.
func account[T any](ctx context.Context, c *Client, step string, r AccountRequest) (v T, err error) {
	return v, c.callFor(ctx, RelayTime, http.MethodPost, "/v1/account/"+step, r, &v)
}
