package message

import (
	"crypto/rand"
	"fmt"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
)

// Type is the type of an application message.
type Type byte

// The types of application messages.
const (
	Chat            Type = 0x01
	Reply           Type = 0x02
	Reaction        Type = 0x03
	ReadReceipt     Type = 0x04
	Typing          Type = 0x05
	Edit            Type = 0x06
	Delete          Type = 0x07
	FileRef         Type = 0x08
	DeliveryReceipt Type = 0x10
	Timer           Type = 0x11
)

const (
	// MaxText is the longest text of a chat, reply or edit in bytes.
	MaxText = 65535
	// MaxEmoji is the longest reaction in bytes.
	MaxEmoji = 255
	// MaxTimer is the longest time after which messages disappear.
	MaxTimer = 366 * 24 * time.Hour
	// MaxMessage is the longest encoded application message in bytes. Only a
	// file with absurd names or a message of unknown type can reach it.
	MaxMessage = 128 << 10

	messageVersion = 1
)

// Message is an application message.
type Message struct {
	Type Type
	// ID is the id of a Chat, 16 random bytes of its author. Others have none.
	ID [16]byte
	// Ref is the id that a Reply, Reaction, ReadReceipt, Edit or Delete is about.
	Ref [16]byte
	// Text is the text of a Chat, Reply or Edit and the emoji of a Reaction. It
	// is valid UTF-8 of 1 to MaxText, or MaxEmoji, bytes.
	Text string
	// File is what a FileRef refers to, else nil.
	File *File
	// After is how long messages stay that come behind a Timer: whole seconds up to
	// MaxTimer, 0 for good.
	After time.Duration
	// Receipt is what a DeliveryReceipt says, else nil.
	Receipt *Receipt
	// Raw is the body of a message of unknown Type, else nil.
	Raw []byte
}

// File is a reference to a blob. Name and MIME are the author's words, valid
// UTF-8 of at most 65,535 bytes each; Name is no path.
type File struct {
	Blob [32]byte // SHA-256
	Name string
	Size uint64 // bytes, at most MaxCounter
	MIME string
}

// NewID returns a new random message id.
func NewID() (id [16]byte) {
	rand.Read(id[:]) // never fails
	return id
}

// Receipted reports whether who gets a message of type t tells its author so: not
// what says itself what came, or is of no use later.
func (t Type) Receipted() bool { return t != ReadReceipt && t != Typing && t != DeliveryReceipt }

// Entry reports whether a message of type t is shown by itself, not as a mark on
// another one. One of unknown type is shown as such.
func (t Type) Entry() bool { return t.Receipted() && t != Reaction && t != Edit && t != Delete }

// Encode returns the encoding of m; ErrMalformed if a field is out of bounds.
func (m *Message) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint8(messageVersion)
	b.AddUint8(uint8(m.Type))
	switch m.Type {
	case Chat:
		b.AddBytes(m.ID[:])
		addText(&b, m.Text, 1)
	case Reply, Edit:
		b.AddBytes(m.Ref[:])
		addText(&b, m.Text, 1)
	case Reaction:
		b.AddBytes(m.Ref[:])
		addEmoji(&b, m.Text)
	case ReadReceipt, Delete:
		b.AddBytes(m.Ref[:])
	case Typing:
	case FileRef:
		addFile(&b, m.File)
	case DeliveryReceipt:
		if m.Receipt == nil {
			return nil, fmt.Errorf("encode message: no receipt: %w", ErrMalformed)
		}
		m.Receipt.addTo(&b)
	case Timer:
		if m.After < 0 || m.After > MaxTimer || m.After%time.Second != 0 {
			return nil, fmt.Errorf("encode message: timer: %w", ErrMalformed)
		}
		b.AddUint32(uint32(m.After / time.Second))
	default:
		b.AddBytes(m.Raw)
	}
	out, err := b.Bytes()
	if err == nil && len(out) > MaxMessage {
		err = fmt.Errorf("%d bytes: %w", len(out), ErrMalformed)
	}
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return out, nil
}

// Parse parses an application message. One of unknown type is returned with its
// body in Raw, and encodes to the same bytes.
func Parse(b []byte) (*Message, error) {
	s := cryptobyte.String(b)
	var version, t uint8
	if len(b) > MaxMessage || !s.ReadUint8(&version) || version != messageVersion || !s.ReadUint8(&t) {
		return nil, fmt.Errorf("parse message: header: %w", ErrMalformed)
	}
	m := &Message{Type: Type(t)}
	if !m.readBody(&s) || !s.Empty() {
		return nil, fmt.Errorf("parse message of type 0x%02x: %w", t, ErrMalformed)
	}
	return m, nil
}

// readBody reads what stands behind the type.
func (m *Message) readBody(s *cryptobyte.String) bool {
	switch m.Type {
	case Chat:
		return s.CopyBytes(m.ID[:]) && readText(s, &m.Text, 1)
	case Reply, Edit:
		return s.CopyBytes(m.Ref[:]) && readText(s, &m.Text, 1)
	case Reaction:
		return s.CopyBytes(m.Ref[:]) && readEmoji(s, &m.Text)
	case ReadReceipt, Delete:
		return s.CopyBytes(m.Ref[:])
	case Typing:
		return true
	case FileRef:
		m.File = new(File)
		return readFile(s, m.File)
	case DeliveryReceipt:
		m.Receipt = new(Receipt)
		return m.Receipt.read(s)
	case Timer:
		var seconds uint32
		ok := s.ReadUint32(&seconds)
		m.After = time.Duration(seconds) * time.Second
		return ok && m.After <= MaxTimer
	default:
		return s.ReadBytes(&m.Raw, len(*s))
	}
}

// addText adds a text of least to MaxText bytes behind its u16 length.
func addText(b *cryptobyte.Builder, text string, least int) {
	if len(text) < least || len(text) > MaxText || !utf8.ValidString(text) {
		b.SetError(fmt.Errorf("text: %w", ErrMalformed))
		return
	}
	b.AddUint16(uint16(len(text)))
	b.AddBytes([]byte(text))
}

func readText(s *cryptobyte.String, text *string, least int) bool {
	var v cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&v) || len(v) < least || !utf8.Valid(v) {
		return false
	}
	*text = string(v)
	return true
}

// addEmoji adds a text of 1 to MaxEmoji bytes behind its u8 length.
func addEmoji(b *cryptobyte.Builder, text string) {
	if text == "" || len(text) > MaxEmoji || !utf8.ValidString(text) {
		b.SetError(fmt.Errorf("emoji: %w", ErrMalformed))
		return
	}
	b.AddUint8(uint8(len(text)))
	b.AddBytes([]byte(text))
}

func readEmoji(s *cryptobyte.String, text *string) bool {
	var v cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&v) || len(v) == 0 || !utf8.Valid(v) {
		return false
	}
	*text = string(v)
	return true
}

func addFile(b *cryptobyte.Builder, f *File) {
	if f == nil || f.Size > MaxCounter {
		b.SetError(fmt.Errorf("file: %w", ErrMalformed))
		return
	}
	b.AddBytes(f.Blob[:])
	addText(b, f.Name, 0)
	b.AddUint64(f.Size)
	addText(b, f.MIME, 0)
}

func readFile(s *cryptobyte.String, f *File) bool {
	return s.CopyBytes(f.Blob[:]) && readText(s, &f.Name, 0) &&
		readNumber(s, &f.Size) && readText(s, &f.MIME, 0)
}
