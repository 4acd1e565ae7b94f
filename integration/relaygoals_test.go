package integration

import (
	"fmt"
	"strings"
)

// goal is a ratio that BenchmarkRelay reports, of the figures of one round each.
type goal struct {
	name  string
	bound string // what it should be
	of    func(figure func(string) float64) float64
}

// relayGoals are what the relay should reach.
var relayGoals = []goal{
	{"256clients/bound", "≥ 0.6", func(f func(string) float64) float64 {
		return f("relay, 256 clients, deposits/s") / min(f("no store, 256 clients, deposits/s"), f("store alone, 256 clients, deposits/s"))
	}},
	{"256clients/jetstream-always", "≥ 4", func(f func(string) float64) float64 {
		return f("relay, 256 clients, deposits/s") / f("nats, always, 256 clients, deposits/s")
	}},
	{"1client-p50/bound", "≤ 1.5", func(f func(string) float64) float64 {
		return f("relay, 1 client, p50, µs") / (f("bare round trip, µs") + f("store alone, 1 client, p50, µs"))
	}},
	// Each wakes up what the other left asleep, which costs on a machine with little
	// to do.
	{"1client-p50/bound-in-turn", "as above", func(f func(string) float64) float64 {
		return f("relay, 1 client, p50, µs") / f("bare round trip and then a commit, µs")
	}},
	{"batches/deposits", "≥ 3", func(f func(string) float64) float64 {
		return f("relay, batches, 256 clients, deposits/s") / f("relay, 256 clients, deposits/s")
	}},
	{"wakeup-without-commit/roundtrip", "≤ 3", func(f func(string) float64) float64 {
		return (f("after a pause: wake-up, µs") - f("after a pause: commit, µs")) / f("after a pause: bare round trip, µs")
	}},
	{"idleclient-KiB", "≤ 140, better 100", func(f func(string) float64) float64 { return f("idle client, KiB") }},
}

// report prints the table and reports the ratios: medians over the rounds.
func (m *relayBench) report() {
	var table strings.Builder
	for _, name := range m.names {
		fmt.Fprintf(&table, "\n%-45s %8.0f", name, median(m.series[name]))
	}
	for _, g := range relayGoals {
		var ratios []float64
		for round := range *relayRounds {
			ratios = append(ratios, g.of(func(name string) float64 {
				s := m.series[name]
				if s == nil {
					m.Fatalf("no figure %q", name)
				}
				return s[min(round, len(s)-1)]
			}))
		}
		v := median(ratios)
		m.ReportMetric(v, g.name)
		fmt.Fprintf(&table, "\n%-45s %8.2f   goal %s", g.name, v, g.bound)
	}
	fmt.Println(table.String()) // a log of a benchmark is cut off after ten lines
}
