package relaycmd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/relay"
	"quicnprotochat/relay/admin"
	"quicnprotochat/relay/settings"
)

func (a *commands) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Make the home of a relay: its key, and a file of settings to edit.",
		Long: `Make the home of a relay: its key, its store, and ` + settings.FileName + `, a file that names
every setting with its default. What is there already is kept, and a relay may run
on it. It may be left out: qpc relay run makes the rest.`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.Home(cmd)
			if err != nil {
				return err
			}
			key, err := relay.Init(h.Dir)
			if err != nil {
				return relayError(h, err)
			}
			file := filepath.Join(h.Dir, settings.FileName)
			if err := settings.Create(file); err != nil {
				return relayError(h, err)
			}
			return a.Print(struct {
				Identity string `json:"identity"`
				Home     string `json:"home"`
				Settings string `json:"settings"`
			}{key.String(), h.Dir, file}, fmt.Sprintf("The relay %s has its home in %s.\nIts settings are in %s\nRun it with: qpc relay run%s", key, h.Dir, file, h.Flag))
		},
	}
}

// settingFlag is the flag of a setting. It keeps what was given in a list that
// all of them share.
type settingFlag struct {
	settings.Setting
	given *[]settings.Given
}

// Set implements pflag.Value.
func (f settingFlag) Set(value string) error {
	*f.given = append(*f.given, settings.Given{Name: f.Name, Value: value})
	return nil
}

// String implements pflag.Value.
func (f settingFlag) String() string { return "" }

// Type implements pflag.Value. It is the name of the value in help.
func (f settingFlag) Type() string {
	if f.Value == "" {
		return "bool"
	}
	return f.Value
}

func (a *commands) runCommand() *cobra.Command {
	var flags []settings.Given
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Host a relay until it is stopped.",
		Long: `Host a relay until it is stopped (Ctrl-C, or SIGTERM). It keeps sealed messages
for people who are away; it cannot read them.

Each flag is also a setting in the file ` + settings.FileName + ` of the home, which qpc relay init
writes, and a variable of the environment: --max-depth is QPC_RELAY_MAX_DEPTH. A
flag wins over a variable, and that over the file. SIZE is a number of bytes, or one
with KiB, MiB or GiB.

Programs that do not know libp2p call it over plain QUIC, on the same port: TLS 1.3,
ALPN "capnp", no client certificate, and on each stream Cap'n Proto RPC whose
bootstrap is NodeService (schema/node.capnp). They pin the certificate by its
SHA-256, "certificate" in the ready line, which never changes; it is signed by the
relay's key in libp2p's TLS extension. --quic-listen adds another port.`,
		Args: cli.Exactly(0),
	}
	for _, s := range settings.All() {
		flag := cmd.Flags().VarPF(settingFlag{s, &flags}, s.Name, "", s.Usage)
		if s.Value == "" {
			flag.NoOptDefVal = "true"
		}
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		h, err := a.Home(cmd)
		if err != nil {
			return err
		}
		return relayError(h, a.runRelay(cmd.Context(), h, flags))
	}
	return cmd
}

func (a *commands) runRelay(ctx context.Context, h cli.Home, flags []settings.Given) error {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	level := new(slog.LevelVar)
	d, err := admin.New(admin.Config{
		Dir: h.Dir,
		Load: func() (settings.Config, error) {
			return settings.Load(filepath.Join(h.Dir, settings.FileName), os.Environ(), flags)
		},
		Log: a.LoggerFrom(level).Handler(), Level: level, Reload: again,
	})
	if err != nil {
		return err
	}
	ready := make(chan *admin.Daemon, 1)
	ready <- d
	return cli.While(ctx, d.Run, ready, a.relayIsUp)
}

// relayIsUp says where the relay is and waits until it is told to end.
func (a *commands) relayIsUp(ctx context.Context, d *admin.Daemon) error {
	r := d.Relay()
	url := r.URL()
	event := struct {
		Event    string   `json:"event"`
		Identity string   `json:"identity"`
		URL      string   `json:"url"`
		Addrs    []string `json:"addrs"`
		// Over plain QUIC.
		QUIC        []string `json:"quic"`
		Certificate string   `json:"certificate"`
		// Metrics is where they are served.
		Metrics string `json:"metrics,omitempty"`
	}{"ready", url.Key.String(), url.String(), append([]string{}, r.Addrs()...), append([]string{}, r.QUICAddrs()...), r.Certificate(), d.Metrics()}
	text := fmt.Sprintf("%s\nlistening on:\n  %s\nfor other programs, over QUIC with ALPN capnp and a certificate of SHA-256\n  %s, on:\n  %s\nPeople use it with: qpc up --relay %s\nReady. Ctrl-C ends it.",
		url, strings.Join(event.Addrs, "\n  "), event.Certificate, strings.Join(event.QUIC, "\n  "), url)
	if err := a.Print(event, text); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
