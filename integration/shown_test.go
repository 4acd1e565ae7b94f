package integration

import (
	"fmt"
	"slices"

	"quicnprotochat/node/localapi"
)

// want is a text that somebody sent.
type want struct {
	from string // identity
	text string
	// maybe: the sender was told that it failed, or nothing, so the text may be
	// there or not.
	maybe bool
}

// notSettled says what of the histories of both sides is not yet as it must
// become, empty if all is: delivered, and the same on both sides.
func notSettled(a, b []localapi.Message) (why string) {
	for _, side := range [][]localapi.Message{a, b} {
		for _, m := range side {
			if m.State != localapi.Received && !m.State.Reaches(localapi.Delivered) {
				return fmt.Sprintf("%q is %s", m.Text, m.State)
			}
		}
	}
	same := func(x, y localapi.Message) bool { return x.ID == y.ID && x.From == y.From && x.Text == y.Text }
	if !slices.EqualFunc(a, b, same) {
		return fmt.Sprintf("one side shows %q, the other %q", texts(a), texts(b))
	}
	return ""
}

func texts(all []localapi.Message) (texts []string) {
	for _, m := range all {
		texts = append(texts, m.Text)
	}
	return texts
}

// compare says what is wrong with a history: each text must be there once, those
// of one author in the order in which they were sent, and nothing else.
func compare(shown []localapi.Message, wants []want) (problems []string) {
	times := map[want]int{}
	got, expected := map[string][]string{}, map[string][]string{}
	for _, m := range shown {
		times[want{from: m.From, text: m.Text}]++
		got[m.From] = append(got[m.From], m.Text)
	}
	for _, w := range wants {
		n := times[want{from: w.from, text: w.text}]
		if n > 1 || n == 0 && !w.maybe {
			problems = append(problems, fmt.Sprintf("%q is shown %d times", w.text, n))
		}
		if n > 0 {
			expected[w.from] = append(expected[w.from], w.text)
		}
	}
	for author, texts := range got {
		if !slices.Equal(texts, expected[author]) {
			problems = append(problems, fmt.Sprintf("of %s: got %q, want %q", author, texts, expected[author]))
		}
	}
	return problems
}
