package names

import (
	"strings"
	"unicode/utf8"
)

// Match returns those of all that who can mean. Those of just that name; else those of the
// same name but for its case, and those whose name, or id as begins tells, begins with who;
// else those whose name begins with it but for case. It is for the caller to ask which of
// several is meant. begins may be nil.
func Match[T any](all []T, who string, name func(T) string, begins func(T) bool) []T {
	if who == "" {
		return nil
	}
	var exact, near, like []T
	for _, v := range all {
		switch n := name(v); {
		case n == who:
			exact = append(exact, v)
		case Same(n, who), strings.HasPrefix(n, who), begins != nil && begins(v):
			near = append(near, v)
		case beginsLike(n, who):
			like = append(like, v)
		}
	}
	switch {
	case len(exact) > 0:
		return exact
	case len(near) > 0:
		return near
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
