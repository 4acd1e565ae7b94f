package integration

import (
	"flag"
	"slices"
	"syscall"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// sleepFor is how long TestSleepProcesses lets machines sleep: longer than a
// connection lives without a sign of the other side, which is 40 seconds.
var sleepFor = flag.Duration("sleep", 45*time.Second, "let nodes sleep for so long")

// signal sends a signal to the present life of a process.
func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.run.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// TestSleepProcesses stops real processes for as long as a short sleep, and lets them go
// on: who is awake says within seconds that nobody answers, and leaves mail at the
// relay; who wakes up has it at once, and is connected again with the next message. Then
// the sender and the relay sleep at once. A process that is stopped is no machine that
// sleeps: its clocks and its network go on. That is TestSleep, in virtual time.
func TestSleepProcesses(t *testing.T) {
	t.Parallel() // it waits
	relay := relayProcess(t)
	alice, bob := nodeProcess(t, "alice", relay), nodeProcess(t, "bob", relay)
	befriend(t, alice, bob)
	say := func(from *process, to, text, wait string) localapi.Delivery {
		t.Helper()
		d, err := from.send(to, text, "--wait", wait, "--timeout", "2m")
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		return d
	}
	say(alice, "bob", "good night", "delivered")

	bob.signal(t, syscall.SIGSTOP)
	slept := time.Now()
	say(alice, "bob", "good morning", "stored")
	eventually(t, "alice knows that bob does not answer", func() bool {
		return alice.status(t).Peers[0].Path == localapi.PathNone
	})
	noticed := time.Since(slept)
	time.Sleep(*sleepFor - min(*sleepFor, noticed))
	bob.signal(t, syscall.SIGCONT)
	woke := time.Now()
	eventually(t, "bob has his mail", func() bool { return bob.has("alice", "good morning") })
	t.Logf("noticed after %v; mail %v after waking up", noticed, time.Since(woke))
	say(bob, "alice", "thanks", "delivered")
	t.Logf("answered %v after waking up", time.Since(woke))

	for _, p := range []*process{alice, relay} {
		p.signal(t, syscall.SIGSTOP)
	}
	if _, err := bob.send("alice", "and you?"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(*sleepFor)
	for _, p := range []*process{relay, alice} {
		p.signal(t, syscall.SIGCONT)
	}
	woke = time.Now()
	eventually(t, "alice has what bob wrote", func() bool { return alice.has("bob", "and you?") })
	say(alice, "bob", "me too", "delivered")
	t.Logf("the sender and the relay slept: delivered %v after they woke up", time.Since(woke))
	want := []string{"good night", "good morning", "thanks", "and you?", "me too"}
	for p, with := range map[*process]string{alice: "bob", bob: "alice"} {
		if got := p.shown(t, with); !slices.Equal(got, want) {
			t.Errorf("%s was shown %q, want %q", p.name, got, want)
		}
	}
}

// shown are the texts of a conversation.
func (p *process) shown(t *testing.T, with string) (texts []string) {
	t.Helper()
	all, err := p.history(with)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		texts = append(texts, m.Text)
	}
	return texts
}

// has reports whether a text is in a conversation.
func (p *process) has(with, text string) bool {
	all, err := p.history(with)
	return err == nil && slices.ContainsFunc(all, func(m localapi.Message) bool { return m.Text == text })
}
