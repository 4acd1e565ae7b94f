package mdns

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// service is the DNS-SD service of nodes (RFC 6763, section 7).
	service = "_qpc._udp.local."
	// textPrefix begins the TXT strings that hold an address with the key at its end.
	textPrefix = "dnsaddr="
	// sealedPrefix begins the one that holds addresses that only some can read.
	sealedPrefix = "sealed="
	// MaxSealed is how many bytes those may have: they go as base64 into one TXT
	// string, of 255 bytes at most.
	MaxSealed = 180

	// MaxPacket is the size of the largest message that is read, in bytes.
	MaxPacket  = 9000
	maxRecords = 64
)

// MaxAddrs is how many addresses of one node are announced.
const MaxAddrs = 8

// Message is what a multicast DNS message says of nodes.
type Message struct {
	Query bool // asks who is there
	Nodes []Node
}

// Node is one that announces itself, or says goodbye.
type Node struct {
	// Addrs are addresses as it wrote them: nothing about them was checked.
	Addrs []string
	// Sealed is what only those can read who know it; nil if there is none.
	Sealed []byte
	Gone   bool
	// From is where the message came from, as far as that can be believed.
	From netip.Addr
}

// Query returns the question who is there.
func Query() ([]byte, error) {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{})
	name, err := dnsmessage.NewName(service)
	if err != nil {
		return nil, err
	}
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	if err := b.Question(dnsmessage.Question{Name: name, Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET}); err != nil {
		return nil, err
	}
	return b.Finish()
}

// Answer returns the announcement of a node under a random instance name, for
// ttl seconds; 0 is goodbye (RFC 6762, section 10.1). Addresses too long for a
// TXT string, and those beyond MaxAddrs, are left out.
func Answer(instance string, addrs []string, ttl uint32) ([]byte, error) {
	var texts []string
	for _, a := range addrs {
		if text := textPrefix + a; len(text) < 256 && len(texts) < MaxAddrs {
			texts = append(texts, text)
		}
	}
	return answer(instance, texts, ttl)
}

// AnswerSealed is Answer of at most MaxSealed bytes that only some can read.
func AnswerSealed(instance string, sealed []byte, ttl uint32) ([]byte, error) {
	if len(sealed) > MaxSealed {
		return nil, errors.New("sealed addresses too large")
	}
	return answer(instance, []string{sealedPrefix + base64.RawURLEncoding.EncodeToString(sealed)}, ttl)
}

func answer(instance string, texts []string, ttl uint32) ([]byte, error) {
	ptr, err := dnsmessage.NewName(service)
	if err != nil {
		return nil, err
	}
	name, err := dnsmessage.NewName(instance + "." + service)
	if err != nil {
		return nil, err
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true, Authoritative: true})
	b.EnableCompression()
	if err := b.StartAnswers(); err != nil {
		return nil, err
	}
	h := dnsmessage.ResourceHeader{Name: ptr, Class: dnsmessage.ClassINET, TTL: ttl}
	if err := b.PTRResource(h, dnsmessage.PTRResource{PTR: name}); err != nil {
		return nil, err
	}
	h.Name = name
	if err := b.TXTResource(h, dnsmessage.TXTResource{TXT: texts}); err != nil {
		return nil, err
	}
	return b.Finish()
}

// Parse reads a multicast DNS message; what is not ours in it is passed over.
func Parse(b []byte) (Message, error) {
	if len(b) > MaxPacket {
		return Message{}, errors.New("message too large")
	}
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil {
		return Message{}, fmt.Errorf("parse message: %w", err)
	}
	var m Message
	for range maxRecords {
		q, err := p.Question()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		}
		if err != nil {
			return Message{}, fmt.Errorf("parse question: %w", err)
		}
		m.Query = m.Query || !h.Response && q.Type == dnsmessage.TypePTR && strings.EqualFold(q.Name.String(), service)
	}
	if !h.Response {
		return m, nil
	}
	if err := p.SkipAllQuestions(); err != nil {
		return Message{}, fmt.Errorf("parse questions: %w", err)
	}
	for range maxRecords {
		node, ok, err := parseAnswer(&p)
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		}
		if err != nil {
			return Message{}, err
		}
		if ok {
			m.Nodes = append(m.Nodes, node)
		}
	}
	return m, nil
}

// parseAnswer reads one record; ok is false if it is none of ours.
func parseAnswer(p *dnsmessage.Parser) (node Node, ok bool, err error) {
	h, err := p.AnswerHeader()
	if err != nil {
		return Node{}, false, err
	}
	name := strings.ToLower(h.Name.String())
	if h.Type != dnsmessage.TypeTXT || !strings.HasSuffix(name, "."+service) {
		return Node{}, false, p.SkipAnswer()
	}
	txt, err := p.TXTResource()
	if err != nil {
		return Node{}, false, fmt.Errorf("parse TXT: %w", err)
	}
	node.Gone = h.TTL == 0
	for _, text := range txt.TXT {
		if addr, ok := strings.CutPrefix(text, textPrefix); ok {
			node.Addrs = append(node.Addrs, addr)
		}
		if sealed, ok := strings.CutPrefix(text, sealedPrefix); ok && node.Sealed == nil {
			if b, err := base64.RawURLEncoding.DecodeString(sealed); err == nil && len(b) <= MaxSealed {
				node.Sealed = b
			}
		}
	}
	return node, true, nil
}
