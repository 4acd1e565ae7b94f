package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"quicnprotochat/node/localapi"
)

// home says where the node or relay of this run lives.
type home struct {
	// dir holds its data.
	dir string
	// socket is where its daemon listens.
	socket string
	// flag is how to name the home on a command line; "" for the XDG one.
	flag string
}

// home finds the home: --home, else $QPC_HOME, else the XDG directories. It
// creates nothing.
func (a *app) home(cmd *cobra.Command) (home, error) {
	given := a.homeFlag
	if cmd.Flags().Changed("home") && given == "" {
		return home{}, misused(cmd, "--home is empty")
	}
	if given == "" {
		given = os.Getenv("QPC_HOME")
	}
	if given != "" {
		dir, err := filepath.Abs(given)
		if err != nil {
			return home{}, &localapi.Error{Message: "no working directory", Hint: "give --home an absolute path", Exit: localapi.ExitOther}
		}
		return home{dir: dir, socket: localapi.SocketPath(dir), flag: " --home " + given}, nil
	}
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		user, err := os.UserHomeDir()
		if err != nil || !filepath.IsAbs(user) {
			return home{}, &localapi.Error{Message: "this user has no home directory", Hint: "use --home DIR", Exit: localapi.ExitOther}
		}
		data = filepath.Join(user, ".local", "share")
	}
	return home{dir: filepath.Join(data, "qpc"), socket: localapi.SocketPath("")}, nil
}

// client returns a client of the home's daemon, with a way to say that none is
// there.
func (a *app) client(cmd *cobra.Command) (*localapi.Client, home, error) {
	h, err := a.home(cmd)
	if err != nil {
		return nil, h, err
	}
	return localapi.NewClient(h.socket), h, nil
}

// explain adds to an error of a client what this home's user can do about it.
func (h home) explain(err error) error {
	if err == nil {
		return nil
	}
	e := localapi.AsError(err)
	if e.Exit == localapi.ExitNoDaemon {
		return &localapi.Error{Message: e.Message, Hint: "start one with: qpc up" + h.flag, Exit: e.Exit}
	}
	return err
}
