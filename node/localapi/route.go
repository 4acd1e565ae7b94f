package localapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"time"
	"unicode/utf8"

	"quicnprotochat/node/localapi/openapi"
)

// route is one call of the local API: what describes it and what serves it.
type route struct {
	openapi.Call
	handle http.HandlerFunc
}

// checked is the body of a request, which says what is wrong with it.
type checked interface{ check() error }

// get is a call that asks for what there is one of.
func get[A any](s *Server, path, about string, do func(context.Context) (A, error)) route {
	var answer A
	return route{
		openapi.Call{Method: http.MethodGet, Path: path, About: about, Answer: answer},
		s.answer(func(_ http.ResponseWriter, r *http.Request) (any, error) { return do(r.Context()) }),
	}
}

// list is a call that asks for all of something.
func list[A any](s *Server, path, about string, do func(context.Context) ([]A, error)) route {
	return get(s, path, about, func(ctx context.Context) ([]A, error) {
		all, err := do(ctx)
		return present(all), err
	})
}

// find is a call that asks for what belongs to a contact or a group, which the query
// names by that word.
func find[A any](s *Server, path, about, word string, do func(context.Context, string) (A, error)) route {
	var answer A
	return route{
		openapi.Call{Method: http.MethodGet, Path: path, About: about, Query: []string{word}, Answer: answer},
		s.answer(func(_ http.ResponseWriter, r *http.Request) (any, error) {
			named := r.URL.Query().Get(word)
			if err := checkArgument("the "+word, named, maxContact); err != nil {
				return nil, err
			}
			return do(r.Context(), named)
		}),
	}
}

// post is a call that takes one object and answers with one.
func post[B checked, A any](s *Server, path, about string, do func(context.Context, B) (A, error)) route {
	var body B
	var answer A
	return route{
		openapi.Call{Method: http.MethodPost, Path: path, About: about, Body: body, Answer: answer},
		s.answer(func(w http.ResponseWriter, r *http.Request) (any, error) {
			req := body
			if err := decode(w, r, &req); err != nil {
				return nil, err
			}
			if err := req.check(); err != nil {
				return nil, err
			}
			return do(r.Context(), req)
		}),
	}
}

// order is a call that takes nothing and answers with what came of it.
func order[A any](s *Server, path, about string, do func(context.Context) (A, error)) route {
	r := get(s, path, about, do)
	r.Method = http.MethodPost
	return r
}

// nothing is an answer without content.
type nothing struct{}

// answer writes what h returns as JSON.
func (s *Server) answer(h func(http.ResponseWriter, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := h(w, r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, v)
	}
}

// fail answers with an *Error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := AsError(s.cfg.Words(err))
	if said := (*Error)(nil); e.Exit == ExitOther && !errors.As(err, &said) {
		s.cfg.Log.Warn("local request failed", "method", r.Method, "url", r.URL.Path, "err", err)
	}
	writeJSON(w, e.status(), e)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	setWriteDeadline(w, answerTimeout)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// setWriteDeadline bounds the writes that follow. A connection keeps its
// deadline from one request to the next, so each answer sets its own.
func setWriteDeadline(w http.ResponseWriter, d time.Duration) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d))
}

// decode reads a body into v: one JSON object of known fields, in UTF-8.
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	ctl := http.NewResponseController(w)
	_ = ctl.SetReadDeadline(time.Now().Add(requestTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	defer clear(body) // it may hold a password
	// One that passed while the handler works would end the request's context.
	_ = ctl.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return usage("the request is too large", "")
	case err != nil:
		return usage("the request broke off", "")
	case !utf8.Valid(body):
		// encoding/json would put replacement characters there.
		return usage("the request is not UTF-8", "")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return usage("malformed request: "+err.Error(), "is the daemon older than this program?")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return usage("malformed request: more than one object", "")
	}
	return nil
}

// present makes a nil list an empty one, which is [] in JSON.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// describe returns the OpenAPI document of routes.
func describe(routes []route) map[string]any {
	calls := make([]openapi.Call, len(routes))
	for i, r := range routes {
		calls[i] = r.Call
	}
	return openapi.Document(openapi.About{
		Title: "qpc local API", Version: "1", Server: "http://qpc",
		Description: "HTTP/JSON and server-sent events on the unix socket of a home (qpc paths names it), for its user alone.",
		Error:       Error{},
		Known: map[reflect.Type]map[string]any{
			reflect.TypeFor[Time]():   {"type": "string", "format": "date-time"},
			reflect.TypeFor[[]byte](): {"type": "string", "contentEncoding": "base64"},
			reflect.TypeFor[State]():  openapi.Enum("", Queued, Direct, Stored, Delivered, Read, Failed, Received),
			reflect.TypeFor[Path]():   openapi.Enum("", PathNone, PathLAN, PathDirect, PathPunched, PathMailbox),
			reflect.TypeFor[Kind](): openapi.Enum(EventMessage, EventSent, EventState, EventContact, EventGroup, EventUnfit, EventMissed, EventChanged,
				EventRequest, EventTrust, EventTyping, EventNearby),
			reflect.TypeFor[Change]():      openapi.Enum(Edited, Deleted, Reacted, Vanished),
			reflect.TypeFor[MessageKind](): openapi.Enum("", KindReply, KindTimer, KindUnsupported),
			reflect.TypeFor[GroupAction](): openapi.Enum(GroupInvite, GroupRemove, GroupPromote, GroupDemote, GroupRename, GroupUpdate, GroupLeave),
			reflect.TypeFor[MarkAction]():  openapi.Enum(MarkReply, MarkReact, MarkUnreact, MarkEdit, MarkDelete, MarkHide),
			reflect.TypeFor[TrustAction](): openapi.Enum(TrustVerify, TrustUnverify, TrustBlock, TrustUnblock, TrustAccept, TrustRefuse),
		},
	}, calls)
}
