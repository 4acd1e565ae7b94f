package relay

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"quicnprotochat/relay/accounts"
	"quicnprotochat/relay/store"
	"quicnprotochat/relay/traffic"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
	"quicnprotochat/transport/plain"
)

// Who may own a mailbox. Everybody who proves an identity may deposit and look up.
const (
	// AccessOpen lets any proven identity.
	AccessOpen = "open"
	// AccessAccount lets who has an account bound to the identity; anybody may
	// register one.
	AccessAccount = "account"
	// AccessInvite is AccessAccount, and an account takes an invite code.
	AccessInvite = "invite"
)

// defaultListen is what a relay listens on by default.
var defaultListen = []transport.Addr{"/ip4/0.0.0.0/udp/7000/quic-v1", "/ip6/::/udp/7000/quic-v1"}

// defaultSuites are the suites of RFC 9420 whose key packages are taken, and the
// provisional number of MLS_128_MLKEM768X25519_AES128GCM_SHA256_Ed25519.
var defaultSuites = []uint16{0x0001, 0x0002, 0x0003, 0x004F}

// Config says how a Relay is made. Zero fields mean the defaults.
type Config struct {
	// Dir is the home of the relay; made, with mode 0700, if it is absent.
	// Required.
	Dir string
	// Listen are the addresses to listen on. With UDP port 0 the system picks a
	// port, which the home remembers. Default: UDP port 7000 of all addresses.
	Listen []transport.Addr
	// QUICListen are more addresses for plain QUIC, which is served on those of
	// Listen too. With UDP port 0 the system picks a port, another one each time.
	// Default: none.
	QUICListen []transport.Addr
	// QUIC bounds what callers over plain QUIC use. Default: see plain.Limits.
	QUIC plain.Limits
	// Announce is the host name or IP address in URL. Default: chosen by
	// transport.AnnounceHost.
	Announce string
	// Access says who may own a mailbox. Default: AccessOpen.
	Access string
	// AllowSealedSender lets those who do not say who they are deposit, and look up
	// what that takes, with a pass of the recipient (package rpc/pass). Default:
	// a pass is refused.
	AllowSealedSender bool
	// MaxPayload bounds a payload, in bytes. Default, and most: 5 MiB.
	MaxPayload int
	// MaxDepth bounds the payloads in one inbox. Default 1000.
	MaxDepth int
	// MaxInboxBytes bounds the bytes in one inbox. Default 64 MiB.
	MaxInboxBytes int64
	// MaxShare bounds the payloads of one depositor in one inbox, MaxShareBytes
	// their bytes. Default: a quarter of MaxDepth and of MaxInboxBytes.
	MaxShare      int
	MaxShareBytes int64
	// MaxPlaceShare bounds the payloads of all at one address in one inbox,
	// MaxPlaceShareBytes their bytes. The loopback is none. Default: a third of
	// MaxDepth and of MaxInboxBytes.
	MaxPlaceShare      int
	MaxPlaceShareBytes int64
	// MaxInboxes bounds the inboxes of one identity on channels. Default 1000.
	MaxInboxes int
	// MaxBytes bounds all that the relay keeps. Default 8 GiB.
	MaxBytes int64
	// Retention is how long a payload is kept. Default 7 days.
	Retention time.Duration
	// Suites are the ciphersuites whose key packages are taken. Default 0x0001,
	// 0x0002, 0x0003 and 0x004F.
	Suites []uint16
	// MaxCalls bounds the calls of one identity that are answered at once, over
	// all its streams; MaxDeviceCalls those of one of its devices, MaxAddressCalls
	// those of one address, MaxAllCalls all of them. The last three do not count
	// those that wait for mail. Default 256, half of MaxCalls, 2048, 8192.
	MaxCalls, MaxDeviceCalls, MaxAddressCalls, MaxAllCalls int
	// MaxWaiters bounds how many calls of one identity wait for mail,
	// MaxAddressWaiters those of one address, MaxAllWaiters all of them. Default 32,
	// 8192 and 65,536.
	MaxWaiters, MaxAddressWaiters, MaxAllWaiters int
	// CallRate is how many calls a second one identity may make in the long run, ten
	// times as many at once; AddressRate is the same for one address. Default 1000
	// and 5000.
	CallRate, AddressRate int
	// MaxAddressBytes is how many bytes one address may leave here at once, payloads
	// and keys; as much comes back within Retention. The loopback has no bound.
	// Default: an eighth of MaxBytes.
	MaxAddressBytes int64
	// MaxConns bounds the connections over libp2p, MaxConnsPerAddr those from one
	// IPv4 address or IPv6 /56, NewConnsPerAddr how many may come from there in a
	// second. Those over plain QUIC have bounds of their own, see QUIC. Default:
	// those of transport.Config for a server.
	MaxConns, MaxConnsPerAddr, NewConnsPerAddr int
	// MaxReservations bounds the nodes that may be called over circuits at a time,
	// see transport.Config. Default 8192.
	MaxReservations int
	// NoCircuits lends no circuits and dials nobody back. Default: both are done.
	NoCircuits bool
	// MaxLogins bounds the attempts to log in at one name from one address in ten
	// minutes, see accounts.Config. Default 10.
	MaxLogins int
	// MaxRegistrations bounds the accounts that one address makes in an hour.
	// Default 20.
	MaxRegistrations int
	// SweepEvery is how long after one sweep for what has expired the next one
	// begins. Default 10 minutes.
	SweepEvery time.Duration
	// OnCall is told of each call that was answered, OnCommit of each commit of
	// the store. They must not block. Default: nobody is told.
	OnCall   func(rpc.Call)
	OnCommit func(store.Commit)
	// Options are for the host: tests put a simulated network there.
	Options []transport.Option
	// Fault is for tests, see store.Config. Default: no faults.
	Fault func(step string) error
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Log gets what the operator should know. Default: nothing is logged.
	Log *slog.Logger
}

