package account

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"sync"
	"testing"

	"quicnprotochat/rpc"
)

// cheap keeps tests short; what it costs changes nothing else.
var cheap = Stretch{Time: 1, Memory: 8, Threads: 1}

func newServer(t testing.TB) *Server {
	t.Helper()
	s, err := NewServer(NewServerKeys())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newClient(t testing.TB) *Client {
	t.Helper()
	c, err := NewClient(cheap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func register(t testing.TB, s *Server, name, password string) []byte {
	t.Helper()
	c := newClient(t)
	request, err := c.Register([]byte(password))
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.Register(name, request)
	if err != nil {
		t.Fatal(err)
	}
	upload, err := c.FinishRegister(response)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CheckRecord(upload); err != nil {
		t.Fatal(err)
	}
	return upload
}

// login reports what the client and the server make of it.
func login(t testing.TB, s *Server, name string, record []byte, password string) (ok bool, err error) {
	t.Helper()
	c := newClient(t)
	ke1, err := c.Login([]byte(password))
	if err != nil {
		t.Fatal(err)
	}
	ke2, expected, err := s.Login(name, record, ke1)
	if err != nil {
		t.Fatal(err)
	}
	ke3, err := c.FinishLogin(ke2)
	return bytes.Equal(ke3, expected), err
}

func TestLogin(t *testing.T) {
	keys := NewServerKeys()
	s, err := NewServer(keys)
	if err != nil {
		t.Fatal(err)
	}
	record := register(t, s, "anna", "correct horse")
	if len(record) != RecordSize {
		t.Errorf("record of %d bytes", len(record))
	}
	again, err := NewServer(keys) // after a restart
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := login(t, again, "anna", record, "correct horse"); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	other := newServer(t)
	for name, try := range map[string]func() (bool, error){
		"wrong password": func() (bool, error) { return login(t, s, "anna", record, "correct house") },
		"unknown name":   func() (bool, error) { return login(t, s, "bob", nil, "correct horse") },
		"record of another name": func() (bool, error) {
			return login(t, s, "bob", record, "correct horse")
		},
		"other keys": func() (bool, error) { return login(t, other, "anna", record, "correct horse") },
	} {
		if ok, err := try(); ok || !errors.Is(err, ErrPassword) {
			t.Errorf("%s: got %v, %v, want %v", name, ok, err, ErrPassword)
		}
	}
}

// An answer for somebody unknown looks like one for somebody known.
func TestUnknownLooksKnown(t *testing.T) {
	s := newServer(t)
	record := register(t, s, "anna", "pw")
	ke1, err := newClient(t).Login([]byte("pw"))
	if err != nil {
		t.Fatal(err)
	}
	known, _, err := s.Login("anna", record, ke1)
	if err != nil {
		t.Fatal(err)
	}
	one, _, err := s.Login("bob", nil, ke1)
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := s.Login("bob", nil, ke1)
	if err != nil {
		t.Fatal(err)
	}
	// The evaluated element depends on the name alone, all behind it is fresh.
	const element = 32
	if len(known) != len(one) || !bytes.Equal(one[:element], two[:element]) || bytes.Equal(one[element:], two[element:]) {
		t.Errorf("got %x, %x and %x", known, one, two)
	}
}

// A server answers many at once.
func TestServerConcurrently(t *testing.T) {
	s := newServer(t)
	record := register(t, s, "anna", "pw")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 4 {
				if ok, err := login(t, s, "anna", record, "pw"); !ok || err != nil {
					t.Errorf("got %v, %v", ok, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestMalformed(t *testing.T) {
	s, c := newServer(t), newClient(t)
	if _, err := c.Register([]byte("pw")); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 31, 32, 64, 95, 96, 191, 192, 320, 4096} {
		for _, fill := range []byte{0, 0xff} {
			b := bytes.Repeat([]byte{fill}, n)
			_, err1 := s.Register("anna", b)
			_, _, err2 := s.Login("anna", nil, b)
			_, err3 := NewServer(b)
			_, err4 := c.FinishRegister(b)
			_, err5 := c.FinishLogin(b)
			for i, err := range []error{err1, err2, err3, err4, err5} {
				if !errors.Is(err, ErrMalformed) {
					t.Errorf("%d bytes of %x, %d: got %v", n, fill, i, err)
				}
			}
			if err := s.CheckRecord(b); n != RecordSize && !errors.Is(err, ErrMalformed) {
				t.Errorf("record of %d bytes: got %v", n, err)
			}
		}
	}
}

func TestStretch(t *testing.T) {
	want := DefaultStretch()
	if got, err := ParseStretch(want.Encode()); err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []Stretch{{}, {0, 64, 1}, {1, 7, 1}, {1, 1<<20 + 1, 1}, {65, 64, 1}, {1, 64, 0}, {1, 1 << 20, 65}} {
		if _, err := ParseStretch(bad.Encode()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%v: got %v", bad, err)
		}
	}
	if _, err := ParseStretch(nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

func TestBinding(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	id, relay := rpc.Identity(public), rpc.Identity{1}
	record := bytes.Repeat([]byte{7}, RecordSize)
	signature := ed25519.Sign(private, append([]byte(BindDomain), BindMessage(relay, "anna", record)...))
	u, err := ParseUpload(append(bytes.Clone(record), signature...))
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Repeat([]byte{8}, RecordSize)
	for name, got := range map[string]bool{
		"another key":    u.Binds(rpc.Identity{2}, relay, "anna"),
		"another relay":  u.Binds(id, rpc.Identity{2}, "anna"),
		"another name":   u.Binds(id, relay, "Anna"),
		"another record": Upload{other, signature}.Binds(id, relay, "anna"),
		"no signature":   Upload{Record: record}.Binds(id, relay, "anna"),
	} {
		if got {
			t.Errorf("%s: the signature binds", name)
		}
	}
	if !u.Binds(id, relay, "anna") {
		t.Error("the signature does not bind")
	}
	for _, n := range []int{0, RecordSize - 1, RecordSize + 1, SignedUploadSize + 1} {
		if _, err := ParseUpload(make([]byte, n)); !errors.Is(err, ErrMalformed) {
			t.Errorf("upload of %d bytes: got %v", n, err)
		}
	}
}

// FuzzServer gives a server and a client what the other side could send.
func FuzzServer(f *testing.F) {
	s := newServer(f)
	record := register(f, s, "anna", "pw")
	ke1, err := newClient(f).Login([]byte("pw"))
	if err != nil {
		f.Fatal(err)
	}
	ke2, ke3, err := s.Login("anna", record, ke1)
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range [][]byte{record, ke1, ke2, ke3, DefaultStretch().Encode(), ke1[:32], append(bytes.Clone(record), make([]byte, 64)...)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if response, err := s.Register("anna", b); err == nil && len(response) != 64 {
			t.Errorf("response of %d bytes", len(response))
		}
		if ke2, _, err := s.Login("anna", record, b); err == nil && len(ke2) != 320 {
			t.Errorf("KE2 of %d bytes", len(ke2))
		}
		if u, err := ParseUpload(b); err == nil && s.CheckRecord(u.Record) == nil {
			if _, _, err := s.Login("anna", u.Record, ke1); err != nil && !errors.Is(err, ErrMalformed) {
				t.Logf("a record that is taken and not served: %v", err)
			}
		}
		if costs, err := ParseStretch(b); err == nil && !bytes.Equal(costs.Encode(), b) {
			t.Errorf("costs %+v of %x", costs, b)
		}
		c := newClient(t)
		if _, err := c.Login([]byte("pw")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.FinishLogin(b); err == nil {
			t.Error("an answer that is not for this login")
		}
	})
}

func BenchmarkServer(b *testing.B) {
	s := newServer(b)
	record := register(b, s, "anna", "pw")
	request, err := newClient(b).Register([]byte("pw"))
	if err != nil {
		b.Fatal(err)
	}
	ke1, err := newClient(b).Login([]byte("pw"))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("register", func(b *testing.B) {
		for b.Loop() {
			_, _ = s.Register("anna", request)
		}
	})
	for name, r := range map[string][]byte{"known": record, "unknown": nil} {
		b.Run("login/"+name, func(b *testing.B) {
			for b.Loop() {
				_, _, _ = s.Login("anna", r, ke1)
			}
		})
	}
}
