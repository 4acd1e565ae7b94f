package localapi

import (
	"net/http"
	"reflect"
	"strings"
)

// route is one call of the local API: what serves it and what describes it.
type route struct {
	method, path string
	about        string
	// query names the parameters of the URL, those in the path not among them; a
	// name that ends with ? may be left out.
	query []string
	// body and answer are of the types that travel; nil for none.
	body, answer any
	// stream is the content type of an answer that is many of them.
	stream string
	handle http.HandlerFunc
}

// openAPI describes the local API as OpenAPI 3.1.
func openAPI(routes []route) map[string]any {
	d := schemas{}
	paths := map[string]any{}
	for _, r := range routes {
		item, _ := paths[r.path].(map[string]any)
		if item == nil {
			item = map[string]any{}
			paths[r.path] = item
		}
		item[strings.ToLower(r.method)] = d.operation(r)
	}
	d.of(reflect.TypeFor[Error]())
	return map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title": "qpc local API", "version": "1",
			"description": "HTTP/JSON and server-sent events on the unix socket of a home (qpc paths names it), for its user alone.",
		},
		"servers":    []any{map[string]any{"url": "http://qpc"}},
		"paths":      paths,
		"components": map[string]any{"schemas": d},
	}
}

// schemas are the types that were met, by name.
type schemas map[string]any

func (d schemas) operation(r route) map[string]any {
	op := map[string]any{"summary": r.about}
	var params []any
	for _, part := range strings.Split(r.path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			params = append(params, parameter("path", strings.TrimSuffix(name, "}"), true))
		}
	}
	for _, name := range r.query {
		optional := strings.TrimSuffix(name, "?")
		params = append(params, parameter("query", optional, optional == name))
	}
	if r.stream == eventStream {
		params = append(params, parameter("header", "Last-Event-ID", false))
	}
	if params != nil {
		op["parameters"] = params
	}
	if r.body != nil {
		op["requestBody"] = map[string]any{"required": true, "content": content("application/json", d.of(reflect.TypeOf(r.body)))}
	}
	good := map[string]any{"description": "Done."}
	switch {
	case r.stream != "":
		good["content"] = content(r.stream, d.of(reflect.TypeOf(r.answer)))
	case r.answer != nil:
		good["content"] = content("application/json", d.of(reflect.TypeOf(r.answer)))
	}
	op["responses"] = map[string]any{
		"200":     good,
		"default": map[string]any{"description": "What happened, and what to do.", "content": content("application/json", d.of(reflect.TypeFor[Error]()))},
	}
	return op
}

func parameter(in, name string, required bool) map[string]any {
	return map[string]any{"in": in, "name": name, "required": required, "schema": map[string]any{"type": "string"}}
}

func content(mediaType string, schema any) map[string]any {
	return map[string]any{mediaType: map[string]any{"schema": schema}}
}

// of returns the schema of a type as it is in JSON; a struct is kept and referred to.
func (d schemas) of(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[State]():
		return map[string]any{"type": "string", "enum": []State{"", Queued, Direct, Stored, Delivered, Read, Failed, Received}}
	case t == reflect.TypeFor[Path]():
		return map[string]any{"type": "string", "enum": []Path{"", PathNone, PathLAN, PathDirect, PathPunched, PathMailbox}}
	case t == reflect.TypeFor[MarkAction]():
		return map[string]any{"type": "string", "enum": []MarkAction{MarkReply, MarkReact, MarkUnreact, MarkEdit, MarkDelete, MarkHide}}
	case t == reflect.TypeFor[TrustAction]():
		return map[string]any{"type": "string", "enum": []TrustAction{TrustVerify, TrustUnverify, TrustBlock, TrustUnblock, TrustAccept, TrustRefuse}}
	case t == reflect.TypeFor[[]byte]():
		return map[string]any{"type": "string", "contentEncoding": "base64"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.of(t.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": d.of(t.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Uint64:
		return map[string]any{"type": "integer"}
	case reflect.Struct:
		return d.object(t)
	default:
		return map[string]any{"type": "string"}
	}
}

// object keeps the schema of a struct; a field with omitempty may be absent. What a
// request does not hold is as if it were empty.
func (d schemas) object(t reflect.Type) map[string]any {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	ref := map[string]any{"$ref": "#/components/schemas/" + name}
	if _, known := d[name]; known {
		return ref
	}
	properties, required := map[string]any{}, []string{}
	d[name] = map[string]any{} // one that holds itself ends here
	for field := range t.Fields() {
		key, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		properties[key] = d.of(field.Type)
		if options == "" && !strings.HasSuffix(name, "Request") {
			required = append(required, key)
		}
	}
	d[name] = map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	return ref
}
