package integration

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"

	"quicnprotochat/node/localapi"
	"quicnprotochat/transport"
	"quicnprotochat/transport/mdns"
)

func init() { servers["shouter"] = serveShouter }

// shoutPause is the time between two rounds of a shouter, each of some packets, and
// shoutRounds how many there are at most.
const (
	shoutPause  = 10 * time.Millisecond
	shoutRounds = 12_000
)

// TestLANHostile lets a machine on the LAN shout all the while: thousands of nodes that
// do not exist, that those who do are elsewhere or gone, garbage of all kinds, and
// questions. Two who are there find each other all the same, and chat over the LAN; what
// they keep of it, and what they send because of it, is little.
func TestLANHostile(t *testing.T) {
	l := newLab(t)
	at := func(ns, addr, name string) *process {
		run := l.host(ns, addr)
		l.must("-n", l.ns(ns), "route", "add", "default", "via", "192.168.77.254")
		return newWrapped(t, run, name, "up", "--name", name)
	}
	l.host("gw", "192.168.77.254/24")
	alice, bob := at("a", "192.168.77.1/24", "alice"), at("b", "192.168.77.2/24", "bob")
	alice.hear(t, bob)
	victims := alice.line().Identity + "\n" + bob.line().Identity
	bob.kill()
	before := memoryOf(t, alice)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "victims"), []byte(victims), 0o600))
	startWrapped(t, l.host("m", "192.168.77.66/24"), "shouter", dir)
	time.Sleep(3 * time.Second)
	capture := l.capture()
	began, busy := time.Now(), alice.processor(t)
	must(t, bob.start())
	t.Logf("listed after %v and %v beside a shouter", alice.hear(t, bob), bob.hear(t, alice))
	befriend(t, alice, bob)
	d, err := alice.send("bob", "can you hear me?", "--wait", "delivered", "--timeout", "1m")
	if err != nil || d.Path != localapi.PathLAN {
		t.Errorf("got %+v, %v, want a message over the LAN", d, err)
	}
	time.Sleep(2 * time.Second)
	took, share := time.Since(began), alice.processor(t)-busy
	// The measure is what a node makes of a flood, of which each packet costs something.
	if grown := memoryOf(t, alice) - before; grown > 64<<20 {
		t.Errorf("the memory of alice has grown by %d MiB", grown>>20)
	} else {
		t.Logf("the memory of alice has grown by %d MiB; %v of the processor in %v", grown>>20, share, took)
	}
	shouted, sent := 0, 0
	for _, f := range capture.frames() {
		switch f.src.String() {
		case "192.168.77.66":
			shouted++
		case "192.168.77.1":
			sent++
			if f.dst.String() == "169.254.169.254" {
				t.Error("alice dials beyond the segment")
			}
		}
	}
	t.Logf("%d packets were shouted, alice sent %d", shouted, sent)
}

// serveShouter shouts, in the name of the victims in a file as well.
func serveShouter(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, "victims"))
	if err != nil {
		return "", err
	}
	var victims []transport.Key
	for text := range strings.Lines(string(b)) {
		k, err := transport.ParseKey(strings.TrimSpace(text))
		if err != nil {
			return "", err
		}
		victims = append(victims, k)
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{Port: 5353})
	if err != nil {
		return "", err
	}
	ifi, err := net.InterfaceByName("eth0")
	if err != nil {
		return "", err
	}
	if err := ipv4.NewPacketConn(conn).SetMulticastInterface(ifi); err != nil {
		return "", err
	}
	go func() {
		for i := range shoutRounds {
			for _, b := range shouts(i, victims) {
				_, _ = conn.WriteToUDP(b, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353})
			}
			time.Sleep(shoutPause)
		}
	}()
	return "shouter", nil
}

// shouts are the packets of a round.
func shouts(i int, victims []transport.Key) (all [][]byte) {
	add := func(b []byte, err error) {
		if err == nil {
			all = append(all, b)
		}
	}
	at := func(ip string, k transport.Key) string {
		return transport.Addr(fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", ip, 1024+i%60000)).WithKey(k)
	}
	somewhere := fmt.Sprintf("192.168.77.%d", 100+i%100)
	for range 10 {
		public, _, err := ed25519.GenerateKey(nil)
		if err == nil {
			add(mdns.Answer("x", []string{at(somewhere, transport.KeyOf(public)), at("169.254.169.254", transport.KeyOf(public))}, 180))
		}
	}
	for _, k := range victims {
		add(mdns.Answer("x", []string{at(somewhere, k)}, 180))
		add(mdns.Answer("x", []string{at(somewhere, k)}, 0))
	}
	noise := make([]byte, 180)
	_, _ = rand.Read(noise)
	add(mdns.AnswerSealed("x", noise, 180))
	add(mdns.Query())
	add(hugeTXT("dnsaddr="+at(somewhere, victims[0])), nil)
	return append(all, noise, nil)
}

// hugeTXT is an announcement as large as a packet may be, of one text again and again.
func hugeTXT(text string) []byte {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true})
	_ = b.StartAnswers()
	h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("x._qpc._udp.local."), Class: dnsmessage.ClassINET, TTL: 9}
	for range 10 {
		_ = b.TXTResource(h, dnsmessage.TXTResource{TXT: []string{text[:len(text)-1], text, text, strings.Repeat("x", 255)}})
	}
	out, _ := b.Finish()
	return out[:min(len(out), mdns.MaxPacket)]
}
