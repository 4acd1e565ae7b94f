// Package integration is tests only: worlds of several nodes and relays on a
// simulated network in virtual time, real processes that are killed, and what
// holds for the whole tree (who may import whom). Nothing imports it.
package integration
