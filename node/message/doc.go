// Package message is the encodings of what two nodes say to each other inside a
// sealed payload. All numbers are big-endian, times are Unix milliseconds. It is for
// node/convo and node/group, which give these bytes to mls or sign them, and seal the
// frame.
//
// A frame is the plaintext of a sealed payload (package mls/seal):
//
//	0x01 ‖ count u8 (1 to 8) ‖ (length u32 ‖ MLSMessage)…
//	0x02 ‖ control
//	0x03 ‖ count u8 (2 to 8) ‖ (length u32 ‖ frame)…: a bundle, with no bundle inside
//	0x04 ‖ u8 (0 or 1) ‖ root if 1 ‖ count u16 (0 to 256) ‖ (length u32 ‖ commit card ‖
//	     length u32 ‖ MLSMessage)…: epochs of a group
//	0x05 ‖ count u16 (1 to 1000) ‖ (length u16 ‖ contact card)…: of members of a group
//	0x06 ‖ ratchet tree, beside a Welcome or GroupInfo
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
//	5 passes        count u8 (1 to 4) ‖ (length u16 ‖ pass)…
//	6 read          author 32 ‖ ranges ‖ head 16
//	7 typing        nothing
//	16 report       head 16 ‖ count u8 (0 to 64) ‖ epoch name 16…
//	17 ask          head 16 ‖ count u8 (0 to 64) ‖ epoch name 16…
//	18 info ask     epoch name 16
//	19 leave        a leave
//	20 card ask     count u8 (1 to 16) ‖ identity 32…
//
// where ranges is count u16 (1 to 256) ‖ (lo u64 ‖ hi u64)…, sorted and disjoint:
// counters of the author's messages. A repair asks for those again. A head is the id of
// the MLS epoch that the writer takes for the newest.
//
// The controls from 16 on are about a group of any number, which their group id
// names. A commit card is
//
//	version 1 ‖ flags u8 (1 external, 2 profile) ‖ group id length u8 ‖ group id ‖
//	parent 16 ‖ epoch number u64 ‖ committer 32 ‖ removed ‖ added ‖
//	count u16 ‖ leave… ‖ profile if flagged ‖ binding 32 ‖ digest 32 ‖
//	Ed25519 signature 64
//
// signed by the committer under CommitCardDomain over all before the signature.
// The binding stands for the MLS epoch (mls.Epoch.Binding), the digest is SHA-256 of the
// commit. removed and added are count u16 ‖ identity 32…; a leave is who 32 ‖ epoch name
// 16 ‖ signature 64, by who leaves, under LeaveDomain over epoch name ‖ group id; a
// profile is name length u8 ‖ name ‖ count u16 (0 to 64) ‖ admin 32…. The name of an
// epoch is SHA-256("qpc epoch v1" ‖ card without its signature)[:16]. The root of a
// tree is group id length u8 ‖ group id ‖ epoch name 16 ‖ epoch number u64 ‖ Lamport u64 ‖
// profile ‖ count u16 ‖ identity 32 of each leaf, zero for a blank one.
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
//	0x11 timer         seconds u32 (at most 366 days) after which what comes behind it
//	     disappears; 0 for never
//
// A reply, reaction, edit or deletion has no id of its own; node/convo makes one of its
// place. Our nodes say what was read and that somebody types in controls, which
// take no step of a ratchet and go to one member alone, not as the messages 0x04 and
// 0x05, which they take as well.
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
