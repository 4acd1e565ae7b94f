package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"regexp"
	"sync/atomic"
)

// redactor is a slog.Handler that keeps identities and addresses of others out of
// the log: of an identity the end is left, enough to tell two of them apart; of an
// address nothing, unless addresses says so.
type redactor struct {
	slog.Handler
	addresses *atomic.Bool
}

// Handle implements slog.Handler.
func (h *redactor) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, h.text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.attr(a))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (h *redactor) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.attr(a)
	}
	return &redactor{h.Handler.WithAttrs(clean), h.addresses}
}

// WithGroup implements slog.Handler.
func (h *redactor) WithGroup(name string) slog.Handler {
	return &redactor{h.Handler.WithGroup(name), h.addresses}
}

func (h *redactor) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, h.text(v.String()))
	case slog.KindAny:
		return slog.String(a.Key, h.text(fmt.Sprint(v.Any())))
	case slog.KindGroup:
		var inner []any
		for _, in := range v.Group() {
			inner = append(inner, h.attr(in))
		}
		return slog.Group(a.Key, inner...)
	}
	return a
}

var (
	identityText = regexp.MustCompile(`(12D3Koo|Qm|[0-9a-fA-F]{20})[1-9A-Za-z0]{20,}`)
	addressText  = regexp.MustCompile(`[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*`)
)

// shownEnd is how much of an identity is left.
const shownEnd = 6

func (h *redactor) text(s string) string {
	s = identityText.ReplaceAllStringFunc(s, func(id string) string { return "…" + id[len(id)-shownEnd:] })
	if h.addresses.Load() {
		return s
	}
	return addressText.ReplaceAllStringFunc(s, func(at string) string {
		if _, err := netip.ParseAddr(at); err != nil {
			return at
		}
		return "[address]"
	})
}
