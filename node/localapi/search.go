package localapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

const (
	// searchLimit is how many lines a search brings if it says no limit, searchMost
	// the most that it may.
	searchLimit = 50
	searchMost  = 1000
	maxWords    = 1024 // bytes of what is searched for
)

func (s *Server) search(_ http.ResponseWriter, r *http.Request) (any, error) {
	q := r.URL.Query()
	if err := checkArgument("what to search for", q.Get("words"), maxWords); err != nil {
		return nil, err
	}
	contact := q.Get("contact")
	if contact != "" {
		if err := checkArgument("the contact", contact, maxContact); err != nil {
			return nil, err
		}
	}
	limit, err := parseLimit(q.Get("limit"))
	if err != nil {
		return nil, err
	}
	if limit == 0 {
		limit = searchLimit
	}
	found, err := s.cfg.Messages.Search(r.Context(), q.Get("words"), contact, min(limit, searchMost))
	return present(found), err
}

// Search finds messages with all of some words, in one conversation or with "" in all:
// the newest first, 50 for a limit of 0.
func (c *Client) Search(ctx context.Context, words, contact string, limit int) (found []Message, err error) {
	q := url.Values{"words": {words}, "contact": {contact}, "limit": {strconv.Itoa(limit)}}
	return found, c.call(ctx, http.MethodGet, "/v1/search?"+q.Encode(), nil, &found)
}
