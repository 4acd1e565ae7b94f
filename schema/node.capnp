@0xd5ca5648a9cc1c28;
# The wire contract of NodeService: the one service that a node answers for its
# own identity and a relay answers for those who are away. Ids, ordinals, names
# and types are fixed; additions only after the last ordinal.

using Go = import "/go.capnp";
$Go.package("schema");
$Go.import("quicnprotochat/schema");

interface NodeService {
  # Key packages (RFC 9420, section 10): single use, first in first out per
  # identity. An empty package means that none is stored.
  uploadKeyPackage @0 (identityKey :Data, package :Data, auth :Auth) -> (fingerprint :Data);
  fetchKeyPackage @1 (identityKey :Data, auth :Auth) -> (package :Data);

  # The mailbox. seq grows per inbox; limit 0 means all. fetch and fetchWait
  # drain; peek and peekWait remove nothing; ack removes up to seqUpTo, included.
  enqueue @2 (recipientKey :Data, payload :Data, channelId :Data, version :UInt16, auth :Auth) -> (seq :UInt64);
  fetch @3 (recipientKey :Data, channelId :Data, version :UInt16, auth :Auth, limit :UInt32) -> (payloads :List(Envelope));
  fetchWait @4 (recipientKey :Data, channelId :Data, version :UInt16, timeoutMs :UInt64, auth :Auth, limit :UInt32) -> (payloads :List(Envelope));

  health @5 () -> (status :Text);

  # Signed X25519 + ML-KEM-768 public keys that payloads are sealed to.
  uploadHybridKey @6 (identityKey :Data, hybridPublicKey :Data, auth :Auth) -> ();
  fetchHybridKey @7 (identityKey :Data, auth :Auth) -> (hybridPublicKey :Data);

  # Accounts by OPAQUE (RFC 9807).
  opaqueRegisterStart @8 (username :Text, request :Data) -> (response :Data);
  # An upload is a registration record (192 bytes), and behind it, where no TLS
  # proves identityKey, a signature of 64 bytes by it (package rpc/account).
  # inviteCode came later: it is spent in the same step that makes the account.
  opaqueRegisterFinish @9 (username :Text, upload :Data, identityKey :Data, inviteCode :Text) -> (success :Bool);
  opaqueLoginStart @10 (username :Text, request :Data) -> (response :Data);
  opaqueLoginFinish @11 (username :Text, finalization :Data, identityKey :Data) -> (sessionToken :Data);

  # Where an identity can be reached directly: its signed endpoint.
  publishEndpoint @12 (identityKey :Data, nodeAddr :Data, auth :Auth) -> ();
  resolveEndpoint @13 (identityKey :Data, auth :Auth) -> (nodeAddr :Data);

  peek @14 (recipientKey :Data, channelId :Data, version :UInt16, auth :Auth, limit :UInt32) -> (payloads :List(Envelope));
  ack @15 (recipientKey :Data, channelId :Data, version :UInt16, seqUpTo :UInt64, auth :Auth) -> ();

  # Many in one round trip; results in the order of the arguments.
  fetchHybridKeys @16 (identityKeys :List(Data), auth :Auth) -> (keys :List(Data));
  batchEnqueue @17 (recipientKeys :List(Data), payload :Data, channelId :Data, version :UInt16, auth :Auth) -> (seqs :List(UInt64));

  # The channel of the caller and one peer: looked up, or created.
  createChannel @18 (peerKey :Data, auth :Auth) -> (channelId :Data);

  # The directory. An empty result means unknown.
  resolveUser @19 (username :Text, auth :Auth) -> (identityKey :Data);
  resolveIdentity @20 (identityKey :Data, auth :Auth) -> (username :Text);

  # peek that starts behind afterSeq and waits up to timeoutMs for the first one.
  peekWait @21 (recipientKey :Data, channelId :Data, version :UInt16, afterSeq :UInt64, timeoutMs :UInt64, auth :Auth, limit :UInt32) -> (payloads :List(Envelope));

  # What the owner of an account does to it. auth is a session: for endSession
  # any, which it ends; for the others one whose login was a moment ago.
  # changePassword takes a record made by opaqueRegisterStart with the same name.
  endSession @22 (auth :Auth) -> ();
  changePassword @23 (upload :Data, auth :Auth) -> (sessionToken :Data);
  deleteAccount @24 (auth :Auth) -> ();
}

struct Auth {
  version @0 :UInt16;      # 1 = token
  accessToken @1 :Data;    # never empty; its first byte is its kind
  deviceId @2 :Data;       # empty or 16 bytes, for audit and rate limits
}

struct Envelope {
  seq @0 :UInt64;          # per inbox, growing, given by whoever stores it
  data @1 :Data;           # sealed payload
}
