// Package contact is how one person is told about another: the signed contact
// card, the link that carries it, and the cleaning of names. It is for the packages
// of node: profile makes cards, convo and deliver read them. The passes that let
// strangers in are of package rpc/pass.
//
// A card, all numbers big-endian, times in Unix milliseconds:
//
//	version 1 ‖ flags u8 ‖ identity 32 ‖ issued u64 ‖ address key 32 ‖
//	length u8 ‖ name ‖
//	count u8 ‖ (host key 32 ‖ signature 64)… ‖
//	count u8 ‖ (relay key 32 ‖ port u16 ‖ length u8 ‖ host)… ‖
//	count u8 ‖ (length u16 ‖ binary multiaddr)… ‖
//	if flag 2: generation u32 ‖ expiry u64 ‖ signature 64 ‖
//	signature 64, by the identity under CardDomain over all before it
//
// Flag 1 says that the identity's own key is the first host key; it is not
// listed then. A listed host key is signed under HostKeyDomain over its 32
// bytes. Flags 4, 8, 16 and 32 say that the first, second, third and fourth relay
// takes passes. Flag 2 says that there is a hello pass: what is not written of it
// follows from the card. All of this keeps the link short enough for a QR code.
// A link is "qpc:" and the base64url of the card without padding (RFC 4648, §5).
//
// The parsers are strict: a card with one bit changed and a link with one
// character changed are refused, and one cut short is malformed. They never
// panic, and take at most [MaxCard] bytes. A card says what its owner says and
// no more: whether its addresses may be dialled depends on where it came from,
// and a name is unique only in the local store. The package does no I/O and
// reads no clock.
package contact
