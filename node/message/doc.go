// Package message is the encodings of what two nodes say to each other inside a
// sealed payload. All numbers are big-endian, times are Unix milliseconds. It is for
// node/convo, which gives these bytes to mls or signs them, and seals the frame.
//
// A frame is the plaintext of a sealed payload (package mls/seal):
//
//	0x01 ‖ count u8 (1 to 8) ‖ (length u32 ‖ MLSMessage)…
//	0x02 ‖ control
//	0x03 ‖ count u8 (2 to 4) ‖ (length u32 ‖ frame)…: a bundle, with no bundle inside
//
// A control is what one member tells one other outside of the group's ratchet:
//
//	version 1 ‖ sender 32 ‖ recipient 32 ‖ group id length u8 (0 to 64) ‖ group id ‖
//	type u8 ‖ body length u32 ‖ body ‖ Ed25519 signature 64
//
// signed by the sender under ControlDomain over recipient ‖ group id length ‖
// group id ‖ type ‖ body. The bodies are
//
//	1 introduction  card length u16 ‖ card ‖ pass length u16 ‖ pass
//	2 card update   card length u16 ‖ card
//	3 receipt       author 32 ‖ ranges ‖ head 16
//	4 repair        author 32 ‖ ranges ‖ head 16
//
// where ranges is count u16 (1 to 256) ‖ (lo u64 ‖ hi u64)…, sorted and disjoint: counters of the
// author's messages. A repair asks for those again. A head is the id of the MLS epoch
// that the writer takes for the newest.
//
// An application message is the plaintext of an MLS application message: version
// 1 ‖ type u8 ‖ body. Text is UTF-8.
//
//	0x01 chat          message id 16 ‖ length u16 (not 0) ‖ text
//	0x02 reply         referenced id 16 ‖ length u16 (not 0) ‖ text
//	0x03 reaction      referenced id 16 ‖ length u8 (not 0) ‖ emoji
//	0x04 read receipt  referenced id 16
//	0x05 typing        nothing
//	0x06 edit          original id 16 ‖ length u16 (not 0) ‖ text
//	0x07 delete        original id 16
//	0x08 file          blob id 32 ‖ length u16 ‖ name ‖ size u64 ‖ length u16 ‖ MIME type
//	0x10 delivery receipt  as the control
//
// One of another type is kept as it is. Its authenticated data (RFC 9420,
// §6.3.1) is version 1 ‖ head 16 ‖ counter u64 ‖ Lamport u64 ‖ sent u64.
//
// The package holds no state and reads no clock. Its parsers are strict: they
// take exactly what the encoders can make, so that two encodings of one value
// do not exist. They never panic, and allocate no more than a small multiple of
// what they read. What they return may share memory with it. Whether a control
// is for this node, from somebody it knows, and new, is for the caller to say,
// and so is what text may be shown: nothing here removes control characters.
package message
