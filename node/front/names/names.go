package names

import (
	"strings"
	"unicode/utf8"
)

// Match returns those of all that who can mean: those of just that name, else those whose
// name, or id as begins tells, begins with it, else the same without regard to case. A name
// that is the same but for its case is among those that begin with it: it is for the caller
// to ask which of several is meant. begins may be nil.
func Match[T any](all []T, who string, name func(T) string, begins func(T) bool) []T {
	if who == "" {
		return nil
	}
	var exact, begin, same, like []T
	for _, v := range all {
		switch n := name(v); {
		case n == who:
			exact = append(exact, v)
		case Same(n, who):
			same = append(same, v)
		case strings.HasPrefix(n, who), begins != nil && begins(v):
			begin = append(begin, v)
		case beginsLike(n, who):
			like = append(like, v)
		}
	}
	switch {
	case len(exact) > 0:
		return exact
	case len(begin) > 0:
		return append(same, begin...)
	case len(same) > 0:
		return same
	default:
		return like
	}
}

// Named returns those of all that have the name who, or else the same but for its case.
func Named[T any](all []T, who string, name func(T) string) []T {
	var exact, same []T
	for _, v := range all {
		switch n := name(v); {
		case n == who && who != "":
			exact = append(exact, v)
		case Same(n, who):
			same = append(same, v)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return same
}

// Same reports whether two names differ at most in case; the empty one is none.
func Same(name, who string) bool { return who != "" && strings.EqualFold(name, who) }

// beginsLike reports whether a name begins with who but for case.
func beginsLike(name, who string) bool {
	runes, n := []rune(name), utf8.RuneCountInString(who)
	return n <= len(runes) && strings.EqualFold(string(runes[:n]), who)
}
