// Package seal makes and opens sealed payloads: what a relay stores and a node
// hands over. Sealing hides group, epoch and sender from whoever carries the
// payload; the frame inside is still encrypted by MLS or signed. It is
// for the packages of node: convo seals, convo and keys open, serve looks at the kind.
//
// The first byte of a payload is its kind:
//
//	0x01  reserved for an older home-made combiner, refused
//	0x02  kind ‖ key id 8 ‖ enc 1120 ‖ ciphertext: to a [HybridKey] by HPKE
//	      (RFC 9180) in base mode with X-Wing (0x647a), HKDF-SHA256 and
//	      ChaCha20-Poly1305; info = "quicnprotochat sealed payload v2",
//	      aad = kind ‖ key id ‖ recipient key
//	0x03  kind ‖ salt 32 ‖ tag 16 ‖ ciphertext: to all who are in an MLS epoch,
//	      by its [EpochKey]; tag = HMAC-SHA256(key, "t" ‖ salt)[:16], the
//	      ciphertext by ChaCha20-Poly1305 with key 32 ‖ nonce 12 =
//	      HKDF-SHA256(key, salt, "m"), aad = kind ‖ salt ‖ tag
//
// The plaintext of both is u32 length ‖ frame ‖ zeros, padded as a whole to the
// Padmé size (Nikitin et al., 2019, "Reducing Metadata Leakage from Encrypted
// Files and Communication with PURBs") of at least 1024 bytes. An opener takes
// any amount of padding, but only zeros.
//
// A hybrid key is announced in a signed blob, all numbers big-endian, times in
// Unix milliseconds:
//
//	version 1 ‖ key id 8 ‖ not-before u64 ‖ not-after u64 ‖ X-Wing key 1216 ‖
//	Ed25519 signature 64 over HybridKeyDomain ‖ all before it
//
// The package does no I/O, reads no clock, keeps no state, and imports nothing
// of package mls. It does not know frames, and not which blob of an owner is
// the newest: the caller keeps the not-before that it saw last and refuses an
// older one. Bytes from outside never make it panic or allocate more than a
// small multiple of their own length.
package seal
