package localapi

import (
	"errors"
	"net/http"

	"quicnprotochat/node/localapi/socket"
)

// The exit codes of the commands, which are also the kinds of errors.
const (
	ExitOK         = 0
	ExitOther      = 1 // anything that is none of the others
	ExitUsage      = 2 // usage, malformed link, URL or text
	ExitNoDaemon   = 3
	ExitContact    = 4 // unknown or ambiguous contact
	ExitNotReached = 5 // the awaited state was not reached
	ExitSignature  = 6 // signature or key wrong
	ExitNetwork    = 7 // address in use, cannot listen
	ExitHome       = 8 // home in use, damaged, not writable, of the other kind, or from a newer qpc
)

// Error is an error for people: what happened, what to do next, and the exit
// code of the command that meets it. It crosses the socket whole.
type Error struct {
	Message string `json:"error"`
	Hint    string `json:"hint"`
	Exit    int    `json:"exit"`
	// Cause is what the message puts into words, for who runs the node in the same
	// process; it may be nil.
	Cause error `json:"-"`
}

// Error returns the message, without the hint.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// AsError returns the *Error in err's chain, or one of ExitOther with err's
// text. It returns nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Message: err.Error(), Exit: ExitOther}
}

// status derives the HTTP status.
func (e *Error) status() int {
	switch e.Exit {
	case ExitUsage:
		return http.StatusBadRequest
	case ExitContact:
		return http.StatusNotFound
	case ExitNotReached:
		return http.StatusGatewayTimeout
	case ExitSignature:
		return http.StatusUnprocessableEntity
	case ExitNoDaemon, ExitNetwork, ExitHome:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// ofSocket puts an error of package socket into words for people.
func ofSocket(err error) error {
	e := &Error{Exit: ExitOther}
	switch {
	case errors.Is(err, socket.ErrNobody):
		e.Exit, e.Hint = ExitNoDaemon, "start one with: qpc up"
	case errors.Is(err, socket.ErrTaken):
		e.Exit, e.Hint = ExitHome, "stop it, or use another --home"
	case errors.Is(err, socket.ErrInTheWay):
		e.Exit, e.Hint = ExitHome, "move it away"
	case errors.Is(err, socket.ErrNotPrivate):
		e.Hint = "remove it, or set XDG_RUNTIME_DIR to a directory that only you can open"
	case errors.Is(err, socket.ErrPermission):
		e.Hint = "run this as the user that runs the daemon"
	default:
		return err
	}
	e.Message = err.Error()
	return e
}
