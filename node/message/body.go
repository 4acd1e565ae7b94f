package message

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/rpc"
)

// ControlType is the type of a control.
type ControlType byte

// The types of controls.
const (
	ControlIntroduction ControlType = 1
	ControlCardUpdate   ControlType = 2
	ControlReceipt      ControlType = 3
	ControlRepair       ControlType = 4
	ControlPasses       ControlType = 5
	ControlRead         ControlType = 6
	ControlTyping       ControlType = 7
	ControlReport       ControlType = 16
	ControlAsk          ControlType = 17
	ControlInfoAsk      ControlType = 18
	ControlLeave        ControlType = 19
	ControlCardAsk      ControlType = 20
)

const (
	// MaxCard is the longest contact card in a control in bytes.
	MaxCard = 8 << 10
	// MaxPass is the longest pass in a control in bytes.
	MaxPass = 512
	// MaxPasses is how many passes a control gives at most: one for each home relay.
	MaxPasses = 4
)

// Body is the body of a control: *Introduction, *CardUpdate, *Receipt, *Repair, *Passes,
// *Read, *TypingNote, or of one about a group: *Report, *Ask, *InfoAsk, *LeaveNote or *CardAsk.
type Body interface {
	// Type returns the type of the control that has this body.
	Type() ControlType
	// Encode returns the body; ErrMalformed if a field is out of bounds.
	Encode() ([]byte, error)
	// read reads the body.
	read(s *cryptobyte.String) bool
}

// Introduction is the first thing that somebody sends who has our card. Both
// fields are encodings of package node/contact and not checked here.
type Introduction struct {
	Card []byte // of the sender, 1 to MaxCard bytes
	Pass []byte // the hello pass of the recipient's link, at most MaxPass bytes; empty if there was none
}

// CardUpdate is a newer card of the sender.
type CardUpdate struct {
	Card []byte // 1 to MaxCard bytes, not checked here
}

// Receipt says which messages of Author the sender has stored. It is a control
// and the application message of type DeliveryReceipt.
type Receipt struct {
	Author rpc.Identity
	Ranges Ranges // 1 to MaxRanges ranges of the author's counters
	// Head is the id of the epoch that the sender takes for the head.
	Head [16]byte
}

// Repair asks for messages of Author that the sender lacks.
type Repair struct {
	Author rpc.Identity
	Ranges Ranges   // 1 to MaxRanges ranges of the author's counters
	Head   [16]byte // as in Receipt
}

// Passes lets the recipient leave payloads for the sender at relays without saying who
// it is. They take the place of those given before.
type Passes struct {
	// Passes are 1 to MaxPasses encodings of package rpc/pass, of 1 to MaxPass bytes,
	// not checked here.
	Passes [][]byte
}

// Read says which messages of Author the sender has shown to its user.
type Read struct {
	Author rpc.Identity
	Ranges Ranges   // 1 to MaxRanges ranges of the author's counters
	Head   [16]byte // as in Receipt
}

// TypingNote says that the sender's user is typing. It is good for 10 s.
type TypingNote struct{}

// OpenBody parses the body of c by its type; ErrControlType if that is unknown.
func (c *Control) OpenBody() (Body, error) {
	var body Body
	switch c.Type {
	case ControlIntroduction:
		body = new(Introduction)
	case ControlCardUpdate:
		body = new(CardUpdate)
	case ControlReceipt:
		body = new(Receipt)
	case ControlRepair:
		body = new(Repair)
	case ControlPasses:
		body = new(Passes)
	case ControlRead:
		body = new(Read)
	case ControlTyping:
		body = new(TypingNote)
	case ControlReport:
		body = new(Report)
	case ControlAsk:
		body = new(Ask)
	case ControlInfoAsk:
		body = new(InfoAsk)
	case ControlLeave:
		body = new(LeaveNote)
	case ControlCardAsk:
		body = new(CardAsk)
	default:
		return nil, fmt.Errorf("control of type %d: %w", c.Type, ErrControlType)
	}
	s := cryptobyte.String(c.Body)
	if !body.read(&s) || !s.Empty() {
		return nil, fmt.Errorf("control of type %d: %w", c.Type, ErrMalformed)
	}
	return body, nil
}

