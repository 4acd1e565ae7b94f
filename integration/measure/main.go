package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"time"
)

var (
	onlyGroups    = flag.Bool("groups", false, "measure groups of 2, 10 and 100 nodes in this process instead")
	onlyLarge     = flag.Bool("large", false, "measure a home with much in it instead")
	largeMessages = flag.Int("large.messages", 1_000_000, "how many `messages` that home has")
	largeTime     = flag.Duration("large.time", 20*time.Minute, "how long that may take in all")
	keyMembers    = flag.Int("members", 0, "measure a group of 16 nodes and so many `members` that are keys alone instead")
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

// bounds are what the machine gives without us.
type bounds struct {
	roundTrip time.Duration // of 1 KiB over an open QUIC stream on loopback
	dial      time.Duration // of another key on loopback, with the first bytes there and back
	sync      time.Duration // one appended and synced write of 4 KiB
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "qpc-measure-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if *onlyGroups {
		fmt.Printf("| what | measured | bound | ratio |\n|---|---|---|---|\n")
		return (&measurement{dir: dir}).groups(ctx)
	}
	m := &measurement{dir: dir, bin: filepath.Join(dir, "qpc")}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", m.bin, "./cmd/qpc")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build qpc (run this in the project's root): %w", err)
	}
	if *keyMembers > 0 {
		fmt.Printf("| what | measured | bound | ratio |\n|---|---|---|---|\n")
		return m.keyGroup(ctx, *keyMembers)
	}
	if *onlyLarge {
		fmt.Printf("| what | measured | bound | ratio |\n|---|---|---|---|\n")
		return m.large(ctx)
	}
	if m.bounds, err = measureBounds(ctx, dir); err != nil {
		return err
	}
	fmt.Printf("| what | measured | bound | ratio |\n|---|---|---|---|\n")
	m.row("bare QUIC stream, round trip of 1 KiB, p50", show(m.roundTrip), "–", "–")
	m.row("dial by key, until the other side answers on a stream, p50", show(m.dial), "–", "–")
	m.row("disk, synced write of 4 KiB, p50", show(m.sync), "–", "–")
	for _, step := range []func(context.Context) error{m.size, m.start, m.chat, m.lan, m.messages, m.fallback} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// measurement is the state of one run.
type measurement struct {
	bounds
	dir, bin string
}

func (m *measurement) row(cells ...any) {
	fmt.Printf("| %v | %v | %v | %v |\n", cells...)
}

// against prints a duration beside a bound.
func (m *measurement) against(what string, got time.Duration, boundName string, bound time.Duration) {
	m.row(what, show(got), fmt.Sprintf("%s = %s", boundName, show(bound)), fmt.Sprintf("%.1f", float64(got)/float64(bound)))
}

func show(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

// quantile returns the q-th part of the sorted times, q from 0 to 1.
func quantile(times []time.Duration, q float64) time.Duration {
	slices.Sort(times)
	return times[min(int(q*float64(len(times))), len(times)-1)]
}
