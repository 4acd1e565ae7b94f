// Package profile is what this node says of itself: its name, its contact card
// and link, the passes for its contacts, and its endpoint record.
//
// It is for the other packages of node: convo sends card and passes, deliver publishes
// the endpoint, serve hands out endpoint and name, node prints the link.
//
// It knows nothing of other people and sends nothing. What it makes is signed
// with the node's identity; its lasting parts (name, address key, pass
// generation, endpoint sequence) are rows of the local store.
//
// A home can be copied, and an old copy put in its place. The sequence of endpoints tells:
// each is in the store before anybody sees it, so an endpoint of ours that we do not
// know was made by another home (Compare).
//
// Invariants: the sequence of endpoints only rises. Only the card of a link has a
// hello pass, which is good for 30 days. All contacts have the same passes, and the
// generation in them only rises. The name is the one of the first start.
package profile
