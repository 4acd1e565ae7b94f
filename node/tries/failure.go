package tries

import (
	"fmt"
	"slices"
	"strings"

	"quicnprotochat/transport"
)

// Failure is that neither a person's machine nor one of its relays did what was wanted,
// with a reason for each that was asked.
type Failure struct {
	Machine error // nil: it has not answered
	Relays  []AtRelay
	Alone   bool // the person has no relay
}

// AtRelay is why one relay did not.
type AtRelay struct {
	At  transport.RelayURL
	Err error
}

// Error lists all reasons.
func (f *Failure) Error() string {
	return f.list(func(err error) string { return err.Error() }, func(u transport.RelayURL) string { return u.String() })
}

// Unwrap returns the reasons.
func (f *Failure) Unwrap() (all []error) {
	if f.Machine != nil {
		all = append(all, f.Machine)
	}
	for _, r := range f.Relays {
		all = append(all, r.Err)
	}
	return all
}

// offline is Offline.
func (f *Failure) offline() bool {
	return f.Machine != nil && !slices.ContainsFunc(f.Unwrap(), func(err error) bool { return !Offline(err) })
}

// words is Error for people.
func (f *Failure) words(reason func(error) string) string {
	return f.list(reason, transport.RelayURL.Place)
}

// Waiting begins the reason of a message that nobody has taken yet.
const Waiting = "waiting: "

// NotOnline is why nothing goes out while this machine has no network.
const NotOnline = "this machine is not online; it goes out by itself when it is"

func (f *Failure) list(reason func(error) string, place func(transport.RelayURL) string) string {
	parts := []string{"their machine does not answer"}
	if f.Machine != nil {
		parts[0] = "their machine: " + reason(f.Machine)
	}
	for _, r := range f.Relays {
		parts = append(parts, fmt.Sprintf("their relay %s: %s", place(r.At), reason(r.Err)))
	}
	switch {
	case f.Alone:
		parts = append(parts, "they have no relay")
	case len(f.Relays) == 0:
		parts = append(parts, "their relay does not answer")
	}
	return strings.Join(parts, "; ")
}
