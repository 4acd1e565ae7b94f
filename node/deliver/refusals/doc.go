// Package refusals remembers which relays take which passes of others, and which did not
// answer who showed one. It is for package deliver.
package refusals
