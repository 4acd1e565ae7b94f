package node

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"quicnprotochat/node/disk"
	"quicnprotochat/node/front/homes"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/node/store/home"
	"quicnprotochat/transport"
)

// Rows of meta that remember what the user asked for.
const (
	metaLAN     = "lan"
	metaPort    = "port"
	metaPortMap = "port_map"
)

// What Config.LAN and Config.PortMap can be.
const (
	switchOn    = "on"
	lanContacts = "contacts"
	switchOff   = "off"
)

// settings is a Config whose texts are checked.
type settings struct {
	listen []transport.Addr
	relays []transport.RelayURL
}

func parseSettings(cfg Config) (s settings, err error) {
	for _, text := range cfg.Listen {
		a, err := transport.ParseAddr(text)
		if err != nil {
			return s, &localapi.Error{
				Message: fmt.Sprintf("cannot listen on %q: %v", text, err),
				Hint:    "an address to listen on looks like /ip4/0.0.0.0/udp/7001/quic-v1",
				Exit:    localapi.ExitUsage,
			}
		}
		s.listen = append(s.listen, a)
	}
	for _, text := range cfg.Relays {
		u, err := homes.ParseRelay(text)
		if err != nil {
			return s, err
		}
		s.relays = append(s.relays, u)
	}
	if cfg.LAN != "" && !slices.Contains([]string{switchOn, lanContacts, switchOff}, cfg.LAN) {
		return s, &localapi.Error{Message: fmt.Sprintf("--lan is on, contacts or off, not %q", cfg.LAN), Exit: localapi.ExitUsage}
	}
	if cfg.PortMap != "" && cfg.PortMap != switchOn && cfg.PortMap != switchOff {
		return s, &localapi.Error{Message: fmt.Sprintf("--port-map is on or off, not %q", cfg.PortMap), Exit: localapi.ExitUsage}
	}
	return s, nil
}

// remember stores the settings. It returns the home relays, old and new, and
// whether there is a new one.
func (n *Node) remember(ctx context.Context, s settings) (urls []transport.RelayURL, changed bool, err error) {
	err = n.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.SkipEvents(); err != nil {
			return err
		}
		var err error
		if n.lan, err = rememberWord(tx, metaLAN, n.cfg.LAN, switchOn); err != nil {
			return err
		}
		// Who looks for a router asks the whole LAN.
		portMap, err := rememberWord(tx, metaPortMap, n.cfg.PortMap, n.lan)
		if err != nil {
			return err
		}
		n.portMap = portMap != switchOff
		for _, u := range s.relays {
			isNew, err := homes.PutRelay(tx, u)
			if err != nil {
				return err
			}
			changed = changed || isNew
		}
		rows, err := tx.Relays()
		for _, row := range rows {
			u, err := transport.ParseRelayURL(row.URL)
			if err != nil {
				return fmt.Errorf("home relay %q: %w", row.URL, err)
			}
			urls = append(urls, u)
		}
		return err
	})
	return urls, changed, err
}

// rememberWord stores what is given in a row of meta, if anything is, and returns
// what stands there, or else if nothing was ever stored.
func rememberWord(tx *store.Tx, row, given, otherwise string) (string, error) {
	if given != "" {
		return given, tx.SetMeta(row, []byte(given))
	}
	was, err := tx.Meta(row)
	return cmp.Or(string(was), otherwise), err
}

func (n *Node) lastPort(ctx context.Context) (port uint16, err error) {
	err = n.store.View(ctx, func(tx *store.Tx) error {
		b, err := tx.Meta(metaPort)
		if len(b) == 2 {
			port = binary.BigEndian.Uint16(b)
		}
		return err
	})
	return port, err
}

func (n *Node) rememberPort(ctx context.Context, port uint16) error {
	if last, err := n.lastPort(ctx); err != nil || last == port {
		return err
	}
	return n.store.Update(ctx, func(tx *store.Tx) error {
		return tx.SetMeta(metaPort, binary.BigEndian.AppendUint16(nil, port))
	})
}

// anyAddrs are all addresses of this machine, on one port; 0 picks one.
func anyAddrs(port uint16) ([]transport.Addr, error) {
	v4, err := transport.ParseAddr(fmt.Sprintf("/ip4/0.0.0.0/udp/%d/quic-v1", port))
	if err != nil {
		return nil, err
	}
	v6, err := transport.ParseAddr(fmt.Sprintf("/ip6/::/udp/%d/quic-v1", port))
	return []transport.Addr{v4, v6}, err
}

// storeError puts what is wrong with a home into words.
func storeError(dir string, err error) error {
	e := &localapi.Error{Message: err.Error(), Exit: localapi.ExitHome, Cause: err}
	switch {
	case errors.Is(err, home.ErrInUse):
		e.Message = "another node uses the home " + dir
		e.Hint = "stop it first, or use another home: --home DIR"
	case errors.Is(err, home.ErrKind):
		e.Message = "the home " + dir + " belongs to a relay"
		e.Hint = "use another home for a node: --home DIR"
	case errors.Is(err, home.ErrLocked):
		e.Message = "the home " + dir + " is locked with a state password"
		e.Hint = "type it at a terminal, or use --state-password-file FILE or QPC_STATE_PASSWORD"
	case errors.Is(err, home.ErrPassword):
		e.Message = "that is not the state password of " + dir
		e.Hint = "nothing was changed; try again"
	case errors.Is(err, home.ErrNoPassword):
		e.Message, e.Exit = "the home "+dir+" has no state password", localapi.ExitUsage
		e.Hint = "leave it out, or set one: qpc password set"
	case errors.Is(err, store.ErrNewer):
		e.Hint = "this home was used by a newer qpc: use that one"
	case errors.Is(err, store.ErrDamaged):
		return damaged(dir, err)
	default:
		return disk.Words(dir, fmt.Errorf("open home: %w", err))
	}
	return e
}

// words says for people what a request, or the node, failed of.
func (n *Node) words(err error) error {
	if said := (*localapi.Error)(nil); errors.Is(err, store.ErrDamaged) && !errors.As(err, &said) {
		return damaged(n.cfg.Dir, err)
	}
	return disk.Words(n.cfg.Dir, err)
}

func damaged(dir string, err error) error {
	return &localapi.Error{
		Message: err.Error(),
		Hint:    "keep a copy of " + dir + " before you try anything; qpc backup restore makes a new home of a backup",
		Exit:    localapi.ExitHome,
		Cause:   err,
	}
}

func listenError(err error) error {
	if !errors.Is(err, transport.ErrListen) {
		return fmt.Errorf("start network: %w", err)
	}
	return &localapi.Error{
		Message: err.Error(),
		Hint:    "another program has that port: choose one with --listen, or leave the flag out",
		Exit:    localapi.ExitNetwork,
	}
}
