package integration

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// The long form, which takes hours:
//
//	go test ./integration -run 'TestSim$' -timeout 24h -sim.seeds 2000
//
// A seed that failed, again:
//
//	go test ./integration -run 'TestSim$' -sim.seed 17 -sim.repeat 20
var (
	simSeeds  = flag.Uint64("sim.seeds", 0, "how many seeds TestSim runs; 0 means 30, or one if -sim.seed is given")
	simSeed   = flag.Uint64("sim.seed", 0, "the first seed of TestSim")
	simRepeat = flag.Int("sim.repeat", 1, "how often TestSim runs each seed")
	simFirst  = flag.Bool("sim.first", false, "TestSim ends at the first seed that fails")
	simOut    = flag.String("sim.out", "", "folder for a report of each seed; empty means for those that failed, among the system's temporary files")
	simDebug  = flag.Bool("sim.debug", false, "debug messages are in the reports as well")
)

// TestSim lets real nodes and relays live through what a seed plans for them.
func TestSim(t *testing.T) {
	seeds := *simSeeds
	switch {
	case seeds != 0:
	case *simSeed != 0:
		seeds = 1
	default:
		seeds = 30
	}
	var failed atomic.Bool
	for seed := *simSeed; seed < *simSeed+seeds; seed++ {
		for try := range *simRepeat {
			name := fmt.Sprint(seed)
			if *simRepeat > 1 {
				name += fmt.Sprintf("/%d", try)
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if *simFirst && failed.Load() {
					t.SkipNow()
				}
				defer func() {
					if t.Failed() {
						failed.Store(true)
					}
				}()
				simSeedOnce(t, newPlan(seed))
			})
		}
	}
}

// simSeedOnce lets one plan happen.
func simSeedOnce(t *testing.T, p *plan) {
	simulate(t, func(w *world) {
		s := newSimulation(w, p)
		defer func() {
			switch {
			case len(s.problems) > 0 || t.Failed():
				t.Errorf("seed %d:\n\t%s\nreport: %s", p.seed, strings.Join(s.problems, "\n\t"), s.report())
			case *simOut != "" && !*simFirst:
				t.Logf("seed %d: report: %s", p.seed, s.report())
			}
		}()
		s.run()
	})
}

// report writes what happened to a file and returns its path.
func (s *simulation) report() string {
	dir := *simOut
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "qpc-sim")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err.Error()
	}
	f, err := os.CreateTemp(dir, fmt.Sprintf("seed%d-*.txt", s.plan.seed))
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	fmt.Fprintf(f, "%s\nfound:\n", s.plan)
	for _, p := range s.problems {
		fmt.Fprintf(f, "\t%s\n", p)
	}
	s.traces.write(f)
	return f.Name()
}