// Type returns ControlIntroduction.
func (*Introduction) Type() ControlType { return ControlIntroduction }

// Type returns ControlCardUpdate.
func (*CardUpdate) Type() ControlType { return ControlCardUpdate }

// Type returns ControlReceipt.
func (*Receipt) Type() ControlType { return ControlReceipt }

// Type returns ControlRepair.
func (*Repair) Type() ControlType { return ControlRepair }

// Type returns ControlPasses.
func (*Passes) Type() ControlType { return ControlPasses }

// Type returns ControlRead.
func (*Read) Type() ControlType { return ControlRead }

// Type returns ControlTyping.
func (*TypingNote) Type() ControlType { return ControlTyping }

// Encode returns the body of the control.
func (i *Introduction) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	addBlob(&b, i.Card, 1, MaxCard)
	addBlob(&b, i.Pass, 0, MaxPass)
	return bodyBytes(&b, i.Type())
}

// Encode returns the body of the control.
func (u *CardUpdate) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	addBlob(&b, u.Card, 1, MaxCard)
	return bodyBytes(&b, u.Type())
}

// Encode returns the body of the control, which is that of the message too.
func (r *Receipt) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	r.addTo(&b)
	return bodyBytes(&b, r.Type())
}

// Encode returns the body of the control.
func (r *Repair) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	(*Receipt)(r).addTo(&b)
	return bodyBytes(&b, r.Type())
}

// Encode returns the body of the control.
func (p *Passes) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	if len(p.Passes) == 0 || len(p.Passes) > MaxPasses {
		b.SetError(fmt.Errorf("%d passes: %w", len(p.Passes), ErrMalformed))
	}
	b.AddUint8(uint8(len(p.Passes)))
	for _, one := range p.Passes {
		addBlob(&b, one, 1, MaxPass)
	}
	return bodyBytes(&b, p.Type())
}

// Encode returns the body of the control.
func (r *Read) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	(*Receipt)(r).addTo(&b)
	return bodyBytes(&b, r.Type())
}

// Encode returns the body of the control, which is empty.
func (*TypingNote) Encode() ([]byte, error) { return []byte{}, nil }

func (i *Introduction) read(s *cryptobyte.String) bool {
	return readBlob(s, &i.Card, 1, MaxCard) && readBlob(s, &i.Pass, 0, MaxPass)
}

func (u *CardUpdate) read(s *cryptobyte.String) bool { return readBlob(s, &u.Card, 1, MaxCard) }

func (r *Receipt) read(s *cryptobyte.String) bool {
	return s.CopyBytes(r.Author[:]) && r.Ranges.read(s) && s.CopyBytes(r.Head[:])
}

func (r *Repair) read(s *cryptobyte.String) bool { return (*Receipt)(r).read(s) }

func (p *Passes) read(s *cryptobyte.String) bool {
	var n uint8
	if !s.ReadUint8(&n) || n == 0 || n > MaxPasses {
		return false
	}
	p.Passes = make([][]byte, n)
	for i := range p.Passes {
		if !readBlob(s, &p.Passes[i], 1, MaxPass) {
			return false
		}
	}
	return true
}

func (r *Read) read(s *cryptobyte.String) bool { return (*Receipt)(r).read(s) }

func (*TypingNote) read(*cryptobyte.String) bool { return true }

func (r *Receipt) addTo(b *cryptobyte.Builder) {
	b.AddBytes(r.Author[:])
	r.Ranges.addTo(b)
	b.AddBytes(r.Head[:])
}

// addBlob adds v, of least to most bytes, behind its u16 length.
func addBlob(b *cryptobyte.Builder, v []byte, least, most int) {
	if len(v) < least || len(v) > most {
		b.SetError(fmt.Errorf("field of %d bytes: %w", len(v), ErrMalformed))
		return
	}
	b.AddUint16(uint16(len(v)))
	b.AddBytes(v)
}

func readBlob(s *cryptobyte.String, v *[]byte, least, most int) bool {
	return s.ReadUint16LengthPrefixed((*cryptobyte.String)(v)) && len(*v) >= least && len(*v) <= most
}

func bodyBytes(b *cryptobyte.Builder, t ControlType) ([]byte, error) {
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode control of type %d: %w", t, err)
	}
	return out, nil
}
