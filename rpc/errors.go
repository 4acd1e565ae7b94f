package rpc

import (
	"errors"

	"quicnprotochat/rpc/gate"
)

// Code is the stable name of an error on the wire: the text of the Cap'n Proto
// exception begins with it and a colon.
type Code string

// The codes. Append only.
const (
	CodeBadRequest      Code = "E001"
	CodeUnauthenticated Code = "E002"
	CodeForbidden       Code = "E003"
	CodeVersion         Code = "E004"
	CodeNotOffered      Code = "E005"
	CodeTooLarge        Code = "E006"
	CodeQueueFull       Code = "E007"
	CodeBusy            Code = "E008"
	CodeInternal        Code = "E009"
	CodeEndpoint        Code = "E010"
	CodeKeyPackage      Code = "E011"
	CodeHybridKey       Code = "E012"
	CodeNotRecipient    Code = "E013"
	CodeChannel         Code = "E014"
	CodeLogin           Code = "E015"
	CodeUsername        Code = "E016"
	CodeShutdown        Code = "E017"
	CodeAccount         Code = "E018"
	CodeInvite          Code = "E019"
	CodePass            Code = "E020"
	CodeSuite           Code = "E021"
	CodeDeletion        Code = "E028"
	CodeBanned          Code = "E031"
)

// Error is an error that crosses the wire. Two of the same Code are the same to
// errors.Is, whatever their Text.
type Error struct {
	Code Code
	Text string
}

// The errors that handlers return and callers branch on.
var (
	ErrBadRequest      = &Error{CodeBadRequest, "malformed argument"}
	ErrUnauthenticated = &Error{CodeUnauthenticated, "access token missing, unknown or expired"}
	ErrForbidden       = &Error{CodeForbidden, "only the owner of the key may do this"}
	ErrVersion         = &Error{CodeVersion, "version not supported"}
	ErrNotOffered      = &Error{CodeNotOffered, "method not offered here"}
	ErrTooLarge        = &Error{CodeTooLarge, "payload too large"}
	ErrQueueFull       = &Error{CodeQueueFull, "inbox full"}
	ErrBusy            = &Error{CodeBusy, "over a limit, try again later"}
	ErrInternal        = &Error{CodeInternal, "internal error"}
	ErrEndpoint        = &Error{CodeEndpoint, "endpoint refused"}
	ErrKeyPackage      = &Error{CodeKeyPackage, "key package refused"}
	ErrHybridKey       = &Error{CodeHybridKey, "hybrid key refused"}
	ErrNotRecipient    = &Error{CodeNotRecipient, "this node takes nothing for that key"}
	ErrChannel         = &Error{CodeChannel, "not a member of that channel"}
	ErrLogin           = &Error{CodeLogin, "login refused"}
	ErrUsername        = &Error{CodeUsername, "user name refused"}
	ErrShutdown        = &Error{CodeShutdown, "shutting down"}
	ErrAccount         = &Error{CodeAccount, "this takes a session of an account here"}
	ErrInvite          = &Error{CodeInvite, "invite code missing, unknown or used"}
	ErrPass            = &Error{CodePass, "deposit pass refused"}
	ErrSuite           = &Error{CodeSuite, "ciphersuite not allowed"}
	ErrDeletion        = &Error{CodeDeletion, "account deletion takes a login a moment ago"}
	ErrBanned          = &Error{CodeBanned, "banned by who hosts this relay"}
)

// Error returns "E0nn: text".
func (e *Error) Error() string { return string(e.Code) + ": " + e.Text }

// Is reports whether target is an Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// With returns an Error of the same code with another text.
func (e *Error) With(text string) *Error { return &Error{e.Code, text} }

// errAnswerLength is a handler's list that doesn't match the one it was given.
var errAnswerLength = errors.New("handler returned a list of another length")

// parseError turns the text of an exception back into an Error, if it begins
// with a code.
func parseError(text string) (*Error, bool) {
	if len(text) < 5 || text[0] != 'E' || text[4] != ':' || !digits(text[1:4]) {
		return nil, false
	}
	return &Error{Code(text[:4]), gate.CleanText(text[5:])}, true
}

func digits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
