// Package mls is Messaging Layer Security, RFC 9420: keys for a group of any
// size, agreed on without a server that has to be trusted.
//
// # What it is not
//
// It does no I/O, reads no clock and starts no goroutine that outlives a call.
// It does not know who may speak for an identity (RFC 9420, §5.3.1), who may add
// whom, or which of two commits wins: the caller looks at a KeyPackage, at
// Members after Join, and at Staged.Changes, and refuses what it does not want.
// It does not pad and does not hide who talks: mls/seal does.
//
// # For whom
//
// For node/convo and node/group, which keep one scope of Records per epoch, inside the
// transaction of the message or commit that changes them.
//
// # Invariants
//
//   - An Epoch never changes. A commit, ours or another's, is staged, looked at
//     and applied; what is refused or dropped leaves the epoch as it was, so
//     that of two commits in one epoch either can be entered by everybody.
//   - The secret tree is not part of the Epoch. It lives in the Records alone,
//     and a call that fails has not written to them: a transaction that is
//     rolled back leaves nothing stale in memory. (Our own private commit or proposal takes
//     a key of our handshake ratchet before it is applied.)
//   - A message sent or received reads and writes about one ratchet, some 100
//     bytes, at any group size.
//   - What a call writes is one transaction of the caller's (Records says why);
//     then a crash at any write uses no key twice and loses nothing that can be
//     read.
//   - A key is erased from the Records with the message that used it, and so is every
//     secret it could be derived from (RFC 9420, §9.2). Of a sender's last MaxKept
//     generations the unused keys are kept for messages that come late, as long as the
//     Records of the epoch; MaxForward is the farthest jump. A commit that is refused,
//     dropped or removes us changes nothing: its key goes with the epoch.
//   - An input allocates a small multiple of its size, and no error holds a
//     secret.
//   - Hash, KEM, AEAD and signature belong to the suite: a new suite is a row of
//     one table.
//   - Whether another's commit or tree is valid depends on its bytes and its
//     parent epoch. Time is an argument of who adds.
//
// # What is there
//
// Suites 0x0001 to 0x0007 and the hybrid one with X-Wing, 0x004F, as OpenMLS 0.9
// has it; key packages,
// last resort and GREASE included; creating a group with GroupContext extensions and
// required capabilities. Commits that add, remove, update, set extensions, mix
// in pre-shared keys (external, resumption) or end the group (ReInit), in any
// combination that RFC 9420 allows, private or public; the same as proposals on
// their own, committed by reference: so one leaves. External commits, which
// Stage lets in only when a present member brings its own leaf back, unless the
// caller's ExternalPolicy says otherwise. Welcome and GroupInfo with the tree in
// them or beside; in place of the bare tree a sealed one. Groups that go on from
// another, by branch or reinit. Application messages; exporter and epoch
// authenticator.
//
// That is more than our node has a use for: it makes no proposals on their own, mixes in
// no pre-shared keys, ends no group by ReInit, sends no public messages but external
// commits, and uses two of the suites. The rest is there for members that run other
// programs, and the tests of integration use it with them.
//
// # Where to read
//
//   - What a program calls: create.go, join.go and external.go begin; epoch.go is one
//     epoch of a group, binding.go its name, application.go its messages; committing.go
//     makes a commit and inviting.go its Welcome, staged.go follows another's, changes.go
//     says what one does; proposing.go, psk.go and reinit.go are the rest of the
//     protocol; keypackage.go is what others add us by; records.go and save.go are what
//     is kept.
//   - What becomes of a commit: proposallist.go, which proposals may be together;
//     transition.go, the tree and the group after them; nextepoch.go, the keys.
//   - Forms of messages: message.go, framing.go, handshake.go, privatemessage.go,
//     publicmessage.go, proposal.go, commit.go, welcome.go, groupinfo.go, groupcontext.go;
//     encoding.go reads and writes them.
//   - The ratchet tree: tree.go and treemath.go; leafnode.go, parentnode.go, credential.go,
//     capabilities.go, extension.go and lifetime.go, what is in it; treeedit.go, how it
//     changes; treehash.go, treecodec.go and treevalid.go, whether it is as it must be;
//     path.go and ownpath.go, fresh keys along it; keyindex.go, which keys are in it.
//   - Keys of an epoch: keyschedule.go, transcript.go, secrettree.go and ratchet.go.
//   - Cryptography: suite.go, and below it hpke.go, x448.go, signature.go, smallorder.go
//     and hasher.go.
//
// # What is not there
//
// Who commits cannot change its credential, signature key or capabilities.
// Proposals of external senders and of new members are received; making them is
// not here. Proposals of types that RFC 9420 does not know cannot be decoded.
// X.509 credentials are decoded and refused.
//
// # What it costs
//
// BenchmarkGroup compares each operation with the cryptography that RFC 9420
// requires for it, called in turns with it: xbound in time, xcpu in processor
// time. At 1,000 members a message costs 1.1 times that, a commit 1.1, following
// one 1.2, joining and inviting 1.2. A message costs the same in a group of any
// size; a commit and following it grow with the depth of the tree, joining and
// LoadEpoch with the members: keep the Epoch. What is independent runs on all
// cores.
//
// # Which test holds which MUST
//
// TestInteropTSMLS, TestInteropOpenMLS and TestInteropWalk of integration live in groups
// with two other implementations, whoever began them.
//
// TestNever has a subtest for each of 16 things that must never happen, and
// testdata/never a patch for each that makes it happen: .ci/mutants mls.
// TestTable checks that what is named here is there, and that no subsection of
// §7, §12 and §13 is forgotten.
//
//	§2.1.1    optional values                    TestOptional
//	§2.1.2    shortest vector headers            TestVectorLengths, vectors deserialization
//	§5.1, 5.2 labels, references                 vectors crypto-basics
//	§6        application data is never public   vectors message-protection
//	§6.1      signature of every message         TestStageRefuses, TestSenders, FuzzDecryptContents
//	§6.1      sender type and content type       TestStageRefuses, TestNever/07
//	§6.2      membership tag                     TestStageRefuses
//	§6.3.1    fresh reuse guard; zero padding    TestReuseGuard, TestPadding
//	§6.3.2    sender is a member                 TestSenders, TestSenderData
//	§7.1      order of unmerged leaves           TestTreeEncoding
//	§7.2      own extensions and credential in
//	          the capabilities                   TestKeyPackageValidation
//	          types of all clients not listed    TestDefaultTypesAreNotListed
//	          greatest lifetime                  TestKeyPackageValidation, TestGreatestLifetime
//	§7.3      leaf: signature, credential,
//	          required capabilities, group
//	          extensions, source                 TestKeyPackageValidation, TestJoinRefuses, TestNever/12
//	          credential types of all members    TestCredentialTypes
//	          keys are nowhere else in the tree  TestKeysAreUnique, TestPathKeysAreNew,
//	                                             TestKeyIndex, TestNever/12
//	          keys that can be encrypted to,
//	          each with one encoding             TestSmallOrder, TestOldKeyWrittenAnew
//	§7.3      lifetime, by who adds alone        TestKeyPackageLifetime, TestAddRefuses, TestWrongClock
//	§7.4, 7.5 path secrets and their keys        vectors treekem, TestPathsAtRandom, TestWrongPathSecret
//	§7.6      number of nodes and ciphertexts    TestUpdatePath
//	§7.7, 7.8 adding, removing, tree hashes      vectors tree-operations, vectors tree-validation
//	§7.7      no blank right half                TestJoinRefuses
//	§7.9      parent hashes when joining         TestTamperedTrees, TestOriginalTreeHash
//	§7.9      parent hashes of a path            vectors treekem, TestPathsAtRandom, TestNever/12
//	§8        key schedule, transcript, exporter vectors key-schedule, vectors transcript-hashes
//	§8.3      external init secret               TestExternal
//	§8.4      pre-shared keys                    vectors psk_secret, TestPSK
//	§9.1      a key encrypts one message         TestOutOfOrder, TestRatchetExhausted, TestCutAtEveryWrite
//	§9.2      consumed secrets are deleted       TestTreeSecretsAreConsumed, TestUsedKeysAreErased, TestNever/02
//	          and what leads to an epoch         TestPastIsErased, TestSecretsAreWiped, TestWipedFromMemory
//	§10, 10.1 key package                        TestKeyPackageValidation, TestKeyPackageSignatures
//	§11.2, 3  reinit and branch                  TestReInit, TestGoesOn
//	§12.1     a proposal by itself               TestEachProposal
//	§12.1.1   Add: a valid key package           TestStageRefuses, TestCheckAdd, TestNever/12
//	§12.1.2   Update: a valid leaf, a new key    TestNever/12, TestNever/08
//	§12.1.3   Remove: of a member; the tree
//	          shrinks                            TestEachProposal, TestNever/11, TestTreeShrinks
//	§12.1.4   PreSharedKey: nonce, usage         TestEachProposal, TestPSK, TestBeginningPSK
//	§12.1.5   ReInit: version                    TestEachProposal, TestReInit
//	§12.1.6   ExternalInit: from outside only    TestEachProposal, TestNever/16
//	§12.1.7   extensions that all support        TestGroupNeeds, TestEachProposal
//	§12.1.8   external senders                   TestExternalSenders, TestNever/07
//	§12.2     proposal list                      TestProposalLists, TestNever/08
//	§12.2     a fresh key for who comes back     TestResyncFreshKey
//	§12.3     order of applying                  TestRemoveAndAddAgain, TestNever/14, vectors passive-client-random
//	§12.4     where a path is needed             TestNeedsPath
//	§12.4     commit before application data     TestPending; the caller's, see below
//	§12.4.1   a commit is entered as a whole     TestStagedLeavesEpoch, TestTwoCommits, TestNever/05
//	§12.4.2   epoch, confirmation tag            TestStageRefuses, TestOldEpochs
//	§12.4.2   proposals that are not here        TestStageRefuses, TestLateProposal
//	§12.4.2   whole commits                      vectors passive-client-handling-commit, vectors passive-client-random
//	§12.4.3.1 joining, with all keys of §4.2     TestJoinRefuses, vectors welcome, vectors passive-client-welcome
//	          the path secret fits its node      TestPathSecretFits
//	§12.4.3.2 external commits                   TestExternal, TestExternalList, TestNever/16,
//	                                             TestExternalLeaf, TestOwnExternalLeaf
//	§12.4.3.3 encoding of the tree; its hash     TestTreeEncoding, TestJoinRefuses
//	§13.1     the suite in the capabilities      TestKeyPackageValidation, TestNever/12
//	§13.2     unknown types of proposals         TestEachProposal
//	§13.3     types of credentials               TestCredentialTypes, TestKeyPackageValidation
//	§13.4     unknown extensions: ignored in a
//	          key package and GroupInfo, refused
//	          in a group; no type twice          TestKeyPackage, TestJoinRefuses,
//	                                             TestDuplicateExtensions, TestOwnExtensions
//	§13.5     GREASE is read past, and is no
//	          capability                         TestGREASE, TestReservedInGroup
//	§15.3     late and reordered messages        TestOutOfOrder, TestGenerationLimits
//
// The caller's are: that group ids are unique (§12.4.3.1), who may speak for an
// identity, also when a commit changes a leaf or the external senders (§5.3.1), how
// many past epochs keep their ResumptionPSK (§8.6), that the members of a group
// which goes on from another are those of before (§11.2, §11.3), that who is removed
// erases what it has of the group (§12.4.2; TestRemovedForgets of node/group), and that who has
// received a valid proposal commits before it sends application data (§12.4). Our
// node receives none: in its groups a proposal that travels alone is invalid, as an
// application may rule (§12.2); it is refused and kept nowhere, and a commit that
// names one does not open (TestStandAloneProposals and TestHostileCommits of
// node/group). Who leaves says so in a message of the node's own.
//
// The greatest lifetime (§7.2), MaxLifetime, is looked at by all, for that takes no
// clock. Whether a lifetime is over is looked at by who adds and by nobody else, other
// than §7.3 recommends: a wrong clock must not fork a group. It has LifetimeSlack, a day,
// for clocks that differ.
package mls
