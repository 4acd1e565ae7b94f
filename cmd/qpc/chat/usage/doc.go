// Package usage reads a usage line, like GROUP CONTACT... or LINK [NAME]: how many
// arguments there may be, what they are, and how a line that was typed is taken apart by
// it. [N] may be left out, NAME... may be several, and words in small letters between bars
// are those there are, as in [on|off].
//
// It is for the verbs of the chat, which are commands of qpc as well.
package usage
