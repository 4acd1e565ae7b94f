package openapi

import (
	"reflect"
	"strings"
)

// EventStream is the content type of server-sent events.
const EventStream = "text/event-stream"

// Call is one call of an API.
type Call struct {
	Method, Path string
	// About is one sentence.
	About string
	// Query names the parameters of the URL, those in the path not among them; a
	// name that ends with ? may be left out.
	Query []string
	// Body and Answer are of the types that travel; nil for none.
	Body, Answer any
	// Stream is the content type of an answer that is many of them; of events it takes
	// the header Last-Event-ID.
	Stream string
}

// About is what a description says of an API as a whole. All fields are required but
// Known.
type About struct {
	Title, Version, Description, Server string
	// Error is of the type that every error is.
	Error any
	// Known are the schemas of types that do not travel as what they are.
	Known map[reflect.Type]map[string]any
}

// Enum is the schema of texts of which there are these.
func Enum[T ~string](values ...T) map[string]any {
	return map[string]any{"type": "string", "enum": values}
}

// Document describes an API of those calls as OpenAPI 3.1.
func Document(about About, calls []Call) map[string]any {
	d := document{About: about, schemas: map[string]any{}}
	paths := map[string]any{}
	for _, r := range calls {
		item, _ := paths[r.Path].(map[string]any)
		if item == nil {
			item = map[string]any{}
			paths[r.Path] = item
		}
		item[strings.ToLower(r.Method)] = d.operation(r)
	}
	d.of(reflect.TypeOf(d.Error))
	return map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title": about.Title, "version": about.Version, "description": about.Description,
		},
		"servers":    []any{map[string]any{"url": about.Server}},
		"paths":      paths,
		"components": map[string]any{"schemas": d.schemas},
	}
}

// document is a description that grows; schemas are those of the types that were met,
// by name.
type document struct {
	About
	schemas map[string]any
}

func (d document) operation(r Call) map[string]any {
	op := map[string]any{"summary": r.About}
	var params []any
	for _, part := range strings.Split(r.Path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			params = append(params, parameter("path", strings.TrimSuffix(name, "}"), true))
		}
	}
	for _, name := range r.Query {
		optional := strings.TrimSuffix(name, "?")
		params = append(params, parameter("query", optional, optional == name))
	}
	if r.Stream == EventStream {
		params = append(params, parameter("header", "Last-Event-ID", false))
	}
	if params != nil {
		op["parameters"] = params
	}
	if r.Body != nil {
		op["requestBody"] = map[string]any{"required": true, "content": content("application/json", d.of(reflect.TypeOf(r.Body)))}
	}
	good := map[string]any{"description": "Done."}
	switch {
	case r.Stream != "":
		good["content"] = content(r.Stream, d.of(reflect.TypeOf(r.Answer)))
	case r.Answer != nil:
		good["content"] = content("application/json", d.of(reflect.TypeOf(r.Answer)))
	}
	op["responses"] = map[string]any{
		"200":     good,
		"default": map[string]any{"description": "What happened, and what to do.", "content": content("application/json", d.of(reflect.TypeOf(d.Error)))},
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
func (d document) of(t reflect.Type) map[string]any {
	if known, ok := d.Known[t]; ok {
		return known
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
func (d document) object(t reflect.Type) map[string]any {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	ref := map[string]any{"$ref": "#/components/schemas/" + name}
	if _, known := d.schemas[name]; known {
		return ref
	}
	properties, required := map[string]any{}, []string{}
	d.schemas[name] = map[string]any{} // one that holds itself ends here
	for field := range t.Fields() {
		key, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if key == "-" {
			continue
		}
		properties[key] = d.of(field.Type)
		if options == "" && !strings.HasSuffix(name, "Request") {
			required = append(required, key)
		}
	}
	d.schemas[name] = map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	return ref
}
