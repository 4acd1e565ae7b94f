// Package contact is how one person is told about another: the signed contact
// card, the link that carries it, the passes that let strangers in, and the
// cleaning of names. It is for the packages of node: profile makes cards, convo and
// deliver read them.
//
// A pass is a signed leave to write to its owner: of kind 1, for a contact at a
// relay, which nothing gives out yet; of kind 2, the hello pass of a link, for
// whoever has the link. Raising the generation would cancel all passes
// before it; nothing raises it yet.
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
// bytes. Flag 2 says that there is a hello pass: what is not written of it
// follows from the card. All of this keeps the link short enough for a QR code.
// A link is "qpc:" and the base64url of the card without padding (RFC 4648, §5).
//
// A pass on its own:
//
//	version 1 ‖ recipient 32 ‖ relay key 32 ‖ kind u8 ‖ generation u32 ‖
//	expiry u64 ‖ signature 64, by the recipient under PassDomain over all before it
//
// The parsers are strict: a card with one bit changed and a link with one
// character changed are refused, and one cut short is malformed. They never
// panic, and take at most [MaxCard] bytes. A card says what its owner says and
// no more: whether its addresses may be dialled depends on where it came from,
// and a name is unique only in the local store. The package does no I/O and
// reads no clock.
package contact