// withDefaults fills in the defaults and checks the rest.
func (c Config) withDefaults() (Config, error) {
	c.Access = cmp.Or(c.Access, AccessOpen)
	c.MaxPayload = cmp.Or(c.MaxPayload, rpc.MaxPayload)
	c.MaxWaiters = cmp.Or(c.MaxWaiters, 32)
	c.SweepEvery = cmp.Or(c.SweepEvery, 10*time.Minute)
	c.MaxBytes = cmp.Or(c.MaxBytes, 8<<30)
	c.Retention = cmp.Or(c.Retention, 7*24*time.Hour)
	if len(c.Listen) == 0 {
		c.Listen = defaultListen
	}
	if len(c.Suites) == 0 {
		c.Suites = defaultSuites
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.Dir == "":
		return c, fmt.Errorf("no directory")
	case !slices.Contains([]string{AccessOpen, AccessAccount, AccessInvite}, c.Access):
		return c, fmt.Errorf("access %q is not known", c.Access)
	case c.MaxPayload < 0 || c.MaxPayload > rpc.MaxPayload:
		return c, fmt.Errorf("payloads of %d bytes: at most %d", c.MaxPayload, rpc.MaxPayload)
	}
	if c.Announce != "" {
		host, err := transport.ParseHost(c.Announce)
		if err != nil {
			return c, fmt.Errorf("announce: %w", err)
		}
		c.Announce = host
	}
	return c, nil
}

// host is the part of c that the network wants.
func (c Config) host() transport.Config {
	return transport.Config{
		Server: true, TCP: true,
		MaxConns: c.MaxConns, MaxConnsPerAddr: c.MaxConnsPerAddr, NewConnsPerAddr: c.NewConnsPerAddr,
		MaxReservations: c.MaxReservations,
		Circuits:        !c.NoCircuits,
		PlainListen:     c.QUICListen,
		PlainLimits:     c.QUIC,
		Options:         c.Options,
		Log:             c.Log,
	}
}

// accounts is the part of c that is about accounts.
func (c Config) accounts() accounts.Config {
	return accounts.Config{
		Invite: c.Access == AccessInvite, MaxLogins: c.MaxLogins, MaxRegistrations: c.MaxRegistrations,
		Now: c.Now, Log: c.Log,
	}
}

// traffic is the part of c that bounds calls.
func (c Config) traffic() traffic.Config {
	return traffic.Config{
		MaxCalls: c.MaxCalls, MaxDeviceCalls: c.MaxDeviceCalls, MaxAddressCalls: c.MaxAddressCalls, MaxAllCalls: c.MaxAllCalls,
		MaxAddressWaiters: c.MaxAddressWaiters, MaxAllWaiters: c.MaxAllWaiters,
		CallRate: c.CallRate, AddressRate: c.AddressRate, Now: c.Now,
		AddressBytes: cmp.Or(c.MaxAddressBytes, max(1, c.MaxBytes/8)), BytesTime: c.Retention,
	}
}

// storeConfig is the part of c that the store wants. The store has its own
// defaults.
func (c Config) storeConfig(path string, w *waiters) store.Config {
	return store.Config{
		Path:          path,
		MaxDepth:      c.MaxDepth,
		MaxInboxBytes: c.MaxInboxBytes,
		MaxShare:      c.MaxShare,
		MaxShareBytes: c.MaxShareBytes,
		MaxPlaceShare: c.MaxPlaceShare, MaxPlaceShareBytes: c.MaxPlaceShareBytes,
		MaxInboxes: c.MaxInboxes,
		MaxBytes:   c.MaxBytes,
		Retention:  c.Retention,
		OnAppend:   w.wake,
		OnBan:      w.wakeOwner,
		OnCommit:   c.OnCommit,
		Fault:      c.Fault,
		Now:        c.Now,
		Log:        c.Log,
	}
}
