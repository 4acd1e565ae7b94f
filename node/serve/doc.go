// Package serve is a node's part of NodeService: it answers for its own identity
// only.
//
// It is for package node, which puts it on every link of package deliver. A
// payload for this node is checked and given to an Inbox, which package deliver
// is; its keys, its endpoint and its name are handed out, and to who asks for its own
// endpoint the one seen last of it. What only a relay does
// answers rpc.ErrNotOffered. For another identity, payloads, key packages and
// endpoints are refused with rpc.ErrNotRecipient; hybrid keys and names come back
// empty.
//
// Invariants: yes to a payload means that it is durable. Who proved no identity
// brings no payload and gets no key package. What a caller can use up is bounded
// by the hour; beyond that it gets the key package of last resort.
package serve
