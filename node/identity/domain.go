package identity

import "slices"

// Domains is the table of all signing domains of the project: what stands
// before the message in a signature says what the message is. Each constant
// lives beside its format. No domain is a prefix of another, and none can begin
// what MLS or libp2p sign.
var Domains = []string{
	"quicnprotochat bind v1",         // key and account, at the end of an OPAQUE registration
	"quicnprotochat commit card v1",  // node/message, CommitCardDomain
	"quicnprotochat contact card v1", // node/contact, CardDomain
	"quicnprotochat control v1",      // node/message, ControlDomain
	"quicnprotochat endpoint v1",     // transport/endpoint, Domain
	"quicnprotochat host key v1",     // node/contact, HostKeyDomain
	"quicnprotochat hybrid key v1",   // mls/seal, HybridKeyDomain
	"quicnprotochat leave v1",        // node/message, LeaveDomain
	"quicnprotochat pass v1",         // rpc/pass, Domain
}

// knownDomain reports whether domain is in the table.
func knownDomain(domain string) bool { return slices.Contains(Domains, domain) }
