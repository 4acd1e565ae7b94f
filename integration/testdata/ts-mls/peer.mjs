// A member of an MLS group in ts-mls, driven by a line of JSON for each step on
// standard input; it answers each with a line. It is the other side of
// TestInteropTSMLS, and speaks as integration/testdata/openmls does.
import readline from "node:readline"
import * as mls from "ts-mls"

// Not among what the package exports.
const inside = (name) => import(new URL(name, import.meta.resolve("ts-mls")).href)
const { createGroupInfo } = await inside("createCommit.js")
const { defaultClientConfig } = await inside("clientConfig.js")

const hex = (b) => Buffer.from(b).toString("hex")
const bytes = (h) => new Uint8Array(Buffer.from(h, "hex"))
const text = (s) => new TextEncoder().encode(s)
const message = (format, field, value) =>
  hex(mls.encodeMlsMessage({ [field]: value, wireformat: format, version: "mls10" }))
const decode = (h) => mls.decodeMlsMessage(bytes(h), 0)[0]
const eachField = (o, f) => Object.fromEntries(Object.entries(o).map(([k, v]) => [k, f(v)]))

const impl = await mls.getCiphersuiteImpl(
  mls.getCiphersuiteFromName("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"))
// Version 1.6.4 takes external_pub for the bare key, where RFC 9420, section
// 12.4.3.2, has a vector: its length comes first.
const implExternal = { ...impl, hpke: { ...impl.hpke,
  importPublicKey: (k) => impl.hpke.importPublicKey(k.length === 33 ? k.subarray(1) : k) } }
let own, state

const steps = {
  async keypackage(s) {
    const now = BigInt(Math.floor(Date.now() / 1000))
    own = await mls.generateKeyPackage({ credentialType: "basic", identity: text(s.name) },
      mls.defaultCapabilities(), { notBefore: now - 3600n, notAfter: now + 2592000n }, [], impl)
    return { message: message("mls_key_package", "keyPackage", own.publicPackage) }
  },
  async create(s) {
    await steps.keypackage(s)
    const id = crypto.getRandomValues(new Uint8Array(16))
    state = await mls.createGroup(id, own.publicPackage, own.privatePackage, [], impl)
  },
  async join(s) {
    state = await mls.joinGroup(decode(s.message).welcome, own.publicPackage, own.privatePackage,
      mls.emptyPskIndex, impl)
  },
  async add(s) {
    const add = { proposalType: "add", add: { keyPackage: decode(s.message).keyPackage } }
    const r = await mls.createCommit({ state, cipherSuite: impl },
      { wireAsPublicMessage: s.public, ratchetTreeExtension: true, extraProposals: [add] })
    state = r.newState
    return { message: hex(mls.encodeMlsMessage(r.commit)), welcome: message("mls_welcome", "welcome", r.welcome) }
  },
  // A commit of a path, of the proposals that are there, and of a remove where a
  // leaf is named.
  async commit(s) {
    const proposals = s.leaf === null ? [] : [{ proposalType: "remove", remove: { removed: s.leaf } }]
    const r = await mls.createCommit({ state, cipherSuite: impl },
      { wireAsPublicMessage: s.public, extraProposals: proposals })
    state = r.newState
    return { message: hex(mls.encodeMlsMessage(r.commit)) }
  },
  async propose(s) {
    const r = await mls.createProposal(state, s.public, { proposalType: "remove", remove: { removed: s.leaf } }, impl)
    state = r.newState
    return { message: hex(mls.encodeMlsMessage(r.message)) }
  },
  // See implExternal: here the length is put in.
  async groupinfo() {
    const wrong = await mls.createGroupInfoWithExternalPubAndRatchetTree(state, [], impl)
    const extensions = wrong.extensions.map((e) => e.extensionType !== "external_pub" ? e :
      { ...e, extensionData: new Uint8Array([e.extensionData.length, ...e.extensionData]) })
    return { message: message("mls_group_info", "groupInfo",
      await createGroupInfo(state.groupContext, state.confirmationTag, state, extensions, impl)) }
  },
  async external(s) {
    const r = await mls.joinGroupExternal(decode(s.message).groupInfo, own.publicPackage, own.privatePackage, true,
      implExternal)
    state = r.newState
    return { message: message("mls_public_message", "publicMessage", r.publicMessage) }
  },
  async encrypt(s) {
    const r = await mls.createApplicationMessage(state, text(s.text), impl, text(s.data))
    state = r.newState
    return { message: message("mls_private_message", "privateMessage", r.privateMessage) }
  },
  async process(s) {
    const m = decode(s.message)
    const r = m.wireformat === "mls_private_message"
      ? await mls.processPrivateMessage(state, m.privateMessage, mls.emptyPskIndex, impl)
      : await mls.processPublicMessage(state, m.publicMessage, mls.emptyPskIndex, impl)
    state = r.newState
    return r.kind !== "applicationMessage" ? {} :
      { text: new TextDecoder().decode(r.message), data: new TextDecoder().decode(m.privateMessage.authenticatedData) }
  },
  // All that another process needs to go on from here.
  async save() {
    return { state: JSON.stringify({
      keyPackage: own && message("mls_key_package", "keyPackage", own.publicPackage),
      secrets: own && eachField(own.privatePackage, hex),
      group: state && hex(mls.encodeGroupState(state)),
    }) }
  },
  async load(s) {
    const saved = JSON.parse(s.state)
    own = saved.keyPackage &&
      { publicPackage: decode(saved.keyPackage).keyPackage, privatePackage: eachField(saved.secrets, bytes) }
    state = saved.group && { ...mls.decodeGroupState(bytes(saved.group), 0)[0], clientConfig: defaultClientConfig }
  },
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const s = JSON.parse(line)
  let out
  try {
    out = (await steps[s.step](s)) ?? {}
    if (state) out.authenticator = hex(state.keySchedule.epochAuthenticator)
  } catch (e) {
    out = { error: String(e.stack ?? e) }
  }
  console.log(JSON.stringify(out))
}
