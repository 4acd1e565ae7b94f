package localapi

import (
	"net/http"
	"reflect"

	"quicnprotochat/node/localapi/openapi"
)

// route is one call of the local API: what serves it and what describes it. The fields
// are those of openapi.Call.
type route struct {
	method, path string
	about        string
	query        []string
	body, answer any
	stream       string
	handle       http.HandlerFunc
}

// describe returns the OpenAPI document of routes.
func describe(routes []route) map[string]any {
	calls := make([]openapi.Call, len(routes))
	for i, r := range routes {
		calls[i] = openapi.Call{Method: r.method, Path: r.path, About: r.about, Query: r.query, Body: r.body, Answer: r.answer, Stream: r.stream}
	}
	return openapi.Document(openapi.About{
		Title: "qpc local API", Version: "1", Server: "http://qpc",
		Description: "HTTP/JSON and server-sent events on the unix socket of a home (qpc paths names it), for its user alone.",
		Error:       Error{},
		Known: map[reflect.Type]map[string]any{
			reflect.TypeFor[Time]():        {"type": "string", "format": "date-time"},
			reflect.TypeFor[[]byte]():      {"type": "string", "contentEncoding": "base64"},
			reflect.TypeFor[State]():       openapi.Enum("", Queued, Direct, Stored, Delivered, Read, Failed, Received),
			reflect.TypeFor[Path]():        openapi.Enum("", PathNone, PathLAN, PathDirect, PathPunched, PathMailbox),
			reflect.TypeFor[MarkAction]():  openapi.Enum(MarkReply, MarkReact, MarkUnreact, MarkEdit, MarkDelete, MarkHide),
			reflect.TypeFor[TrustAction](): openapi.Enum(TrustVerify, TrustUnverify, TrustBlock, TrustUnblock, TrustAccept, TrustRefuse),
		},
	}, calls)
}
