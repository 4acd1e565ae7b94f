// Package settings is what the operator of a relay may choose: one table of
// settings, and the three places that they come from. It is for the command that
// runs a relay.
//
// A flag wins over the environment (QPC_RELAY_ and the name in capitals, with _
// for -), that over the file relay.conf of the home, and that over the default.
// The file has lines NAME = VALUE; empty lines and those that begin with # say
// nothing. A setting that takes several values takes them with spaces between, or
// on several lines.
//
// Invariants: the table has every setting of relay.Config that an operator can
// want (a test); a name that is not in it is refused, with the place where it
// stands; the file that Template makes names them all with their defaults.
//
// It opens no store and no port, and it does not check what a relay checks when
// it begins.
package settings
