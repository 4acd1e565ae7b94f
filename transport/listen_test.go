package transport

import (
	"testing"
	"time"
)

func TestSlept(t *testing.T) {
	for _, c := range []struct {
		awake, wall time.Duration
		want        bool
	}{
		{addrsInterval, addrsInterval, false},
		{time.Minute, time.Minute, false},            // a busy machine
		{addrsInterval, addrsInterval + 10e9, false}, // the clock was corrected
		{addrsInterval, 8 * time.Hour, true},         // a night
		{addrsInterval, -time.Hour, false},           // the clock was put back
		{addrsInterval, addrsInterval + 20e9, true},  // a nap
	} {
		if got := slept(c.awake, c.wall); got != c.want {
			t.Errorf("awake %v of %v: got %v", c.awake, c.wall, got)
		}
	}
}
