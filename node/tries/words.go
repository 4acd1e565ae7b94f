package tries

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// maxResult bounds what is kept of a result, in bytes.
const maxResult = 400

// Plain is the text of an error as one bounded line for people: of errors that are
// several each once, without the key that was dialled, for who reads it knows whose it
// is, and with words for the codes of package rpc.
func Plain(err error) string {
	var failed *Failure
	if errors.As(err, &failed) {
		return plain(err, failed, failed.words(Plain))
	}
	return plain(err, nil, "")
}

// Short is Plain without what became of each address, where one was dialled.
func Short(err error) string {
	var failed *Failure
	var dial *transport.DialError
	switch {
	case errors.As(err, &failed):
		return plain(err, failed, failed.words(Short))
	case errors.As(err, &dial):
		return plain(err, dial, dial.Short())
	}
	return Plain(err)
}

// plain is Plain of an error in which the text of another, if there is one, is replaced.
func plain(err, inner error, words string) string {
	text := err.Error()
	if inner != nil {
		text = strings.Replace(text, inner.Error(), words, 1)
	}
	text = dialled().ReplaceAllString(text, "")
	each(err, func(e error) {
		if words := wordsFor(e); words != "" {
			text = strings.ReplaceAll(text, e.Error(), words)
		}
	})
	var parts []string
	for part := range strings.Lines(text) {
		part = strings.TrimSpace(part)
		lost := rpc.ErrDisconnected.Error()
		if before, _, found := strings.Cut(part, lost+": "); found {
			part = before + lost // what of it was closed by whom says nothing to people
		}
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return line(strings.Join(parts, "; "))
}

// Offline reports whether an error is that this machine has no network that leads there,
// to none of those that a Failure is about.
func Offline(err error) bool {
	var failed *Failure
	if errors.As(err, &failed) {
		return failed.offline()
	}
	var dial *transport.DialError
	return errors.As(err, &dial) && dial.Offline()
}

// each calls fn for an error and all that it wraps.
func each(err error, fn func(error)) {
	fn(err)
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			each(inner, fn)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			each(inner, fn)
		}
	}
}

// wordsFor returns what people are told of an error, "" if its own text will do.
func wordsFor(err error) string {
	switch err {
	case context.DeadlineExceeded:
		return "no answer in time"
	case context.Canceled:
		return "not waited for any longer"
	case rpc.ErrBadAnswer:
		return "its answer makes no sense here: is one of the two versions of qpc much older?"
	}
	e, ok := err.(*rpc.Error)
	if !ok {
		return ""
	}
	if words := codeWords[e.Code]; words != "" {
		return words
	}
	return e.Text
}

// codeWords are what people are told of an error that another machine answered with.
var codeWords = map[rpc.Code]string{
	rpc.CodeBadRequest:      "it does not understand what it is asked: is one of the two versions of qpc much older?",
	rpc.CodeVersion:         "it speaks another version: update qpc on both sides",
	rpc.CodeUnauthenticated: "the login there has ended: qpc account login",
	rpc.CodeAccount:         "it wants an account and a login for that: qpc account register, or qpc account login",
	rpc.CodeForbidden:       "it lets only the owner do that",
	rpc.CodeNotOffered:      "it does not offer that",
	rpc.CodeTooLarge:        "that is too large for it",
	rpc.CodeQueueFull:       "the mailbox there is full until they fetch their mail",
	rpc.CodeBusy:            "it is asked for too much at once; this is tried again by itself",
	rpc.CodeInternal:        "something failed there; the log over there says what",
	rpc.CodeNotRecipient:    "it takes nothing for them",
	rpc.CodeShutdown:        "it is just stopping",
	rpc.CodePass:            "it does not take the pass that they gave for it",
	rpc.CodeBanned:          "this node was banned by who hosts this relay",
}

// dialled finds what says whom a dial was for, and that its time was over where
// each address is listed behind it.
var dialled = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`dial 12D3Koo[1-9A-Za-z]+: (context deadline exceeded: )?`)
})

// line makes one bounded line of a text.
func line(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxResult {
		text = strings.ToValidUTF8(text[:maxResult], "") + " …"
	}
	return text
}
