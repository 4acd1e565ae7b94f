package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

const (
	// chatGoal is the goal for a start of the chat beside a node that runs.
	chatGoal = 300 * time.Millisecond
	// chatPatience is how long a chat may take before it is given up.
	chatPatience = 30 * time.Second
)

// chat times a chat at a terminal, from exec until its prompt names who is
// written to and the greeting is above it.
func (m *measurement) chat(ctx context.Context) error {
	a, err := m.node(ctx, "ada")
	if err != nil {
		return err
	}
	defer a.end()
	b, err := m.node(ctx, "bea")
	if err != nil {
		return err
	}
	defer b.end()
	if _, err := acquaint(ctx, a, b); err != nil {
		return err
	}
	var times []time.Duration
	for range starts {
		took, err := m.openChat(ctx, a.home, "bea>", "Writing to bea")
		if err != nil {
			return fmt.Errorf("chat: %w", err)
		}
		times = append(times, took)
	}
	m.against("start of a chat beside a running node, to its prompt and greeting, p50", quantile(times, 0.5), "goal", chatGoal)
	m.against(fmt.Sprintf("the same, slowest of %d", starts), quantile(times, 1), "goal", chatGoal)
	return nil
}

// openChat runs a chat at a terminal until some texts are seen.
func (m *measurement) openChat(ctx context.Context, home string, texts ...string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, chatPatience)
	defer cancel()
	master, slave, err := openTerminal()
	if err != nil {
		return 0, err
	}
	defer master.Close()
	cmd := exec.CommandContext(ctx, m.bin, "chat", "--home", home)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8")
	began := time.Now()
	err = cmd.Start()
	slave.Close()
	if err != nil {
		return 0, err
	}
	took, err := awaitTexts(master, texts, began)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err == nil {
		_, _ = io.Copy(io.Discard, master) // until it has ended: it may wait for who reads
	}
	_ = cmd.Wait()
	return took, err
}

// awaitTexts reads what a program draws until some texts are in it.
func awaitTexts(terminal io.Reader, texts []string, began time.Time) (time.Duration, error) {
	var seen []byte
	for b := make([]byte, 4096); ; {
		n, err := terminal.Read(b)
		seen = append(seen, b[:n]...)
		if !slices.ContainsFunc(texts, func(text string) bool { return !bytes.Contains(seen, []byte(text)) }) {
			return time.Since(began), nil
		}
		if err != nil {
			return 0, fmt.Errorf("not all of %q in %q: %w", texts, seen, err)
		}
	}
}
