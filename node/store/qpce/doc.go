// Package qpce seals a short secret under a password.
//
// It is for package home, which keeps the key of the database so, and for package
// backup. The format is
// "QPCE" ‖ salt 16 ‖ nonce 12 ‖ ciphertext of ChaCha20-Poly1305 (RFC 8439), its key
// being Argon2id (RFC 9106) version 0x13 of the password and the salt, with 19 MiB,
// two passes and one lane.
//
// Who has the file can try passwords, each at the price of one Argon2id. Every
// sealing takes a new salt and a new nonce. Of the password nothing is left in memory
// that the caller does not wipe (stretch.go).
package qpce
