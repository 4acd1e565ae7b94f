package message

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"quicnprotochat/node/identity"
	"quicnprotochat/rpc"
)

func testBodies() map[string]Body {
	return map[string]Body{
		"introduction":          &Introduction{Card: []byte("card"), Pass: []byte("pass")},
		"introduction, no pass": &Introduction{Card: make([]byte, MaxCard), Pass: []byte{}},
		"longest pass":          &Introduction{Card: []byte{1}, Pass: make([]byte, MaxPass)},
		"card update":           &CardUpdate{Card: []byte("card")},
		"receipt":               testReceipt(),
		"longest receipt":       &Receipt{Ranges: manyRanges(MaxRanges)},
		"repair":                (*Repair)(testReceipt()),
		"passes":                &Passes{Passes: [][]byte{[]byte("one"), []byte("two")}},
		"most passes":           &Passes{Passes: [][]byte{make([]byte, MaxPass), {1}, {2}, {3}}},
		"read":                  (*Read)(testReceipt()),
		"typing":                &TypingNote{},
		"report":                &Report{Head: EpochName{1}, Have: []EpochName{{2}, {3}}},
		"ask":                   &Ask{Head: EpochName{1}},
		"info ask":              &InfoAsk{Epoch: EpochName{4}},
		"card ask":              &CardAsk{Who: []rpc.Identity{{1}, {2}}},
		"leave":                 &LeaveNote{Leave{Epoch: EpochName{2}}},
	}
}

func TestControlRoundTrip(t *testing.T) {
	for name, body := range testBodies() {
		t.Run(name, func(t *testing.T) {
			c := newControl(t, body)
			b, err := c.Encode()
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParseControl(b)
			if err != nil || !reflect.DeepEqual(got, c) {
				t.Fatalf("got %+v, %v, want %+v", got, err, c)
			}
			opened, err := got.OpenBody()
			if err != nil || !reflect.DeepEqual(opened, body) {
				t.Errorf("got %+v, %v, want %+v", opened, err, body)
			}
			if opened.Type() != c.Type {
				t.Errorf("type: got %d, want %d", opened.Type(), c.Type)
			}
		})
	}
}

func TestControlGroups(t *testing.T) {
	alice, bob := newIdentity(t, 1), newIdentity(t, 2)
	for _, n := range []int{0, 1, MaxGroupID} {
		c, err := NewControl(alice.ID(), bob.ID(), make([]byte, n), testReceipt(), alice.Sign)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := c.Encode()
		if got, err := ParseControl(b); err != nil || len(got.Group) != n {
			t.Errorf("group id of %d bytes: %v", n, err)
		}
	}
	if _, err := NewControl(alice.ID(), bob.ID(), make([]byte, MaxGroupID+1), testReceipt(), alice.Sign); !errors.Is(err, ErrMalformed) {
		t.Errorf("group id too long: got %v, want %v", err, ErrMalformed)
	}
}

func TestControlSigned(t *testing.T) {
	c := newControl(t, &CardUpdate{Card: []byte("card")})
	want := append(c.Recipient[:], "\x05group\x02\x00\x04card"...)
	if !identity.Verify(c.Sender, ControlDomain, want, c.Signature[:]) {
		t.Error("the signature is over something else")
	}
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		changed := bytes.Clone(b)
		changed[i] ^= 1
		if _, err := ParseControl(changed); err == nil {
			t.Errorf("taken with byte %d changed", i)
		}
	}
	alice, bob := newIdentity(t, 1), newIdentity(t, 2)
	forged, err := NewControl(bob.ID(), alice.ID(), nil, testReceipt(), alice.Sign)
	if err != nil {
		t.Fatal(err)
	}
	b, _ = forged.Encode()
	if _, err := ParseControl(b); !errors.Is(err, ErrSignature) {
		t.Errorf("signed by another: got %v, want %v", err, ErrSignature)
	}
}

func TestNewControlSign(t *testing.T) {
	c := newControl(t, testReceipt())
	sign := func(string, []byte) []byte { return nil }
	if _, err := NewControl(c.Sender, c.Recipient, nil, testReceipt(), sign); !errors.Is(err, ErrSignature) {
		t.Errorf("got %v, want %v", err, ErrSignature)
	}
}

// signControl signs and encodes a control as it is.
func signControl(t testing.TB, c Control, group, body []byte) []byte {
	alice := newIdentity(t, 1)
	c.Sender, c.Group, c.Body = alice.ID(), group, body
	copy(c.Signature[:], alice.Sign(ControlDomain, c.signed()))
	var b []byte
	b = append(b, controlVersion)
	b = append(b, c.Sender[:]...)
	b = append(b, c.Recipient[:]...)
	b = append(append(b, byte(len(group))), group...)
	b = append(b, byte(c.Type), 0, byte(len(body)>>16), byte(len(body)>>8), byte(len(body)))
	b = append(b, body...)
	return append(b, c.Signature[:]...)
}

