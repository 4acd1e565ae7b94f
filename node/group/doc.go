// Package group is conversations of any number of people, without a server that orders
// commits. It is for node/convo, which gives it what comes in about groups, and for
// node/front, which brings what the user wants.
//
// It is not MLS (package mls), not the rule that picks the head (package epochs), and
// does no network I/O (package deliver). Sealing, decrypting and storing messages is of
// convo.
//
// # Where to read
//
// groups.go: the whole; api.go, info.go: what the user wants and sees; follow.go, load.go:
// commits that come in, and the tree; tend.go: what is due, commit.go and invitation.go do
// it; welcome.go, found.go: how a group begins here; report.go, renew.go, contacts.go: what
// members tell each other; rejoin.go: the way back; erase.go: keys that go.
//
// # What must hold
//
// After the network is quiet, all honest members that reach each other, directly or
// through any relay, are in one epoch. An author keeps each message and sends it again,
// encrypted anew under the same id, until every member of the group has receipted it or
// 30 days have passed. Nobody shows it twice.
//
// # Epochs form a tree
//
// With a commit goes a card, signed by its committer: group, parent, what is removed and
// added, the name and the admins if they change, the hash of the commit, and a binding to
// the MLS epoch that it leads to (package message). The epoch is named by the hash of its
// card: so nobody can make a second epoch of a name, and a card that somebody else's
// commit stands behind is worth nothing. Package cards says what the cards come to: the
// tree, who is in each epoch, who may do what, and which epoch is the head, of those that
// have an enterable one at or below them: one is enterable if we hold its keys, or
// somebody gave its GroupInfo.
//
// A commit is opened once; if it does not open, or is not as its card says, it stays
// closed: its card still counts, and nobody honest enters it. Nobody but its committer
// can bring that about, for the card names the commit's bytes. No state of MLS is ever
// restored: going back to another branch moves the head to an epoch still held.
//
// # How members come together
//
// A commit waits in the outbox for each member until that member reports that it has it.
// A Report names the epoch that its sender is in; receipts and messages do too. Whose
// message had no effect at a member reports to that member: the two may be in two epochs,
// if who made one told them two things or went away before it had told both. Who hears of
// an epoch that it does not know asks for the commits; who hears of somebody that is
// behind sends them. Reports, questions and answers are sealed to one member's hybrid
// key, so that they open whatever epoch the two are in. Who knows of a better branch of
// which it has no keys asks for GroupInfo, which members give to members alone, and comes
// back by an external commit that brings its own leaf and nothing else. GroupInfo is
// checked against the binding in the card.
//
// What the user wants is an intent, kept until it is true in the head and the most senior
// member has committed below it. If its branch loses it is committed again on the head; a
// Remove of somebody senior is then dropped. Messages without receipts are encrypted
// again there. Whoever committed an Add or a Remove that lost may have gone away: after a
// minute the most senior admin who knows of it wants it as well, unless the first one is
// no admin any more or somebody has come to another decision since. A new key package is
// fetched for that. Who was once brought in by somebody whom it knows takes the Welcome
// of another admin.
//
// An invitation is an intent too: it waits for a key package however long that takes. The
// Welcome brings the tree from its root, so that the new member judges branches as all
// others do, and the contact cards of the members, so that those who never met can reach
// each other. Who knows the group already judges the commit of the Welcome by its own
// tree and goes on in that: only an admin can begin a group anew for somebody whose tree
// has nothing in common with the Welcome's.
//
// # The suite
//
// A group begins with its creator alone, and its suite is not settled before somebody
// else comes in: it is post-quantum if all are whose key packages are here by then, else
// the group is founded anew in the classical suite, under the same id. From then on it
// stays: who lacks it is not added, and the user is told. What is sent in a classical
// group is sealed to each member's hybrid key.
//
// # When keys go
//
// Those of an epoch that is not the head: 10 minutes after the most senior member of its
// fork has committed on the way that was taken, at the latest after 7 days, or 16 epochs
// above the head. Admins commit an update weekly, which pins the branch. Who is removed
// erases those of its last epoch by the same rule: 10 minutes after the most senior
// member has committed at or below the Remove, at the latest after 7 days (RFC 9420,
// §12.4.2). A clock that is ahead for a while erases nothing too soon: unless it is by
// weeks, no keys go before the node has run for ten minutes with them to spare. What
// comes late until then opens; who turns out to be a member still, on a branch that wins
// later, comes back from outside.
//
// # What can still go wrong
//
// Where the last admin is gone people go on talking and come back, but nobody can be
// invited or removed. Admins commit weekly: when none has for 30 days, Shape says so, and
// the others may make a new group.
//
// The most senior admin, or who stole its key, can do anything; its commit from a
// partition wins over what its juniors did. A Remove may be lost until it is committed
// again if somebody senior to its author commits beside it. Of a message whose author
// goes away before a change of branches, and before it sends it again, the others may see
// nothing. Who was invited on a branch that loses is told that it is not in, until the
// admin who invited it, or another one who has its card, has added it again. Two members
// who are in two epochs, because who made the newer one went away, find out when one of
// them says something. Cards and rosters are kept for as long as the group is; of what
// one member commits alone, on which nobody else builds, the first 4,096 commits. Members
// whose trees begin at different epochs, because the group had more than 255 when one of
// them came, do not judge branches from before that alike.
package group
