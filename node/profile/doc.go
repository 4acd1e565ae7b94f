// Package profile is what this node says of itself: its name, its contact card
// and link, and its endpoint record.
//
// It knows nothing of other people and sends nothing. What it makes is signed
// with the node's identity; its lasting parts (name, address key, pass
// generation, endpoint sequence) are rows of the local store.
package profile
