// Package words is what a node says, in words for people: one text for each type of
// the local API that is shown.
//
// It asks and decides nothing. Whatever other people wrote goes through cli.Defuse
// here, so that a text of this package can be shown as it is.
package words
