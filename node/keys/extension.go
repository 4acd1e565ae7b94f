package keys

import "quicnprotochat/mls"

// What a conversation is, in its ConversationExtension: version 1 ‖ kind ‖ content.
const (
	extensionVersion = 1

	// KindPair is a conversation of two, see package node/convo/pair.
	KindPair = 1
	// KindGroup is one of any number, see package node/charter.
	KindGroup = 2
)

// Extension is the GroupContext extension of a conversation of a kind.
func Extension(kind byte, content []byte) mls.Extension {
	return mls.Extension{Type: ConversationExtension, Data: append([]byte{extensionVersion, kind}, content...)}
}

// Conversation finds the ConversationExtension among those of a group; kind is 0 if there
// is none.
func Conversation(extensions []mls.Extension) (kind byte, content []byte) {
	for _, x := range extensions {
		if x.Type == ConversationExtension && len(x.Data) > 1 && x.Data[0] == extensionVersion {
			return x.Data[1], x.Data[2:]
		}
	}
	return 0, nil
}
