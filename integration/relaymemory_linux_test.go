package integration

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/transport"
)

// senderName is alice's, as no program has it by itself.
const senderName = "Quittenmarmelade"

// TestRelayForgetsSender leaves a message by a link or a pass at a relay that logs and audits all
// it can, and reads its home, its logs and all of its memory: nothing names the sender.
// Without sealed senders the same search finds her, so it can. With -relay.long it
// looks again a minute later.
func TestRelayForgetsSender(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	t.Run("link", func(t *testing.T) {
		relay, alice := depositAtRelay(t, true, false)
		for _, place := range searchRelay(t, relay, alice) {
			t.Errorf("who has a link is named in %s", place)
		}
	})
	t.Run("sealed", func(t *testing.T) {
		relay, alice := depositAtRelay(t, true, true)
		for _, place := range searchRelay(t, relay, alice) {
			t.Errorf("the sender is named in %s", place)
		}
		if !*relayLong {
			return
		}
		time.Sleep(time.Minute)
		for _, place := range searchRelay(t, relay, alice) {
			t.Errorf("a minute later the sender is named in %s", place)
		}
	})
	t.Run("control", func(t *testing.T) {
		relay, alice := depositAtRelay(t, false, true)
		if found := searchRelay(t, relay, alice); !slices.ContainsFunc(found, func(s string) bool { return strings.HasPrefix(s, "memory") }) {
			t.Errorf("who deposits in her own name is found in %q alone", found)
		}
	})
}

// depositAtRelay lets a sender that the relay has never met leave a message there for
// somebody who is away, whom she has met elsewhere, or whose link she has. It returns
// the relay, in a life in which it has met nobody else, and who the sender is.
func depositAtRelay(t *testing.T, sealed, met bool) (relay *process, sender string) {
	t.Helper()
	args := append(relayArgs(), "--log", "debug", "--log-addresses", "--audit", filepath.Join(t.TempDir(), "audit.jsonl"))
	if sealed {
		args = append(args, "--allow-sealed-sender")
	}
	relay = newProcess(t, "relay", args...)
	bob := nodeProcess(t, "bob", relay)
	eventually(t, "bob's relay holds what it needs of him", func() bool {
		s := bob.status(t)
		return len(s.Relays) == 1 && s.Relays[0].Reached && s.Relays[0].Sealed == sealed
	})
	link, err := bob.invite()
	if err != nil {
		t.Fatal(err)
	}
	relay.kill() // what is to come until bob leaves is none of its business
	var alice *process
	if met {
		alice = nodeProcess(t, senderName, nil)
		meet(t, alice, bob, link)
	}
	bob.kill()
	if err := relay.start(); err != nil {
		t.Fatal(err)
	}
	if met {
		err = alice.start()
	} else {
		alice = nodeProcess(t, senderName, nil)
		err = alice.add(link)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := alice.send("bob", "two", "--wait", "stored", "--timeout", patience.String())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(d.Why, fromNobody) != sealed {
		t.Fatalf("the message is %s: %s", d.State, d.Why)
	}
	return relay, alice.line().Identity
}

// meet makes bob a contact, so that she has his passes, and stops her: before she had
// them she may have begun to call his relay in her own name.
func meet(t *testing.T, alice, bob *process, link string) {
	t.Helper()
	err := alice.add(link)
	if err == nil {
		_, err = alice.send("bob", "one", "--wait", "delivered", "--timeout", patience.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	// The answer to the introduction brought the passes.
	eventually(t, "nothing is on its way", func() bool {
		return bob.status(t).Queue.Outbox == 0 && alice.status(t).Queue.Inbox == 0
	})
	alice.kill()
}

// status is `qpc status`.
func (p *process) status(t *testing.T) (s localapi.Status) {
	t.Helper()
	if err := p.call(func(b []byte) error { return json.Unmarshal(b, &s) }, "status"); err != nil {
		t.Fatal(err)
	}
	return s
}

// searchRelay returns the places in a relay that name a sender.
func searchRelay(t *testing.T, relay *process, sender string) (found []string) {
	t.Helper()
	names := newNeedles(needlesOf(t, sender))
	search := func(place string, content []byte) {
		for what := range names.in(content) {
			found = append(found, place+": "+what)
		}
	}
	files := []string{relay.home + ".log", relay.args[slices.Index(relay.args, "--audit")+1]}
	err := filepath.WalkDir(relay.home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(content) == 0 && filepath.Ext(path) != "" && !strings.HasPrefix(path, relay.home) {
			t.Errorf("%s is empty", path)
		}
		search("file "+filepath.Base(path), content)
	}
	readMemory(t, relay.pid(), func(area string, content []byte) { search("memory "+area, content) })
	return found
}

// needlesOf returns what would name a person, in the forms in which it may be written.
func needlesOf(t *testing.T, identity string) map[string][]byte {
	t.Helper()
	key, err := transport.ParseKey(identity)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{
		"name": []byte(senderName), "peer id": []byte(identity), "key": key[:],
		"key in hex": []byte(hex.EncodeToString(key[:])), "key in capital hex": []byte(strings.ToUpper(hex.EncodeToString(key[:]))),
		"end of the peer id": []byte("…" + identity[len(identity)-6:]),
		"key in base58":      base58(key[:]),
	}
	for offset := range 3 { // of the key in what is encoded
		b := append(make([]byte, offset), key[:]...)
		for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := enc.EncodeToString(b)
			first := (offset*8 + 5) / 6 // the first character that is of the key alone
			out[fmt.Sprintf("key in %s, offset %d", name, offset)] = []byte(text[first : (offset+len(key))*8/6])
		}
	}
	return out
}

// base58 is the encoding that peer ids are written in.
func base58(b []byte) (out []byte) {
	const digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	n, rest := new(big.Int).SetBytes(b), new(big.Int)
	for n.Sign() > 0 {
		n.DivMod(n, big.NewInt(int64(len(digits))), rest)
		out = append(out, digits[rest.Int64()])
	}
	slices.Reverse(out)
	return out
}
