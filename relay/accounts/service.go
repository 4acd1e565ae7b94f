package accounts

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/account"
)

// The service needs this of a store. See the methods of store.Store.
type (
	accountStore interface {
		AddAccount(ctx context.Context, a store.Account, invite *store.InviteID) error
		Account(ctx context.Context, key store.AccountKey) (store.Account, bool, error)
		AccountOf(ctx context.Context, id rpc.Identity) (store.Account, bool, error)
		ChangeRecord(ctx context.Context, key store.AccountKey, record, stretch []byte, session store.Session) error
	}
	sessionStore interface {
		BeginSession(ctx context.Context, key store.AccountKey, record []byte, session store.Session) error
		Session(ctx context.Context, id [32]byte) (store.Session, store.Account, bool, error)
		ExtendSession(ctx context.Context, id [32]byte, expires time.Time) error
		EndSession(ctx context.Context, id [32]byte) error
	}
	removals interface {
		DeleteAccount(ctx context.Context, key store.AccountKey) error
		Forget(ctx context.Context, owner rpc.Identity) error
	}
	// Storage is all of it.
	Storage interface {
		accountStore
		sessionStore
		removals
	}
)

// Config says how a Service is made. Zero fields mean the defaults.
type Config struct {
	// Storage keeps accounts and sessions. Required.
	Storage Storage
	// Server answers OPAQUE. Required.
	Server *account.Server
	// Relay is the relay's own key, which binding signatures name. Required.
	Relay rpc.Identity
	// Invite makes a registration take an invite code. Default: none is needed.
	Invite bool
	// MaxLogins bounds the attempts at one name from one address in ten minutes;
	// one address may make five times as many, and at one name there may be twenty
	// times as many. Attempts that succeed do not count. Default 10.
	MaxLogins int
	// MaxRegistrations bounds the accounts that one address makes in an hour, and
	// what it begins to make is bounded by ten times as many. Default 20.
	MaxRegistrations int
	// Enter lets in a call, of a caller with a token or of one without, until
	// leave. Required.
	Enter func(c rpc.Caller) (leave func(), err error)
	// WireError gives the errors of the storage their code. Required.
	WireError func(error) error
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Log gets what goes wrong with the storage. Default: nothing is logged.
	Log *slog.Logger
}

const (
	loginWindow    = 10 * time.Minute
	registerWindow = time.Hour
	// level is the least time of answers that could tell what exists: it hides
	// whether something was looked up.
	level = 25 * time.Millisecond
	// sessionLife is how long a session lives after its last use, to the day.
	sessionLife = 30 * 24 * time.Hour
	// freshLogin is how long after a login an account may be changed.
	freshLogin = 5 * time.Minute
)

// Service implements rpc.Accounts, rpc.AccountOwners, rpc.Directory and
// rpc.Sessions.
type Service struct {
	cfg     Config
	pending *pending

	byAddress, byBoth, byName, byOwner *limit // logins
	begun, made                        *limit // registrations
}

// New returns a Service.
func New(cfg Config) *Service {
	cfg.MaxLogins = cmp.Or(cfg.MaxLogins, 10)
	cfg.MaxRegistrations = cmp.Or(cfg.MaxRegistrations, 20)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	logins := func(factor int) *limit { return newLimit(factor*cfg.MaxLogins, loginWindow, cfg.Now) }
	return &Service{
		cfg: cfg, pending: newPending(cfg.Now),
		byAddress: logins(5), byBoth: logins(1), byName: logins(20), byOwner: logins(1),
		begun: newLimit(10*cfg.MaxRegistrations, registerWindow, cfg.Now),
		made:  newLimit(cfg.MaxRegistrations, registerWindow, cfg.Now),
	}
}

// Forget drops what is remembered of callers and matters no more. It is called now
// and then.
func (s *Service) Forget() {
	s.pending.forget()
	for _, l := range []*limit{s.byAddress, s.byBoth, s.byName, s.byOwner, s.begun, s.made} {
		l.forget()
	}
}

// leveled returns when the least time of an answer is over.
func leveled(ctx context.Context) (wait func()) {
	over := time.NewTimer(level)
	return func() {
		defer over.Stop()
		select {
		case <-over.C:
		case <-ctx.Done():
		}
	}
}

// enter counts a call about a user name in, until leave.
func (s *Service) enter(c rpc.Caller, username string) (name Name, leave func(), err error) {
	if leave, err = s.cfg.Enter(c); err != nil {
		return name, nil, err
	}
	if name, err = parseName(username); err != nil {
		leave()
		return name, nil, err
	}
	return name, leave, nil
}

// parseName gives a name that cannot be one its code.
func parseName(text string) (Name, error) {
	n, err := ParseName(text)
	if err != nil {
		return n, rpc.ErrUsername.With(err.Error())
	}
	return n, nil
}

// opaqueError gives what account returns its code.
func opaqueError(err error) error {
	if errors.Is(err, account.ErrMalformed) {
		return rpc.ErrBadRequest.With("malformed OPAQUE message")
	}
	return err
}
