// Package serve is a node's part of NodeService: it answers for its own identity
// only.
//
// A payload for this node is taken into its inbox; its keys, its endpoint and
// its name are handed out. Everything else answers rpc.ErrNotOffered, and what
// is asked for another identity rpc.ErrNotRecipient.
package serve
