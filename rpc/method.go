package rpc

import (
	"context"

	"capnproto.org/go/capnp/v3"

	"quicnprotochat/schema"
)

// method is one method of NodeService, as the server sees it.
type method struct {
	name    string
	offered func(*Service) bool
	run     func(s *server, ctx context.Context, args capnp.Struct) (answer, error)
	ordered bool // handlers start in the order of the calls
	large   bool // the answer may be as large as a message can be
	waits   bool // for up to MaxWait, and its arguments with it: they must be tiny
}

// methods is indexed by ordinal.
var methods = [...]method{
	0:  {name: "uploadKeyPackage", offered: offersKeys, run: (*server).uploadKeyPackage},
	1:  {name: "fetchKeyPackage", offered: offersKeys, run: (*server).fetchKeyPackage, large: true},
	2:  {name: "enqueue", offered: offersDepositor, run: (*server).enqueue, ordered: true},
	3:  {name: "fetch", offered: offersInbox, run: (*server).fetch, large: true},
	4:  {name: "fetchWait", offered: offersInbox, run: (*server).fetchWait, large: true, waits: true},
	5:  {name: "health", offered: func(s *Service) bool { return s.Health != nil }, run: (*server).health},
	6:  {name: "uploadHybridKey", offered: offersKeys, run: (*server).uploadHybridKey},
	7:  {name: "fetchHybridKey", offered: offersKeys, run: (*server).fetchHybridKey},
	8:  {name: "opaqueRegisterStart", offered: offersAccounts, run: (*server).registerStart},
	9:  {name: "opaqueRegisterFinish", offered: offersAccounts, run: (*server).registerFinish},
	10: {name: "opaqueLoginStart", offered: offersAccounts, run: (*server).loginStart},
	11: {name: "opaqueLoginFinish", offered: offersAccounts, run: (*server).loginFinish},
	12: {name: "publishEndpoint", offered: offersEndpoints, run: (*server).publishEndpoint},
	13: {name: "resolveEndpoint", offered: offersEndpoints, run: (*server).resolveEndpoint},
	14: {name: "peek", offered: offersInbox, run: (*server).peek, large: true},
	15: {name: "ack", offered: offersInbox, run: (*server).ack},
	16: {name: "fetchHybridKeys", offered: offersKeys, run: (*server).fetchHybridKeys, large: true},
	17: {name: "batchEnqueue", offered: offersDepositor, run: (*server).batchEnqueue, ordered: true},
	18: {name: "createChannel", offered: func(s *Service) bool { return s.Channels != nil }, run: (*server).createChannel},
	19: {name: "resolveUser", offered: offersDirectory, run: (*server).resolveUser},
	20: {name: "resolveIdentity", offered: offersDirectory, run: (*server).resolveIdentity},
	21: {name: "peekWait", offered: offersInbox, run: (*server).peekWait, large: true, waits: true},
	22: {name: "endSession", offered: offersOwners, run: (*server).endSession},
	23: {name: "changePassword", offered: offersOwners, run: (*server).changePassword},
	24: {name: "deleteAccount", offered: offersOwners, run: (*server).deleteAccount},
}

func offersDepositor(s *Service) bool { return s.Depositor != nil }
func offersInbox(s *Service) bool     { return s.Inbox != nil }
func offersKeys(s *Service) bool      { return s.Keys != nil }
func offersEndpoints(s *Service) bool { return s.Endpoints != nil }
func offersAccounts(s *Service) bool  { return s.Accounts != nil }
func offersOwners(s *Service) bool    { return s.Owners != nil }
func offersDirectory(s *Service) bool { return s.Directory != nil }

// methodOf returns nil for a method that this program doesn't know.
func methodOf(m capnp.Method) *method {
	if m.InterfaceID != schema.NodeService_TypeID || int(m.MethodID) >= len(methods) {
		return nil
	}
	return &methods[m.MethodID]
}

// The sizes of results.
var (
	sizeWord    = capnp.ObjectSize{DataSize: 8}
	sizePointer = capnp.ObjectSize{PointerCount: 1}
)
