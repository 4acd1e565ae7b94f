package cli

import (
	"os"
	"os/user"
	"path/filepath"

	"github.com/spf13/cobra"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/localapi/socket"
	"quicnprotochat/node/store/home"
)

// Home says where the node or relay of this run lives.
type Home struct {
	// Dir holds its data.
	Dir string
	// Socket is where its daemon listens.
	Socket string
	// Flag is how to name the home on a command line; "" for the XDG one.
	Flag string
	// Usual is whether it is where this user has it without any flag or variable.
	Usual bool
}

// Home finds the home: --home, else $QPC_HOME, else the XDG directories. It
// creates nothing.
func (a *App) Home(cmd *cobra.Command) (Home, error) {
	given := a.HomeFlag
	if cmd.Flags().Changed("home") && given == "" {
		return Home{}, Misused(cmd, "--home is empty")
	}
	if given == "" {
		given = os.Getenv("QPC_HOME")
	}
	if given != "" {
		dir, err := filepath.Abs(given)
		if err != nil {
			return Home{}, &localapi.Error{Message: "no working directory", Hint: "give --home an absolute path", Exit: localapi.ExitOther}
		}
		return Home{Dir: dir, Socket: socket.Path(dir), Flag: " --home " + given}, nil
	}
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		home, err := os.UserHomeDir()
		if err != nil || !filepath.IsAbs(home) {
			return Home{}, &localapi.Error{Message: "this user has no home directory", Hint: "use --home DIR", Exit: localapi.ExitOther}
		}
		data = filepath.Join(home, ".local", "share")
	}
	dir := filepath.Join(data, "qpc")
	if !isUsual(dir) {
		return Home{Dir: dir, Socket: socket.Path(dir)}, nil
	}
	return Home{Dir: dir, Socket: socket.Path(""), Usual: true}, nil
}

// isUsual reports whether a home is where this user has it without any variable: no other
// one has the socket in the runtime directory, of which there is one for each user.
func isUsual(dir string) bool {
	u, err := user.Current()
	return err != nil || dir == filepath.Join(u.HomeDir, ".local", "share", "qpc")
}

// Client returns a client of the home's daemon, with a way to say that none is
// there.
func (a *App) Client(cmd *cobra.Command) (*localapi.Client, Home, error) {
	h, err := a.Home(cmd)
	if err != nil {
		return nil, h, err
	}
	return localapi.NewClient(h.Socket), h, nil
}

// Explain adds to an error of a client what this home's user can do about it.
func (h Home) Explain(err error) error {
	if err == nil {
		return nil
	}
	e := localapi.AsError(err)
	if e.Exit == localapi.ExitNoDaemon {
		return &localapi.Error{Message: e.Message, Hint: "start one with: qpc up" + h.Flag, Exit: e.Exit}
	}
	return err
}

// PathsObject says where everything of a home lies, as JSON.
type PathsObject struct {
	Home   string `json:"home"`
	Store  string `json:"store"`
	Key    string `json:"key"`
	Socket string `json:"socket"`
}

// Paths says where everything of a node in this home lies.
func (h Home) Paths() PathsObject {
	return PathsObject{h.Dir, filepath.Join(h.Dir, home.DBFile), filepath.Join(h.Dir, home.KeyFile), h.Socket}
}
