package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node"
	"quicnprotochat/node/localapi"
)

// unitName is the name of the user unit.
const unitName = "qpc.service"

// unitText is the user unit: %s are the program and the home, quoted.
const unitText = `[Unit]
Description=quicnprotochat node

[Service]
ExecStart=%s up%s
Restart=on-failure
RestartSec=2
RestartPreventExitStatus=2 8
NoNewPrivileges=yes

[Install]
WantedBy=default.target
`

func (a *app) serviceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "service",
		Short: "Let systemd run the node of this home.",
		Args:  cobra.ArbitraryArgs,
		RunE:  cli.NeedsCommand,
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "install",
			Short: "Start the node now, at each login, and again when it fails.",
			Args:  cli.Exactly(0),
			RunE:  a.installService,
		},
		&cobra.Command{
			Use:   "uninstall",
			Short: "Stop the node and start it no longer.",
			Args:  cli.Exactly(0),
			RunE:  a.uninstallService,
		},
		&cobra.Command{
			Use:   "status",
			Short: "Say whether systemd runs the node.",
			Args:  cli.Exactly(0),
			RunE:  a.serviceStatus,
		},
	)
	return cmd
}

// serviceObject says what became of the unit, as JSON.
type serviceObject struct {
	Unit      string `json:"unit"`
	Installed bool   `json:"installed"`
	Active    bool   `json:"active"`
}

func (a *app) installService(cmd *cobra.Command, _ []string) error {
	h, err := a.Home(cmd)
	if err != nil {
		return err
	}
	if node.InUse(h.Dir) {
		return &localapi.Error{Message: "a node runs for this home already", Hint: "stop it with: qpc down" + h.Flag, Exit: localapi.ExitHome}
	}
	path, err := unitPath()
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	home := ""
	if !h.Usual {
		home = " --home " + cli.UnitWord(h.Dir)
	}
	text := fmt.Sprintf(unitText, cli.UnitWord(program), home)
	before, old := os.ReadFile(path)
	isNew := errors.Is(old, os.ErrNotExist)
	if _, of, ok := strings.Cut(string(before), " up"); ok && !strings.HasPrefix(of, home+"\n") {
		return &localapi.Error{Message: "systemd runs the node of another home: " + path, Hint: "there is one unit: qpc service uninstall ends that", Exit: localapi.ExitHome}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	if err := systemctl(cmd.Context(), "daemon-reload"); err != nil {
		if isNew {
			err = errors.Join(err, os.Remove(path)) // systemd has not heard of it
		}
		return err
	}
	if err := systemctl(cmd.Context(), "enable", "--now", unitName); err != nil {
		return err
	}
	if locked, err := node.HasPassword(h.Dir); err == nil && locked {
		a.Note("This home has a state password, which nobody types there: put QPC_STATE_PASSWORD=… into a file that\nonly you can read, and name that file: systemctl --user edit qpc, [Service], EnvironmentFile=FILE")
	}
	return a.Print(serviceObject{path, true, true}, "The node runs, and starts at each login. Its log: journalctl --user -u qpc")
}

func (a *app) uninstallService(cmd *cobra.Command, _ []string) error {
	path, err := unitPath()
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return a.Print(serviceObject{Unit: path}, "There was no unit.")
	}
	if err := systemctl(cmd.Context(), "disable", "--now", unitName); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	if err := systemctl(cmd.Context(), "daemon-reload"); err != nil {
		return err
	}
	return a.Print(serviceObject{Unit: path}, "Stopped, and removed "+path)
}

func (a *app) serviceStatus(cmd *cobra.Command, _ []string) error {
	path, err := unitPath()
	if err != nil {
		return err
	}
	s := serviceObject{Unit: path}
	if _, err := os.Stat(path); err == nil {
		s.Installed = true
		s.Active = systemctl(cmd.Context(), "is-active", "--quiet", unitName) == nil
	}
	text := "not installed: qpc service install"
	switch {
	case s.Active:
		text = "installed and running"
	case s.Installed:
		text = "installed, not running; why: systemctl --user status qpc"
	}
	return a.Print(s, text)
}

// unitPath is where the user's unit lies.
func unitPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", &localapi.Error{Message: "this user has no directory for settings", Hint: "set HOME or XDG_CONFIG_HOME", Exit: localapi.ExitOther}
	}
	return filepath.Join(dir, "systemd", "user", unitName), nil
}

// systemctl tells the user's systemd.
func systemctl(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "systemctl", append([]string{"--user"}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return &localapi.Error{Message: "there is no systemd here", Hint: "run qpc up at login by what this system has for it", Exit: localapi.ExitOther}
	default:
		return &localapi.Error{Message: "systemctl --user " + strings.Join(args, " ") + ": " + strings.TrimSpace(said.String()), Hint: "is this a login session? try: loginctl enable-linger", Exit: localapi.ExitOther}
	}
}
