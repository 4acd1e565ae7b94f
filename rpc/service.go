package rpc

import (
	"context"
	"time"
)

// Identity is an Ed25519 public key (32 bytes): the name of an inbox and of the
// person who owns it.
type Identity [32]byte

// Channel is the id of a channel of an inbox; the zero value means none, the
// inbox itself.
type Channel [16]byte

// Envelope is one stored payload. Seq grows per inbox and is given by whoever
// stores it.
type Envelope struct {
	Seq  uint64
	Data []byte
}

// Caller says who makes a call, as far as it was proved. Handlers get it as a
// value and decide by it; nothing else about the connection reaches them.
type Caller struct {
	// Kind says what was presented.
	Kind TokenKind
	// Session is what the session token stands for if Kind is TokenSession, else
	// nil.
	Session *Session
	// Identity is proved by TLS or by the session if Proven is true. A session
	// of an account without a key and a deposit pass prove none, whatever TLS
	// proved; the methods without Auth leave what that did.
	Identity Identity
	Proven   bool
	// Pass is the deposit pass, without its kind byte, if Kind is TokenPass.
	Pass []byte
	// Device is the optional device id of Auth; none with a deposit pass.
	Device [16]byte
	// Remote is the host part of the peer's address, for limits; "" if unknown.
	Remote string
}

// Owns reports whether the caller has proved to be id.
func (c Caller) Owns(id Identity) bool { return c.Proven && c.Identity == id }

// Service is what a server answers. A nil field is a group of methods that it
// does not offer: they answer ErrNotOffered.
type Service struct {
	Health    Health
	Depositor Depositor
	Inbox     Inbox
	Keys      KeyDirectory
	Endpoints Endpoints
	Accounts  Accounts
	Channels  Channels
	Directory Directory
	// Owners answers what the owner of an account does to it.
	Owners AccountOwners
	// Sessions resolves session tokens; nil refuses them all.
	Sessions Sessions
}

// Health answers health.
type Health interface {
	Health(ctx context.Context) (status string, err error)
}

// Depositor takes payloads for a recipient. A returned seq means that the
// payload is durable. The calls of one connection come in the order in which
// they were made; a Depositor that waits, for a commit say, calls order.Placed
// before, so that it keeps that order and holds up nobody.
type Depositor interface {
	Enqueue(ctx context.Context, c Caller, to Identity, ch Channel, payload []byte) (seq uint64, err error)
	// BatchEnqueue stores one payload for many; seqs are in the order of to. A
	// recipient whose inbox refuses it stops no other: its seq is 0, which no
	// stored payload has, and the caller keeps the payload for it. ErrQueueFull
	// if all refuse; any other error means that nothing was stored.
	BatchEnqueue(ctx context.Context, c Caller, to []Identity, ch Channel, payload []byte) (seqs []uint64, err error)
}

// Inbox hands stored payloads to their owner, oldest first. limit 0 means all
// that fit in one answer; wait 0 means do not wait for a first one. Whatever
// the limit, Peek should stop, and Fetch must stop, before the sum of
// EnvelopeSize exceeds MaxAnswer, but return at least one.
type Inbox interface {
	// Fetch drains: what it returns is removed. The server cuts nothing off,
	// since that would be lost, and an answer that is too large ends the
	// connection.
	Fetch(ctx context.Context, c Caller, owner Identity, ch Channel, limit uint32, wait time.Duration) ([]Envelope, error)
	// Peek returns payloads with Seq > after and removes nothing. The server
	// cuts off what does not fit.
	Peek(ctx context.Context, c Caller, owner Identity, ch Channel, after uint64, limit uint32, wait time.Duration) ([]Envelope, error)
	// Ack removes all payloads up to and including upTo.
	Ack(ctx context.Context, c Caller, owner Identity, ch Channel, upTo uint64) error
}

// KeyDirectory keeps what others need to start a conversation: key packages
// (RFC 9420, section 10) and hybrid keys (package mls/seal).
type KeyDirectory interface {
	// UploadKeyPackage returns the SHA-256 of the package.
	UploadKeyPackage(ctx context.Context, c Caller, owner Identity, keyPackage []byte) (fingerprint [32]byte, err error)
	// FetchKeyPackage hands out one package once; empty when none is left.
	FetchKeyPackage(ctx context.Context, c Caller, owner Identity) (keyPackage []byte, err error)
	UploadHybridKey(ctx context.Context, c Caller, owner Identity, blob []byte) error
	// FetchHybridKeys returns a blob for each owner, empty where none is known.
	FetchHybridKeys(ctx context.Context, c Caller, owners []Identity) (blobs [][]byte, err error)
}

// Endpoints keeps signed endpoint records (package transport).
type Endpoints interface {
	PublishEndpoint(ctx context.Context, c Caller, owner Identity, record []byte) error
	// ResolveEndpoint returns the record, empty when none is known.
	ResolveEndpoint(ctx context.Context, c Caller, owner Identity) (record []byte, err error)
}

// Accounts answers the four OPAQUE calls (RFC 9807). invite is "" where none was
// presented.
type Accounts interface {
	RegisterStart(ctx context.Context, c Caller, username string, request []byte) (response []byte, err error)
	RegisterFinish(ctx context.Context, c Caller, username string, upload []byte, id Identity, invite string) (ok bool, err error)
	LoginStart(ctx context.Context, c Caller, username string, request []byte) (response []byte, err error)
	LoginFinish(ctx context.Context, c Caller, username string, finalization []byte, id Identity) (sessionToken []byte, err error)
}

// AccountOwners answers what the owner of an account does to it. The caller is
// one with a session; which one is up to the service.
type AccountOwners interface {
	// EndSession ends the caller's session.
	EndSession(ctx context.Context, c Caller) error
	// ChangePassword replaces the registration record of the caller's account,
	// ends all its sessions and begins one.
	ChangePassword(ctx context.Context, c Caller, upload []byte) (sessionToken []byte, err error)
	// DeleteAccount removes the caller's account and all that is kept for it.
	DeleteAccount(ctx context.Context, c Caller) error
}

// Channels looks up or creates the channel of the caller and one peer.
type Channels interface {
	CreateChannel(ctx context.Context, c Caller, peer Identity) (Channel, error)
}

// Directory maps user names to identities and back.
type Directory interface {
	// ResolveUser reports found false for an unknown name.
	ResolveUser(ctx context.Context, c Caller, username string) (id Identity, found bool, err error)
	// ResolveIdentity returns "" for an unknown identity.
	ResolveIdentity(ctx context.Context, c Caller, id Identity) (username string, err error)
}

// Session is what a session token stands for.
type Session struct {
	// ID names the session and Account its account; they tell nothing of the
	// token and the user name.
	ID, Account [32]byte
	// Identity is the key bound to the account, if Bound is true.
	Identity Identity
	Bound    bool
	// Begun is when the user logged in.
	Begun time.Time
}

// Sessions resolves session tokens. It returns ErrUnauthenticated for an unknown,
// expired or revoked one.
type Sessions interface {
	Session(ctx context.Context, token [32]byte) (Session, error)
}