func TestParseControlBounds(t *testing.T) {
	tests := []struct {
		name        string
		group, body int
		err         error
	}{
		{"least", 0, 0, nil},
		{"longest", MaxGroupID, MaxControlBody, nil},
		{"group id too long", MaxGroupID + 1, 0, ErrMalformed},
		{"body too long", 0, MaxControlBody + 1, ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := signControl(t, Control{Type: 200}, make([]byte, tt.group), make([]byte, tt.body))
			c, err := ParseControl(b)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if tt.err == nil {
				if _, err := c.OpenBody(); !errors.Is(err, ErrControlType) {
					t.Errorf("body: got %v, want %v", err, ErrControlType)
				}
			}
			if _, err := ParseControl(append(b, 0)); !errors.Is(err, ErrMalformed) {
				t.Errorf("trailing byte: got %v, want %v", err, ErrMalformed)
			}
			if _, err := ParseControl(b[:len(b)-1]); !errors.Is(err, ErrMalformed) {
				t.Errorf("cut short: got %v, want %v", err, ErrMalformed)
			}
		})
	}
}

func TestBodyRefuses(t *testing.T) {
	for name, body := range map[string]Body{
		"introduction, no card":       &Introduction{},
		"introduction, card too long": &Introduction{Card: make([]byte, MaxCard+1)},
		"introduction, pass too long": &Introduction{Card: []byte{1}, Pass: make([]byte, MaxPass+1)},
		"update, no card":             &CardUpdate{},
		"update, card too long":       &CardUpdate{Card: make([]byte, MaxCard+1)},
		"receipt of nothing":          &Receipt{},
		"receipt of too much":         &Receipt{Ranges: manyRanges(MaxRanges + 1)},
		"repair of nothing":           &Repair{},
		"no passes":                   &Passes{},
		"too many passes":             &Passes{Passes: [][]byte{{1}, {2}, {3}, {4}, {5}}},
		"empty pass":                  &Passes{Passes: [][]byte{{}}},
		"pass too long":               &Passes{Passes: [][]byte{make([]byte, MaxPass+1)}},
	} {
		if _, err := body.Encode(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want %v", name, err, ErrMalformed)
		}
		alice := newIdentity(t, 1)
		if _, err := NewControl(alice.ID(), alice.ID(), nil, body, alice.Sign); !errors.Is(err, ErrMalformed) {
			t.Errorf("control, %s: got %v, want %v", name, err, ErrMalformed)
		}
	}
	for name, c := range map[string]*Control{
		"introduction, empty":         {Type: ControlIntroduction},
		"introduction, no pass field": {Type: ControlIntroduction, Body: []byte("\x00\x01a")},
		"introduction, no card":       {Type: ControlIntroduction, Body: []byte("\x00\x00\x00\x00")},
		"introduction, card too long": {Type: ControlIntroduction, Body: append([]byte{0x20, 0x01}, make([]byte, MaxCard+3)...)},
		"introduction, pass too long": {Type: ControlIntroduction, Body: append([]byte("\x00\x01a\x02\x01"), make([]byte, MaxPass+1)...)},
		"introduction and more":       {Type: ControlIntroduction, Body: []byte("\x00\x01a\x00\x00\x00")},
		"update, empty":               {Type: ControlCardUpdate},
		"update, no card":             {Type: ControlCardUpdate, Body: []byte{0, 0}},
		"update, card too long":       {Type: ControlCardUpdate, Body: append([]byte{0x20, 0x01}, make([]byte, MaxCard+1)...)},
		"receipt, empty":              {Type: ControlReceipt},
		"receipt of nothing":          {Type: ControlReceipt, Body: make([]byte, 32+2+16)},
		"receipt of too much":         {Type: ControlReceipt, Body: receiptBody(MaxRanges + 1)},
		"receipt, no head":            {Type: ControlReceipt, Body: receiptBody(1)[:32+2+16]},
		"passes, empty":               {Type: ControlPasses},
		"no passes":                   {Type: ControlPasses, Body: []byte{0}},
		"too many passes":             {Type: ControlPasses, Body: []byte("\x05\x00\x01a\x00\x01a\x00\x01a\x00\x01a\x00\x01a")},
		"empty pass":                  {Type: ControlPasses, Body: []byte{1, 0, 0}},
		"pass cut short":              {Type: ControlPasses, Body: []byte("\x01\x00\x02a")},
		"passes and more":             {Type: ControlPasses, Body: []byte("\x01\x00\x01ab")},
		"repair and more":             {Type: ControlRepair, Body: append(receiptBody(1), 0)},
	} {
		if body, err := c.OpenBody(); !errors.Is(err, ErrMalformed) || body != nil {
			t.Errorf("open %s: got %+v, %v, want %v", name, body, err, ErrMalformed)
		}
	}
}

// receiptBody encodes a receipt of n ranges.
func receiptBody(n int) []byte {
	b := append(make([]byte, 32), rawRanges(manyRanges(n))...)
	return append(b, make([]byte, 16)...)
}

func FuzzParseControl(f *testing.F) {
	for _, body := range testBodies() {
		b, err := newControl(f, body).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseControl(b)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("got %x, %v, want %x", again, err, b)
		}
	})
}

// FuzzOpenBody goes past the signature.
func FuzzOpenBody(f *testing.F) {
	for _, body := range testBodies() {
		b, err := body.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(body.Type()), b)
	}
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		body, err := (&Control{Type: ControlType(kind), Body: b}).OpenBody()
		if err != nil {
			return
		}
		again, err := body.Encode()
		if err != nil || !bytes.Equal(again, b) || body.Type() != ControlType(kind) {
			t.Errorf("got %x, %v, want %x", again, err, b)
		}
	})
}
