// Package asked is which machines of contacts have said, since the node runs, what they
// keep as its endpoint: they tell who has no relay, or has been away from it for long,
// whether its home is an older copy. It is for package deliver.
//
// Invariant: nothing waits for a machine that will not be asked.
package asked
