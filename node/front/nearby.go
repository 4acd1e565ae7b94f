package front

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"quicnprotochat/node/front/names"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Nearby implements localapi.Contacts.
func (f *Front) Nearby(ctx context.Context) ([]localapi.Nearby, error) {
	all := []localapi.Nearby{}
	err := f.cfg.Store.View(ctx, func(tx *store.Tx) error {
		for _, k := range f.cfg.Host.LAN() {
			c, err := tx.Contact(rpc.Identity(k))
			if err != nil && !store.IsNotFound(err) {
				return err
			}
			n := localapi.Nearby{Identity: k.String(), Name: c.Name}
			if n.Name == "" {
				n.Claim = f.claimed(k)
			}
			all = append(all, n)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b localapi.Nearby) int {
		if (a.Name == "") != (b.Name == "") {
			return -strings.Compare(a.Name, b.Name)
		}
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Claim, b.Claim), strings.Compare(a.Identity, b.Identity))
	})
	return all, err
}

// claimed is what somebody on the LAN calls itself, "" if that is not known.
func (f *Front) claimed(k transport.Key) string {
	if f.cfg.Nearby == nil {
		return ""
	}
	return f.cfg.Nearby.Of(k)
}

// calledNearby finds the one machine on the LAN whose user is no contact and has that
// name, as package names says. Several of one name are exit 4: anybody can call itself anything.
func (f *Front) calledNearby(ctx context.Context, name string) (k transport.Key, ok bool, err error) {
	list, err := f.Nearby(ctx)
	if err != nil {
		return k, false, err
	}
	var found []string
	for _, n := range names.Named(list, name, func(n localapi.Nearby) string { return n.Claim }) {
		found = append(found, n.Identity)
	}
	switch len(found) {
	case 0:
		return k, false, nil
	case 1:
		k, err = transport.ParseKey(found[0])
		return k, err == nil, err
	}
	return k, false, &localapi.Error{
		Message: fmt.Sprintf("%d machines on the LAN call themselves %q", len(found), name),
		Hint:    "ask the person for the identity, which qpc id shows, and add that: " + strings.Join(found[:min(len(found), 10)], ", "),
		Exit:    localapi.ExitContact,
	}
}

// Met tells those who listen of somebody on the LAN who is no contact.
func (f *Front) Met(k transport.Key, name string) {
	err := f.cfg.Store.Glance(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Contact(rpc.Identity(k))
		if store.IsNotFound(err) {
			f.feed.Show(localapi.Event{Event: localapi.EventNearby, Nearby: &localapi.Nearby{Identity: k.String(), Claim: name}})
			return nil
		}
		return err
	})
	if err != nil {
		f.cfg.Log.Debug("show who is on the LAN", "err", err)
	}
}

// addNearby asks somebody whom this node hears on the LAN.
func (f *Front) addNearby(ctx context.Context, k transport.Key, name string) (localapi.AddedContact, error) {
	if !slices.Contains(f.cfg.Host.LAN(), k) {
		return localapi.AddedContact{}, &localapi.Error{
			Message: "nobody with that identity is heard on the LAN",
			Hint:    "qpc lan lists who is; a link works anywhere",
			Exit:    localapi.ExitContact,
		}
	}
	id := k.String()
	called := cmp.Or(f.claimed(k), "lan-"+id[len(id)-6:])
	c, isNew, err := f.cfg.Engine.AddByName(ctx, rpc.Identity(k), "", called, name)
	return localapi.AddedContact{Identity: text(c.Identity), Name: c.Name, New: isNew}, err
}
