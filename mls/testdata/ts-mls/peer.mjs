// A member of MLS groups in ts-mls, driven by a line of JSON per step on
// standard input. Needs, in the directory that it is started in:
// npm install ts-mls@1.6.4 @noble/hashes@2.0.1 @noble/ciphers@2.1.1 @noble/curves@2.0.1
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import readline from "node:readline"

const require = createRequire(process.cwd() + "/")
const mls = await import(pathToFileURL(require.resolve("ts-mls")).href)
const { createGroupInfo } = await import(new URL("createCommit.js", pathToFileURL(require.resolve("ts-mls"))).href)

const hex = (b) => Buffer.from(b).toString("hex")
const bytes = (h) => new Uint8Array(Buffer.from(h, "hex"))
const text = (s) => new TextEncoder().encode(s)
const message = (format, field, value) =>
  hex(mls.encodeMlsMessage({ [field]: value, wireformat: format, version: "mls10" }))
const decode = (h) => mls.decodeMlsMessage(bytes(h), 0)[0]

const impl = await mls.getCiphersuiteImpl(
  mls.getCiphersuiteFromName("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"))
let own, state

const steps = {
  async keypackage() {
    const now = BigInt(Math.floor(Date.now() / 1000))
    own = await mls.generateKeyPackage({ credentialType: "basic", identity: text("ts") },
      mls.defaultCapabilities(), { notBefore: now - 3600n, notAfter: now + 2592000n }, [], impl)
    return { message: message("mls_key_package", "keyPackage", own.publicPackage) }
  },
  async create() {
    await steps.keypackage()
    state = await mls.createGroup(text("a group of ts-mls"), own.publicPackage, own.privatePackage, [], impl)
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
  // A commit of a path, and of a remove where a leaf is named.
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
  // Version 1.6.4 leaves out the length before external_pub, later ones do not:
  // this makes the extension as RFC 9420 has it.
  async groupinfo() {
    const wrong = await mls.createGroupInfoWithExternalPubAndRatchetTree(state, [], impl)
    const extensions = wrong.extensions.map((e) => e.extensionType !== "external_pub" ? e :
      { ...e, extensionData: new Uint8Array([e.extensionData.length, ...e.extensionData]) })
    return { message: message("mls_group_info", "groupInfo",
      await createGroupInfo(state.groupContext, state.confirmationTag, state, extensions, impl)) }
  },
  async external(s) {
    const r = await mls.joinGroupExternal(decode(s.message).groupInfo, own.publicPackage, own.privatePackage, true, impl)
    state = r.newState
    return { message: message("mls_public_message", "publicMessage", r.publicMessage) }
  },
  async encrypt(s) {
    const r = await mls.createApplicationMessage(state, text(s.text), impl, text("data"))
    state = r.newState
    return { message: message("mls_private_message", "privateMessage", r.privateMessage) }
  },
  async process(s) {
    const m = decode(s.message)
    const r = m.wireformat === "mls_private_message"
      ? await mls.processPrivateMessage(state, m.privateMessage, mls.emptyPskIndex, impl)
      : await mls.processPublicMessage(state, m.publicMessage, mls.emptyPskIndex, impl)
    state = r.newState
    return r.kind === "applicationMessage" ? { text: new TextDecoder().decode(r.message) } : {}
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
