package localapi

import (
	"bytes"
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

// AccountRequest is what a command about an account says. Passwords are bytes, so
// that they can be wiped; in JSON they are base64.
type AccountRequest struct {
	// Relay is the URL of the relay; empty means the only one that it can be.
	Relay string `json:"relay,omitempty"`
	// Name is the user name, where one is needed; for a login empty means that of
	// the account that is known.
	Name        string `json:"name,omitempty"`
	Invite      string `json:"invite,omitempty"`
	Password    []byte `json:"password,omitempty"`
	NewPassword []byte `json:"newPassword,omitempty"`
}

// wipe removes the secrets from memory.
func (r *AccountRequest) wipe() {
	clear(r.Password)
	clear(r.NewPassword)
}

// Accounts are the accounts of the node at relays. What a relay refuses is exit 1,
// one that is not reached exit 7. Passwords are wiped after the call.
type Accounts interface {
	// Accounts lists them.
	Accounts(ctx context.Context) ([]Account, error)
	// Register makes an account and logs in; the relay becomes a home relay.
	Register(ctx context.Context, r AccountRequest) (Account, error)
	// Login begins a session; the relay becomes a home relay.
	Login(ctx context.Context, r AccountRequest) (Account, error)
	// Logout ends the session.
	Logout(ctx context.Context, r AccountRequest) (Account, error)
}

// AccountOwner is what takes the password of an account that the node knows.
type AccountOwner interface {
	// ChangePassword replaces it and ends all other sessions.
	ChangePassword(ctx context.Context, r AccountRequest) (Account, error)
	// DeleteAccount removes the account and all that the relay keeps for it.
	DeleteAccount(ctx context.Context, r AccountRequest) (Account, error)
}

// LoginRefused is the message of the error of a login that the relay refused. It does
// not say whether there is such an account.
const LoginRefused = "the relay refused the user name or the password"

const (
	// MaxPassword bounds a password, in bytes.
	MaxPassword = 1024
	// accountTime is how long a command about an account may take: the password is
	// stretched, and a relay may have to be reached.
	accountTime = 2 * time.Minute
	maxUser     = 255
	maxInvite   = 64
)

func (s *Server) accountTable() []route {
	table := []route{{
		method: "GET", path: "/v1/accounts", about: "The accounts of the node at relays.", answer: []Account{},
		handle: s.answer(func(_ http.ResponseWriter, r *http.Request) (any, error) {
			list, err := s.cfg.Accounts.Accounts(r.Context())
			return present(list), err
		}),
	}}
	for _, call := range []struct {
		name, about string
		do          func(context.Context, AccountRequest) (Account, error)
	}{
		{"register", "Make an account and log in.", s.cfg.Accounts.Register},
		{"login", "Begin a session.", s.cfg.Accounts.Login},
		{"logout", "End the session.", s.cfg.Accounts.Logout},
		{"password", "Replace the password and end all other sessions.", s.cfg.AccountOwner.ChangePassword},
		{"delete", "Delete the account and all that the relay keeps for it.", s.cfg.AccountOwner.DeleteAccount},
	} {
		table = append(table, route{
			method: "POST", path: "/v1/account/" + call.name, about: call.about, body: AccountRequest{}, answer: Account{},
			handle: s.answer(func(w http.ResponseWriter, r *http.Request) (any, error) {
				var req AccountRequest
				defer req.wipe()
				if err := decode(w, r, &req); err != nil {
					return nil, err
				}
				if err := req.check(); err != nil {
					return nil, err
				}
				return call.do(r.Context(), req)
			}),
		})
	}
	return table
}

// wiped is a body that is wiped when it was sent.
type wiped struct {
	*bytes.Reader
	b []byte
}

// Close implements io.Closer: the last to happen to a body.
func (w *wiped) Close() error {
	clear(w.b)
	return nil
}

// check bounds what a request holds. Which fields are needed is up to the call.
func (r *AccountRequest) check() error {
	switch {
	case len(r.Relay) > maxURL:
		return usage("the relay's URL is too long", "")
	case len(r.Name) > maxUser:
		return usage("the user name is too long", "a user name has 3 to 32 characters")
	case len(r.Invite) > maxInvite:
		return usage("the invite code is too long", "copy it as you got it")
	case len(r.Password) > MaxPassword || len(r.NewPassword) > MaxPassword:
		return usage("the password is too long", "1024 bytes is the most")
	}
	return nil
}

// Accounts lists the accounts of the node at relays.
func (c *Client) Accounts(ctx context.Context) (v []Account, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/accounts", nil, &v)
}

// Register makes an account and logs in.
func (c *Client) Register(ctx context.Context, r AccountRequest) (Account, error) {
	return c.account(ctx, "register", r)
}

// Login begins a session.
func (c *Client) Login(ctx context.Context, r AccountRequest) (Account, error) {
	return c.account(ctx, "login", r)
}

// Logout ends the session.
func (c *Client) Logout(ctx context.Context, r AccountRequest) (Account, error) {
	return c.account(ctx, "logout", r)
}

// ChangePassword replaces the password of an account.
func (c *Client) ChangePassword(ctx context.Context, r AccountRequest) (Account, error) {
	return c.account(ctx, "password", r)
}

// DeleteAccount removes an account.
func (c *Client) DeleteAccount(ctx context.Context, r AccountRequest) (Account, error) {
	return c.account(ctx, "delete", r)
}

func (c *Client) account(ctx context.Context, what string, r AccountRequest) (v Account, err error) {
	return v, c.callFor(ctx, accountTime, http.MethodPost, "/v1/account/"+what, r, &v)
}
