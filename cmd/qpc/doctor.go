package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/words"
	"quicnprotochat/node"
	"quicnprotochat/node/localapi"
)

// finding is what one check found.
type finding struct {
	// Check is its name, the same for every home.
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Found string `json:"found"`
	// Do says what to do about it; "" if there is nothing to do.
	Do string `json:"do"`
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check this home, its node and its relays, and say what to do.",
		Long: `Check this home, its node and its relays, and say what to do. Nothing is changed.
It exits with 1 if something needs doing.`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.Home(cmd)
			if err != nil {
				return err
			}
			bad := 0
			for _, f := range examine(cmd.Context(), h) {
				mark := "ok "
				if !f.OK {
					mark, bad = "BAD", bad+1
				}
				text := fmt.Sprintf("%s  %-8s %s", mark, f.Check, cli.Defuse(f.Found))
				if f.Do != "" {
					text += "\n    -> " + cli.Defuse(f.Do)
				}
				if err := a.Print(f, text); err != nil {
					return err
				}
			}
			if bad > 0 {
				return &localapi.Error{Message: fmt.Sprintf("%d of the checks found something to do", bad), Hint: "see above", Exit: localapi.ExitOther}
			}
			return nil
		},
	}
}

// examine makes all checks of a home: of its files, and of its node if one runs.
func examine(ctx context.Context, h cli.Home) []finding {
	findings := examineFiles(h)
	c := localapi.NewClient(h.Socket)
	defer c.Close()
	st, err := c.Status(ctx)
	if err != nil {
		return append(findings, examineSilence(h, err))
	}
	findings = append(findings, finding{"node", true, "it runs and answers", ""})
	return append(findings, examineStatus(st)...)
}

// examineFiles checks that the files of a home are there and nobody else's to read.
func examineFiles(h cli.Home) []finding {
	var findings []finding
	missing, p := 0, h.Paths()
	for _, file := range []struct{ check, path string }{{"home", p.Home}, {"store", p.Store}, {"key", p.Key}} {
		f := finding{Check: file.check, OK: true, Found: file.path + " is there"}
		info, err := os.Stat(file.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			f.Found, f.Do = file.path+" is not there yet", "qpc chat"+h.Flag+" makes it"
			missing++
		case err != nil:
			f.OK, f.Found, f.Do = false, err.Error(), "let this user read it"
		case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
			f.OK, f.Found = false, fmt.Sprintf("%s can be opened by others (%v)", file.path, info.Mode().Perm())
			f.Do = "close it: chmod go= " + file.path
		}
		findings = append(findings, f)
	}
	if missing == 1 {
		// The store without its key, or the key without its store.
		findings = append(findings, finding{"home", false, "of the store and its key one is lost", "bring it back from a backup; qpc starts with neither or both"})
	}
	return findings
}

// examineSilence says why no node answers.
func examineSilence(h cli.Home, err error) finding {
	e := localapi.AsError(err)
	switch {
	case e.Exit == localapi.ExitNoDaemon && node.InUse(h.Dir):
		return finding{"node", false, "a node has this home and does not answer at " + h.Socket, "wait a little; else end its process"}
	case e.Exit == localapi.ExitNoDaemon:
		return finding{"node", false, "no node runs: nothing is received or sent", "qpc up" + h.Flag + ", or qpc service install"}
	default:
		return finding{"node", false, e.Message, e.Hint}
	}
}

// examineStatus checks what a node says of itself.
func examineStatus(st localapi.Status) []finding {
	findings := []finding{{"listen", len(st.Addrs) > 0, words.Count(len(st.Addrs), "address", "addresses"), ""}}
	if len(st.Addrs) == 0 {
		findings[0].Do = "is the machine on a network? nobody can dial it"
	}
	lan := finding{"lan", true, "LAN discovery " + cli.OnOff(st.LAN), ""}
	if !st.LAN {
		lan.Do = "people on the LAN are found with: qpc up --lan on"
	}
	findings = append(findings, lan)
	if len(st.Relays) == 0 {
		findings = append(findings, finding{"relay", true, "none", "with one, messages wait there while a machine is off: qpc relay add URL"})
	}
	for _, r := range st.Relays {
		f := finding{"relay", r.Reached, r.URL + " is reached", ""}
		if !r.Reached {
			f.Found = r.URL + " is not reached: " + r.Error
			f.Do = "is this machine online, and the relay up? its operator knows: qpc relay status; qpc relay forget drops it"
			if strings.Contains(r.Error, "qpc account") {
				f.Do = "it wants an account: qpc account login, or qpc account register; qpc relay forget drops it"
			}
		}
		findings = append(findings, f)
	}
	connected := 0
	for _, p := range st.Peers {
		if p.Connected {
			connected++
		}
	}
	findings = append(findings, finding{"people", true, fmt.Sprintf("%d, of whom %d are connected", len(st.Peers), connected), ""})
	f := finding{"queue", st.Queue.Unreadable == 0, fmt.Sprintf("%d wait to be sent, %d to be read in, %d for a key", st.Queue.Outbox, st.Queue.Inbox, st.Queue.Unreadable), ""}
	if st.Queue.Unreadable > 0 {
		f.Do = "keys come with what the other side sends next; if this stays, ask them to write"
	}
	return append(findings, f)
}
