package settings

import (
	"fmt"
	"strings"
)

// setting is one line of the table.
type setting struct {
	name string
	// value is how a value looks, for help; "" for a switch.
	value string
	// def is the default, as it would be given; "" if it cannot.
	def string
	doc string
	// live settings take effect while a relay runs.
	live bool
	// field points to the setting in c. Its type says how a value is read: see
	// setting.set; *bytes and *bytes64 are numbers of bytes.
	field func(c *Config) any
}

// bytes and bytes64 mark numbers that may have a unit.
type (
	bytes   struct{ *int }
	bytes64 struct{ *int64 }
)

// table has all settings, in the order of the file. A new limit of relay.Config
// is one line here.
var table = []setting{
	{"listen", "ADDRESS", "/ip4/0.0.0.0/udp/7000/quic-v1 /ip6/::/udp/7000/quic-v1", "Addresses to listen on; with udp/0 the home remembers the port; repeatable.", false, func(c *Config) any { return &c.Relay.Listen }},
	{"quic-listen", "ADDRESS", "", "More addresses for plain QUIC (ALPN capnp), which is served on those of listen too; repeatable.", false, func(c *Config) any { return &c.Relay.QUICListen }},
	{"announce", "HOST", "", "The host name or IP address that people reach the relay by. Default: chosen from the addresses of this machine.", false, func(c *Config) any { return &c.Relay.Announce }},
	{"access", "WHO", "open", "Who may own a mailbox: open, everybody who proves a key; account, who has an account; invite, the same, and an account takes an invite.", false, func(c *Config) any { return &c.Relay.Access }},
	{"allow-sealed-sender", "", "no", "Let those deposit who do not say who they are, with a pass that the recipient gave them: the relay does not learn who writes to whom.", false, func(c *Config) any { return &c.Relay.AllowSealedSender }},
	{"max-payload", "SIZE", "5MiB", "The largest payload that is taken, at most 5MiB.", true, func(c *Config) any { return bytes{&c.Relay.MaxPayload} }},
	{"max-depth", "N", "1000", "Payloads in one inbox.", false, func(c *Config) any { return &c.Relay.MaxDepth }},
	{"max-inbox-bytes", "SIZE", "64MiB", "Bytes in one inbox.", false, func(c *Config) any { return bytes64{&c.Relay.MaxInboxBytes} }},
	{"max-share", "N", "250", "Payloads of one depositor in one inbox. Default: a quarter of max-depth.", false, func(c *Config) any { return &c.Relay.MaxShare }},
	{"max-share-bytes", "SIZE", "16MiB", "Bytes of one depositor in one inbox; one payload is always taken. Default: a quarter of max-inbox-bytes.", false, func(c *Config) any { return bytes64{&c.Relay.MaxShareBytes} }},
	{"max-address-share", "N", "333", "Payloads of all at one address in one inbox. Default: a third of max-depth.", false, func(c *Config) any { return &c.Relay.MaxPlaceShare }},
	{"max-address-share-bytes", "SIZE", "22369621", "Bytes of all at one address in one inbox; one payload is always taken. Default: a third of max-inbox-bytes.", false, func(c *Config) any { return bytes64{&c.Relay.MaxPlaceShareBytes} }},
	{"max-inboxes", "N", "1000", "Inboxes of one identity on channels.", false, func(c *Config) any { return &c.Relay.MaxInboxes }},
	{"max-bytes", "SIZE", "8GiB", "Bytes of all that is kept.", false, func(c *Config) any { return bytes64{&c.Relay.MaxBytes} }},
	{"retention", "TIME", "168h", "How long a payload is kept.", false, func(c *Config) any { return &c.Relay.Retention }},
	{"suites", "NUMBER", "0x0001 0x0002 0x0003 0x004F", "Ciphersuites of MLS whose key packages are taken; repeatable.", false, func(c *Config) any { return &c.Relay.Suites }},
	{"max-calls", "N", "256", "Calls of one identity that are answered at once.", true, func(c *Config) any { return &c.Relay.MaxCalls }},
	{"max-device-calls", "N", "128", "Calls of one device of an identity that are answered at once. Default: half of max-calls.", true, func(c *Config) any { return &c.Relay.MaxDeviceCalls }},
	{"max-address-calls", "N", "2048", "Calls from one address that are answered at once, without those that wait for mail.", true, func(c *Config) any { return &c.Relay.MaxAddressCalls }},
	{"max-all-calls", "N", "8192", "Calls that are answered at once, without those that wait for mail.", true, func(c *Config) any { return &c.Relay.MaxAllCalls }},
	{"max-waiters", "N", "32", "Calls of one identity that wait for mail.", true, func(c *Config) any { return &c.Relay.MaxWaiters }},
	{"max-address-waiters", "N", "8192", "Calls from one address that wait for mail.", true, func(c *Config) any { return &c.Relay.MaxAddressWaiters }},
	{"max-all-waiters", "N", "65536", "Calls that wait for mail.", true, func(c *Config) any { return &c.Relay.MaxAllWaiters }},
	{"call-rate", "N", "1000", "Calls a second of one identity in the long run; ten times as many may come at once.", true, func(c *Config) any { return &c.Relay.CallRate }},
	{"address-rate", "N", "5000", "Calls a second from one address in the long run; ten times as many may come at once.", true, func(c *Config) any { return &c.Relay.AddressRate }},
	{"max-address-bytes", "SIZE", "1GiB", "Bytes that one address may leave here at once; as much comes back within retention. Default: an eighth of max-bytes.", true, func(c *Config) any { return bytes64{&c.Relay.MaxAddressBytes} }},
	{"max-conns", "N", "50000", "Connections over libp2p.", false, func(c *Config) any { return &c.Relay.MaxConns }},
	{"max-conns-per-addr", "N", "2048", "Connections over libp2p from one IPv4 address or IPv6 /56.", false, func(c *Config) any { return &c.Relay.MaxConnsPerAddr }},
	{"new-conns-per-addr", "N", "100", "New connections over libp2p from one address in a second, in the long run.", false, func(c *Config) any { return &c.Relay.NewConnsPerAddr }},
	{"max-reservations", "N", "8192", "Nodes behind a NAT that others may call through this relay, to make a direct connection.", false, func(c *Config) any { return &c.Relay.MaxReservations }},
	{"no-circuits", "", "no", "Lend no circuits for such calls, and dial nobody back to say whether it can be reached.", false, func(c *Config) any { return &c.Relay.NoCircuits }},
	{"quic-max-conns", "N", "20000", "Connections over plain QUIC.", false, func(c *Config) any { return &c.Relay.QUIC.Conns }},
	{"quic-max-conns-per-addr", "N", "1024", "Connections over plain QUIC from one IPv4 address or IPv6 /56.", false, func(c *Config) any { return &c.Relay.QUIC.ConnsPerAddr }},
	{"quic-new-conns-per-addr", "N", "50", "New connections over plain QUIC from one address in a second; ten times as many may come at once.", false, func(c *Config) any { return &c.Relay.QUIC.NewConnsPerAddr }},
	{"quic-max-handshakes", "N", "384", "Handshakes of plain QUIC under way; one address may have an eighth. With those of libp2p as many, but no fewer than 384.", false, func(c *Config) any { return &c.Relay.QUIC.Handshakes }},
	{"quic-max-streams", "N", "50000", "Streams over plain QUIC.", false, func(c *Config) any { return &c.Relay.QUIC.Streams }},
	{"quic-max-streams-per-addr", "N", "4096", "Streams over plain QUIC from one address.", false, func(c *Config) any { return &c.Relay.QUIC.StreamsPerAddr }},
	{"quic-max-streams-per-conn", "N", "32", "Streams of one connection over plain QUIC that are served at once; more wait.", false, func(c *Config) any { return &c.Relay.QUIC.StreamsPerConn }},
	{"quic-idle", "TIME", "5m", "How long nothing may come on a stream over plain QUIC.", false, func(c *Config) any { return &c.Relay.QUIC.Idle }},
	{"quic-empty", "TIME", "30s", "How long a connection over plain QUIC may have no stream, and a stream no byte.", false, func(c *Config) any { return &c.Relay.QUIC.Empty }},
	{"max-logins", "N", "10", "Attempts to log in at one name from one address in ten minutes.", false, func(c *Config) any { return &c.Relay.MaxLogins }},
	{"max-registrations", "N", "20", "Accounts that one address makes in an hour.", false, func(c *Config) any { return &c.Relay.MaxRegistrations }},
	{"sweep-every", "TIME", "10m", "The pause between two sweeps for what has expired.", false, func(c *Config) any { return &c.Relay.SweepEvery }},
	{"metrics", "IP:PORT", "", "Serve /metrics for Prometheus, /healthz and /readyz there, like 127.0.0.1:9700. Default: not at all.", false, func(c *Config) any { return &c.Metrics }},
	{"metrics-public", "", "no", "Let metrics be an address that other machines reach.", false, func(c *Config) any { return &c.MetricsPublic }},
	{"audit", "FILE", "", "Write a line to this file for each call: time, method, code, and hashes of identity and host, whose salt is forgotten when the relay stops. The file grows; move it away and send HUP. Default: none.", false, func(c *Config) any { return &c.Audit }},
	{"log", "LEVEL", "info", "Log to stderr from this level on: debug, info, warn or error.", true, func(c *Config) any { return &c.Log }},
	{"log-addresses", "", "no", "Let the log hold network addresses of others; it never has their identities in full.", true, func(c *Config) any { return &c.LogAddresses }},
}

