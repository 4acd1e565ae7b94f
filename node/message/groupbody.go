package message

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/rpc"
)

// MaxNames is how many names of epochs a Report or an Ask holds at most.
const MaxNames = 64

// MaxAskedCards is how many cards a CardAsk asks for at most.
const MaxAskedCards = 16

// Report says where its sender is in the tree of a group's epochs.
type Report struct {
	// Head is the epoch that the sender is in.
	Head EpochName
	// Have are commits that the sender has just got; at most MaxNames.
	Have []EpochName
}

// Ask asks for the epochs of a group that the sender may lack.
type Ask struct {
	// Head is the epoch that the sender is in, Have further ones that it knows, at
	// most MaxNames: what is above them need not be told.
	Head EpochName
	Have []EpochName
}

// InfoAsk asks for the GroupInfo of an epoch, to come back to the group.
type InfoAsk struct{ Epoch EpochName }

// LeaveNote tells a member that its sender leaves.
type LeaveNote struct{ Leave Leave }

// CardAsk asks a member for the contact cards of others, whom the sender cannot
// reach without.
type CardAsk struct {
	Who []rpc.Identity // 1 to MaxAskedCards
}

// Type returns ControlReport.
func (*Report) Type() ControlType { return ControlReport }

// Type returns ControlAsk.
func (*Ask) Type() ControlType { return ControlAsk }

// Type returns ControlInfoAsk.
func (*InfoAsk) Type() ControlType { return ControlInfoAsk }

// Type returns ControlLeave.
func (*LeaveNote) Type() ControlType { return ControlLeave }

// Type returns ControlCardAsk.
func (*CardAsk) Type() ControlType { return ControlCardAsk }

// Encode returns the body of the control.
func (r *Report) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddBytes(r.Head[:])
	addNames(&b, r.Have)
	return bodyBytes(&b, r.Type())
}

// Encode returns the body of the control.
func (a *Ask) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddBytes(a.Head[:])
	addNames(&b, a.Have)
	return bodyBytes(&b, a.Type())
}

// Encode returns the body of the control.
func (a *InfoAsk) Encode() ([]byte, error) { return a.Epoch[:], nil }

// Encode returns the body of the control.
func (l *LeaveNote) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	l.Leave.addTo(&b)
	return bodyBytes(&b, l.Type())
}

// Encode returns the body of the control.
func (a *CardAsk) Encode() ([]byte, error) {
	if len(a.Who) == 0 || len(a.Who) > MaxAskedCards {
		return nil, fmt.Errorf("control of type %d: %w", a.Type(), ErrMalformed)
	}
	b := []byte{uint8(len(a.Who))}
	for _, id := range a.Who {
		b = append(b, id[:]...)
	}
	return b, nil
}

func (r *Report) read(s *cryptobyte.String) bool {
	return s.CopyBytes(r.Head[:]) && readNames(s, &r.Have)
}

func (a *Ask) read(s *cryptobyte.String) bool { return s.CopyBytes(a.Head[:]) && readNames(s, &a.Have) }

func (a *InfoAsk) read(s *cryptobyte.String) bool { return s.CopyBytes(a.Epoch[:]) }

func (l *LeaveNote) read(s *cryptobyte.String) bool { return l.Leave.read(s) }

func (a *CardAsk) read(s *cryptobyte.String) bool {
	var n uint8
	if !s.ReadUint8(&n) || n == 0 || n > MaxAskedCards {
		return false
	}
	a.Who = make([]rpc.Identity, n)
	for i := range a.Who {
		if !s.CopyBytes(a.Who[i][:]) {
			return false
		}
	}
	return true
}

func addNames(b *cryptobyte.Builder, names []EpochName) {
	if len(names) > MaxNames {
		b.SetError(ErrMalformed)
		return
	}
	b.AddUint8(uint8(len(names)))
	for _, n := range names {
		b.AddBytes(n[:])
	}
}

func readNames(s *cryptobyte.String, names *[]EpochName) bool {
	var n uint8
	if !s.ReadUint8(&n) || n > MaxNames {
		return false
	}
	for range n {
		var name EpochName
		if !s.CopyBytes(name[:]) {
			return false
		}
		*names = append(*names, name)
	}
	return true
}
