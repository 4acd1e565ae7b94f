// Package lan finds machines on the local network, and lets this one be found, by
// multicast DNS (package transport/mdns). It is for package transport.
//
// What is heard is not proved before the machine is dialled, so it is bounded, and only
// addresses on networks of this machine are believed.
//
// # Sealed announcements
//
// With Config.Key what is announced are not a key and addresses, but, for those who know
// our address key, the addresses, and for all others nothing but that somebody is there:
//
//	version 1 | salt 16 | ChaCha20-Poly1305 of (length 1 | multiaddr)*
//
// under the key and nonce HKDF-SHA256 (address key, salt, "quicnprotochat lan v1"), with
// the version as associated data. Whose an announcement is, is found by trying the address
// keys of all contacts. From each address few announcements are tried, and how many keys are
// tried a second is bounded, for IPv4 and IPv6 apart: who pours out what nobody can open
// keeps no contact from being found, but by forging hundreds of addresses over both. No two
// announcements are the same, but they come from the node's address: who is on the network
// sees that there is a node, and not whose.
package lan
