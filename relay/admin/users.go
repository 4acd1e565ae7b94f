package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"quicnprotochat/relay/accounts"
	"quicnprotochat/relay/store"
	"quicnprotochat/transport"
)

// MaxInvites bounds the invites of one call.
const MaxInvites = 1000

// User is one account.
type User struct {
	Name string `json:"name"`
	// Identity is the key that the owner named, as a peer id; it is proved if Bound
	// is true.
	Identity string `json:"identity"`
	Bound    bool   `json:"bound"`
	Created  string `json:"created"`
	Banned   bool   `json:"banned"`
}

// Invite is an open invite.
type Invite struct {
	ID string `json:"id"`
	// Code is what a person gives at registration, once; it is known only when the
	// invite is made.
	Code    string `json:"code,omitempty"`
	Note    string `json:"note"`
	Created string `json:"created"`
	Expires string `json:"expires"`
}

func userOf(u accounts.User) User {
	return User{Name: u.Name, Identity: transport.Key(u.Identity).String(), Bound: u.Bound, Created: u.Created.UTC().Format(timeLayout), Banned: u.Banned}
}

func inviteOf(i accounts.Invite, code string) Invite {
	return Invite{ID: i.ID, Code: code, Note: i.Note, Created: i.Created.UTC().Format(timeLayout), Expires: i.Expires.UTC().Format(timeLayout)}
}

// list is an answer that is a list, all of it.
type list[T any] struct {
	List []T `json:"list"`
}

func usersOf(ctx context.Context, op accounts.Operator) (l list[User], err error) {
	l.List = []User{}
	return l, op.Users(ctx, func(u accounts.User) error { l.List = append(l.List, userOf(u)); return nil })
}

func invitesOf(ctx context.Context, op accounts.Operator) (l list[Invite], err error) {
	l.List = []Invite{}
	all, err := op.Invites(ctx)
	for _, i := range all {
		l.List = append(l.List, inviteOf(i, ""))
	}
	return l, err
}

func invite(ctx context.Context, op accounts.Operator, count int, lasts time.Duration, note string) (l list[Invite], err error) {
	l.List = []Invite{}
	if count < 1 || count > MaxInvites {
		return l, accounts.ErrBounds
	}
	for range count {
		code, i, err := op.Invite(ctx, lasts, note)
		if err != nil {
			return l, err
		}
		l.List = append(l.List, inviteOf(i, code))
	}
	return l, nil
}

// Users returns all accounts.
func (o *Operator) Users(ctx context.Context) ([]User, error) {
	var l list[User]
	err := o.users(ctx, http.MethodGet, "/v1/users", &l, func(op accounts.Operator) (err error) {
		l, err = usersOf(ctx, op)
		return err
	})
	return l.List, err
}

// RemoveUser removes the account of a name, and all that is kept for its identity.
// accounts.ErrNoUser if there is none.
func (o *Operator) RemoveUser(ctx context.Context, name string) error {
	return o.users(ctx, http.MethodDelete, "/v1/users/"+url.PathEscape(name), &struct{}{}, func(op accounts.Operator) error {
		return op.Remove(ctx, name)
	})
}

// Ban keeps the account of a name out, or lets it in again. accounts.ErrNoUser if
// there is none.
func (o *Operator) Ban(ctx context.Context, name string, ban bool) error {
	path := "/v1/users/" + url.PathEscape(name) + "/ban"
	method := http.MethodPut
	if !ban {
		method = http.MethodDelete
	}
	return o.users(ctx, method, path, &struct{}{}, func(op accounts.Operator) error { return op.Ban(ctx, name, ban) })
}

// Invite makes invites, of at most MaxInvites accounts, one each. A lasts of 0 means
// accounts.DefaultInviteLife. accounts.ErrBounds if it cannot be.
func (o *Operator) Invite(ctx context.Context, count int, lasts time.Duration, note string) ([]Invite, error) {
	var l list[Invite]
	q := url.Values{"count": {strconv.Itoa(count)}, "lasts": {lasts.String()}, "note": {note}}
	err := o.users(ctx, http.MethodPost, "/v1/invites?"+q.Encode(), &l, func(op accounts.Operator) (err error) {
		l, err = invite(ctx, op, count, lasts, note)
		return err
	})
	return l.List, err
}

