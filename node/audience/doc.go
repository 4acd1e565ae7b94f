// Package audience is messages to many: whom each is for, what is in the outbox for each
// of them, how far it came to each, and what that makes of the message as a whole. It is
// for node/group, which says who is a member, and is part of its transactions.
//
// A message is for those who are members when it is written. It is encrypted once and
// kept in the outbox for each of them until that one has receipted it or is no member any
// more; after a change of branches it is encrypted anew, under the same id. Its state is
// that of whoever is farthest behind.
package audience
