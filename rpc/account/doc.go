// Package account is both sides of OPAQUE (RFC 9807) as an account at a relay
// uses it, in its one configuration, and the proof that binds an identity key to
// an account. A relay's accounts and a node's are made with it; it alone knows
// the library below.
//
// The configuration: ristretto255-SHA512 for the OPRF and the key exchange;
// HKDF, HMAC and hash with SHA-512; no context; no identities; the credential
// identifier is the user name in its folded form, which is up to the relay;
// Argon2id on the client, with an output of 64 bytes, a salt of 16 zeros (the
// OPRF output that it stretches is unique already) and the costs of Stretch.
// Another client with the same settings can use the same account.
//
// It keeps nothing and sends nothing: all messages are bytes that others carry
// and all state is in values. A server learns no password, not even at
// registration, and a client that is told a wrong one finds out by itself.
//
// An upload is the registration record (192 bytes); where TLS proves no identity
// key, a signature of 64 bytes by that key over BindMessage follows, in the domain
// BindDomain.
package account