// Invites returns the open invites, without their codes.
func (o *Operator) Invites(ctx context.Context) ([]Invite, error) {
	var l list[Invite]
	err := o.users(ctx, http.MethodGet, "/v1/invites", &l, func(op accounts.Operator) (err error) {
		l, err = invitesOf(ctx, op)
		return err
	})
	return l.List, err
}

// Revoke removes an open invite, by its code or the beginning of its ID.
// accounts.ErrInvite if there is none, or more than one.
func (o *Operator) Revoke(ctx context.Context, which string) error {
	return o.users(ctx, http.MethodDelete, "/v1/invites/"+url.PathEscape(which), &struct{}{}, func(op accounts.Operator) error {
		return op.Revoke(ctx, which)
	})
}

// users asks the relay that runs, or does it with the store of one that does not.
func (o *Operator) users(ctx context.Context, method, path string, answer any, do func(accounts.Operator) error) error {
	if o.running {
		ctx, cancel := context.WithTimeout(ctx, answerTimeout)
		defer cancel()
		return o.call(ctx, method, path, answer)
	}
	s, err := store.Open(store.Config{Path: o.store()})
	if err != nil {
		return err
	}
	writer, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- s.Run(writer) }()
	err = do(accounts.Operator{Storage: s, Now: time.Now})
	stop()
	return errors.Join(err, <-done, s.Close())
}

// routeUsers adds what the server answers about users.
func (s *Server) routeUsers(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/users", func(w http.ResponseWriter, r *http.Request) {
		l, err := usersOf(r.Context(), s.relay.Operator())
		s.result(w, l, err)
	})
	mux.HandleFunc("DELETE /v1/users/{name}", func(w http.ResponseWriter, r *http.Request) {
		s.result(w, struct{}{}, s.relay.Operator().Remove(r.Context(), r.PathValue("name")))
	})
	mux.HandleFunc("PUT /v1/users/{name}/ban", func(w http.ResponseWriter, r *http.Request) {
		s.result(w, struct{}{}, s.relay.Operator().Ban(r.Context(), r.PathValue("name"), true))
	})
	mux.HandleFunc("DELETE /v1/users/{name}/ban", func(w http.ResponseWriter, r *http.Request) {
		s.result(w, struct{}{}, s.relay.Operator().Ban(r.Context(), r.PathValue("name"), false))
	})
	mux.HandleFunc("GET /v1/invites", func(w http.ResponseWriter, r *http.Request) {
		l, err := invitesOf(r.Context(), s.relay.Operator())
		s.result(w, l, err)
	})
	mux.HandleFunc("POST /v1/invites", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		count, err := strconv.Atoi(q.Get("count"))
		lasts, err2 := time.ParseDuration(q.Get("lasts"))
		if errors.Join(err, err2) != nil {
			s.result(w, nil, accounts.ErrBounds)
			return
		}
		l, err := invite(r.Context(), s.relay.Operator(), count, lasts, q.Get("note"))
		s.result(w, l, err)
	})
	mux.HandleFunc("DELETE /v1/invites/{id}", func(w http.ResponseWriter, r *http.Request) {
		s.result(w, struct{}{}, s.relay.Operator().Revoke(r.Context(), r.PathValue("id")))
	})
}

// known are the errors that mean the same on both sides of the socket, by status.
var known = map[int]error{http.StatusNotFound: accounts.ErrNoUser, http.StatusGone: accounts.ErrInvite, http.StatusBadRequest: accounts.ErrBounds}

func (s *Server) result(w http.ResponseWriter, v any, err error) {
	if err == nil {
		s.answer(w, v)
		return
	}
	for status, is := range known {
		if errors.Is(err, is) {
			s.refuse(w, status, err)
			return
		}
	}
	s.refuse(w, http.StatusInternalServerError, err)
}