// Setting is one setting, for a command that offers it as a flag.
type Setting struct {
	// Name is that of the flag, without dashes.
	Name string
	// Usage says what it is, and its default.
	Usage string
	// Value is how a value looks, in capitals; "" for one that is yes or no.
	Value string
}

// All returns the settings in the order of the file.
func All() []Setting {
	out := make([]Setting, len(table))
	for i, s := range table {
		usage := strings.TrimSuffix(strings.ToLower(s.doc[:1])+s.doc[1:], ".")
		if s.def != "" {
			usage += " (default " + s.def + ")"
		}
		out[i] = Setting{Name: s.name, Usage: usage, Value: s.value}
	}
	return out
}

// Template returns a file that names every setting with its default and changes
// none.
func Template() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Settings of a relay. A line that begins with # says nothing: what stands there is
# the default. Each setting is also a flag of "qpc relay run", --NAME, and a variable
# of the environment, %sNAME; flags win over variables, and those over this file.
# SIZE is a number of bytes, or one with KiB, MiB or GiB; TIME is like 90s, 10m, 168h.
# Settings marked "live" are read again when the relay gets the signal HUP.
`, prefix)
	for _, s := range table {
		live := ""
		if s.live {
			live = " (live)"
		}
		fmt.Fprintf(&b, "\n# %s%s\n", s.doc, live)
		b.WriteString(strings.TrimSpace("#"+s.name+" = "+s.def) + "\n")
	}
	return b.String()
}
