package relaycmd

import (
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
)

// unitName is the name that the unit should have.
const unitName = "qpc-relay.service"

// unitText is the unit: %s are the user, the program, the home as a word of a command
// and as a path. A relay needs its home, the network, and nothing else.
const unitText = `[Unit]
Description=quicnprotochat relay
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
User=%s
ExecStart=%s relay run --home %s
ExecReload=kill -HUP $MAINPID
WatchdogSec=30
Restart=on-failure
RestartSec=2
TimeoutStopSec=10
UMask=0077
ReadWritePaths=%s
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`

func (a *commands) unitCommand() *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "unit",
		Short: "Write a unit with which systemd runs a relay.",
		Long: `Write a unit with which systemd runs the relay of this home: at each start of the
machine, again when it fails or hangs, and with nothing in reach but its home and the
network. It is written to stdout; to install it:

    qpc relay unit | sudo tee /etc/systemd/system/` + unitName + `
    sudo systemctl enable --now qpc-relay

The home is made before that: qpc relay init. The settings are those of the file that qpc relay init makes; systemctl reload
qpc-relay reads it again. The log: journalctl -u qpc-relay`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.Home(cmd)
			if err != nil {
				return err
			}
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			if as == "" {
				u, err := user.Current()
				if err != nil {
					return fmt.Errorf("find this user: %w", err)
				}
				as = u.Username
			}
			home := cli.UnitWord(h.Dir)
			text := fmt.Sprintf(unitText, strings.ReplaceAll(as, "%", "%%"), cli.UnitWord(program), home, strings.ReplaceAll(home, "$$", "$"))
			return a.Print(struct {
				Name string `json:"name"`
				Unit string `json:"unit"`
			}{unitName, text}, strings.TrimSuffix(text, "\n"))
		},
	}
	cmd.Flags().StringVar(&as, "user", "", "run it as the user `NAME`, who owns the home (default: who asks)")
	return cmd
}
