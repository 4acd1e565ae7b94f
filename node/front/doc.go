// Package front is what front ends ask of a node: it answers the local API.
//
// It is for package node. It finds the contact that a word means, shows contacts,
// messages, relays and connections as package localapi writes them down, and says in
// words for people what is wrong with what they gave. It decides nothing about messages:
// that is for convo and deliver. Below it, names says whom a word means, homes answers
// for the home relays and the accounts there, network for how machines are connected.
package front
