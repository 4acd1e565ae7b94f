package usage

import "strings"

// Most is how many arguments there may be where there may be several.
const Most = 101

// Line is a usage line without the name of the command.
type Line string

// Arity is how many arguments there may be.
func (l Line) Arity() (least, limit int) {
	for _, word := range strings.Fields(string(l)) {
		if !strings.HasPrefix(word, "[") {
			least++
		}
		if limit++; strings.HasSuffix(strings.TrimSuffix(word, "]"), "...") {
			return least, Most
		}
	}
	return least, limit
}

// At is the name of the argument of that place, "" if there is none.
func (l Line) At(n int) string {
	words := strings.Fields(string(l))
	if n >= len(words) && len(words) > 0 && strings.Contains(words[len(words)-1], "...") {
		n = len(words) - 1
	}
	if n >= len(words) {
		return ""
	}
	return strings.Trim(words[n], "[].")
}

// Choices are the words among which an argument of that name is a choice.
func Choices(argument string) (words []string) {
	for _, word := range strings.Split(argument, "|") {
		if word != "" && strings.ToLower(word) == word {
			words = append(words, word)
		}
	}
	return words
}

// Split takes what was typed apart. The last argument may have spaces in it, unless there
// may be several; others may where they stand in quotes.
func (l Line) Split(typed string) (args []string) {
	_, limit := l.Arity()
	for typed = strings.TrimSpace(typed); typed != ""; typed = strings.TrimSpace(typed) {
		if limit < Most && len(args) >= limit-1 {
			return append(args, typed)
		}
		var word string
		word, typed = first(typed)
		args = append(args, word)
	}
	return args
}

// first cuts the first word off, or what stands in quotes before a space or the end.
func first(typed string) (word, rest string) {
	if quoted, ok := strings.CutPrefix(typed, `"`); ok {
		if word, rest, ok := strings.Cut(quoted, `"`); ok && word != "" && (rest == "" || rest[0] == ' ') {
			return word, rest
		}
	}
	word, rest, _ = strings.Cut(typed, " ")
	return word, rest
}

// Quote returns a word as Split takes it for one.
func Quote(word string) string {
	if strings.Contains(word, " ") && !strings.Contains(word, `"`) {
		return `"` + word + `"`
	}
	return word
}
