package cli

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

// stopTime is how long a node or relay may take to end: less than the five
// seconds that were promised. What is stored needs no good end.
const stopTime = 4500 * time.Millisecond

// While runs a service for as long as do runs, which gets what the service says
// when it is ready. The first error is the result. A service that does not end
// in stopTime is left: the process ends now.
func While[R any](ctx context.Context, service func(context.Context) error, ready <-chan R, do func(context.Context, R) error) error {
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	beside.Go(func() { limitMemory(ctx) })
	ended := make(chan error, 1)
	go func() {
		err := service(ctx)
		cancel()
		ended <- err
	}()
	var err error
	select {
	case r := <-ready:
		err = do(ctx, r)
	case <-ctx.Done():
	}
	cancel()
	select {
	case last := <-ended:
		if last != nil {
			return last
		}
	case <-time.After(stopTime):
	}
	return err
}

// UnitWord writes a word so that systemd takes it as one, as it is
// (systemd.service(5), command lines; systemd.unit(5), specifiers).
func UnitWord(word string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`, "\n", `\n`).Replace(word) + `"`
}

// logFlag says how much is logged to stderr.
type logFlag struct{ level string }

func (f *logFlag) add(cmd *cobra.Command, level string) {
	cmd.Flags().StringVar(&f.level, "log", level, "log to stderr from this `LEVEL` on: debug, info, warn or error")
	Choices(cmd, "log", "debug", "info", "warn", "error")
}

// logger logs as text, or as JSON with --json.
func (a *App) logger(cmd *cobra.Command, f logFlag) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.level)); err != nil {
		return nil, Misused(cmd, "--log is debug, info, warn or error")
	}
	return a.LoggerFrom(level), nil
}

// LoggerFrom logs what is of a level or above.
func (a *App) LoggerFrom(level slog.Leveler) *slog.Logger {
	return slog.New(limitLog(logHandler(a.Stderr, a.JSON, &slog.HandlerOptions{Level: level})))
}

func logHandler(w io.Writer, json bool, opts *slog.HandlerOptions) slog.Handler {
	if json {
		return slog.NewJSONHandler(w, opts)
	}
	return slog.NewTextHandler(w, opts)
}
