package rpc

import (
	"context"
	"errors"
	"time"
)

// Call is one call that was answered, for those who count.
type Call struct {
	// Method is its name in the schema, "unknown" if there is none.
	Method string
	// Code is the error that was answered, "" for success.
	Code Code
	// Took is how long it took, without the way of the answer.
	Took time.Duration
	// Caller is who called, as far as the call came to tell; its Pass is left out.
	Caller Caller
}

// callKey is the key of a *Call in the context of a call.
type callKey struct{}

// beginCall notes a call that has come in. The second result ends it; nobody else
// uses the first after that.
func (s *server) beginCall(ctx context.Context, m *method) (context.Context, func(error)) {
	if s.onCall == nil {
		return ctx, func(error) {}
	}
	began := time.Now()
	call := &Call{Method: "unknown", Caller: s.stranger()}
	if m != nil {
		call.Method = m.name
	}
	return context.WithValue(ctx, callKey{}, call), func(err error) {
		call.Took = time.Since(began)
		var e *Error
		if errors.As(err, &e) {
			call.Code = e.Code
		} else if err != nil {
			call.Code = CodeInternal
		}
		s.onCall(*call)
	}
}

// noteCaller tells who makes the call of ctx.
func noteCaller(ctx context.Context, c Caller) {
	if call, ok := ctx.Value(callKey{}).(*Call); ok {
		c.Pass = nil
		call.Caller = c
	}
}
