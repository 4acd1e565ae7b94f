// Package people keeps in memory where each contact can be reached: its machine and its
// relays. It is for package deliver, which brings in what cards and endpoints say.
package people
