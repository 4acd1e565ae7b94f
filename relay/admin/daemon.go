package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sync/errgroup"

	"quicnprotochat/relay"
	"quicnprotochat/relay/metrics"
	"quicnprotochat/relay/settings"
	"quicnprotochat/rpc"
)

// Config says how a Daemon is made. All fields are required but Reload.
type Config struct {
	// Dir is the home of the relay.
	Dir string
	// Load reads the settings, at the beginning and again at each Reload.
	Load func() (settings.Config, error)
	// Log is where the log goes; identities and addresses are taken out before.
	Log slog.Handler
	// Level gets the level of the log from the settings.
	Level *slog.LevelVar
	// Reload gets a value when the settings are to be read again.
	Reload <-chan os.Signal
}

// Daemon is a relay with all that its operator needs beside it: the socket, the
// metrics, the audit log, and word to the service manager.
type Daemon struct {
	cfg       Config
	chosen    settings.Config // used by New and Run alone
	addresses atomic.Bool
	log       *slog.Logger
	relay     *relay.Relay
	operators *Server
	metrics   *metrics.Server // nil if there are none
	audit     *audit          // nil if there is none
}

// New reads the settings and opens the home, the store and all ports. The errors
// are those of settings.Load, relay.New and metrics.Listen, and others. Run must
// follow.
func New(cfg Config) (*Daemon, error) {
	chosen, err := cfg.Load()
	if err != nil {
		return nil, err
	}
	d := &Daemon{cfg: cfg, chosen: chosen}
	d.log = slog.New(&redactor{cfg.Log, &d.addresses})
	d.applyLog(chosen)
	if chosen.Audit != "" {
		if d.audit, err = newAudit(chosen.Audit); err != nil {
			return nil, err
		}
	}
	m := metrics.New()
	rc := chosen.Relay
	rc.Dir, rc.Log, rc.OnCommit = cfg.Dir, d.log, m.Commit
	rc.OnCall = func(c rpc.Call) {
		m.Call(c)
		if d.audit != nil {
			d.audit.call(c)
		}
	}
	if d.relay, err = relay.New(rc); err != nil {
		return nil, err
	}
	if err := d.listen(m); err != nil {
		return nil, errors.Join(err, d.relay.Close())
	}
	return d, nil
}

// listen opens what is there for operators.
func (d *Daemon) listen(m *metrics.Metrics) (err error) {
	if d.operators, err = Listen(d.relay, d.cfg.Dir, d.log); err != nil {
		return err
	}
	if d.chosen.Metrics == "" {
		return nil
	}
	m.Watch(d.relay)
	d.metrics, err = metrics.Listen(d.chosen.Metrics, d.chosen.MetricsPublic, m, d.relay, d.log)
	if err != nil {
		return errors.Join(err, d.operators.Close())
	}
	return nil
}

func (d *Daemon) applyLog(c settings.Config) {
	d.addresses.Store(c.LogAddresses)
	d.cfg.Level.Set(c.Log)
}

// Relay is the relay that runs.
func (d *Daemon) Relay() *relay.Relay { return d.relay }

// Metrics is the address of the metrics, "" if there are none.
func (d *Daemon) Metrics() string {
	if d.metrics == nil {
		return ""
	}
	return d.metrics.Addr()
}

// Run serves until ctx ends or a part fails. Then the relay ends as relay.Relay.Run
// does, and after it the rest. It is called once.
func (d *Daemon) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	beside, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	group.Go(func() error {
		defer end()
		return d.relay.Run(ctx)
	})
	group.Go(func() error { return d.operators.Run(beside) })
	if d.metrics != nil {
		group.Go(func() error { return d.metrics.Run(beside) })
	}
	if d.audit != nil {
		group.Go(func() error { return d.audit.run(beside) })
	}
	group.Go(func() error { d.reloads(beside); return nil })
	group.Go(func() error { d.tellManager(ctx, beside); return nil })
	return group.Wait()
}

// reloads reads the settings again whenever it is asked.
func (d *Daemon) reloads(ctx context.Context) {
	for {
		select {
		case <-d.cfg.Reload:
			d.reload()
		case <-ctx.Done():
			return
		}
	}
}

// reload lets those settings take effect that can while the relay runs, and names
// those that cannot.
func (d *Daemon) reload() {
	fresh, err := d.cfg.Load()
	if err == nil {
		err = d.relay.SetLimits(fresh.Relay)
	}
	if err != nil {
		d.log.Error("settings not read again, those of before hold", "err", err)
		return
	}
	live, fixed := settings.Changed(d.chosen, fresh)
	d.applyLog(fresh)
	if d.audit != nil {
		d.audit.reopen()
	}
	// What needs a restart stays as it was, to be named again next time.
	d.chosen = settings.Merge(d.chosen, fresh)
	d.log.Info("settings read again", "changed", strings.Join(live, " "))
	if len(fixed) > 0 {
		d.log.Warn("settings that need a restart", "changed", strings.Join(fixed, " "))
	}
}

// tellManager tells a service manager that asked for it (sd_notify) that the relay
// is ready, that it is alive, as often as wanted, and that it stops.
func (d *Daemon) tellManager(ctx, beside context.Context) {
	d.tell(daemon.SdNotifyReady)
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		d.log.Warn("watchdog of the service manager", "err", err)
	}
	alive := make(<-chan time.Time)
	if every > 0 {
		ticker := time.NewTicker(every / 2)
		defer ticker.Stop()
		alive = ticker.C
	}
	for {
		select {
		case <-alive:
			if d.relay.Alive(ctx) == nil {
				d.tell(daemon.SdNotifyWatchdog)
			}
		case <-ctx.Done():
			d.tell(daemon.SdNotifyStopping)
			return
		case <-beside.Done():
			return
		}
	}
}

func (d *Daemon) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		d.log.Warn("notify the service manager", "err", fmt.Errorf("%s: %w", state, err))
	}
}
