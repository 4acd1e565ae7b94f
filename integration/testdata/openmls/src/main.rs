//! A member of an MLS group in OpenMLS, driven by a line of JSON for each step on
//! standard input; it answers each with a line. It is the other side of
//! TestInteropOpenMLS, and speaks as integration/testdata/ts-mls/peer.mjs does.

use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, BufRead, Write},
};

use openmls::{
    prelude::{tls_codec::*, *},
    treesync::LeafNodeParameters,
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Default)]
struct Member {
    provider: OpenMlsRustCrypto,
    signer: Option<SignatureKeyPair>,
    group: Option<MlsGroup>,
}

impl Member {
    fn step(&mut self, s: &Value) -> Result<Value> {
        match text(s, "step") {
            "keypackage" => self.key_package(suite(s)?, s),
            "create" => self.create(suite(s)?, s),
            "join" => self.join(s),
            "add" => self.add(s),
            "commit" => self.commit(s),
            "propose" => self.propose(s),
            "groupinfo" => self.group_info(),
            "external" => self.external(s),
            "encrypt" => self.encrypt(s),
            "process" => self.process(s),
            "save" => self.save(),
            "load" => self.load(s),
            "status" => self.status(),
            other => Err(format!("unknown step {other}").into()),
        }
    }

    fn group(&mut self) -> Result<(&mut MlsGroup, &OpenMlsRustCrypto, &SignatureKeyPair)> {
        match (&mut self.group, &self.signer) {
            (Some(group), Some(signer)) => Ok((group, &self.provider, signer)),
            _ => Err("not in a group".into()),
        }
    }

    /// The credential, with a signature key that is made once.
    fn credential(&mut self, name: &str) -> Result<CredentialWithKey> {
        if self.signer.is_none() {
            let signer = SignatureKeyPair::new(SignatureScheme::ED25519)?;
            signer.store(self.provider.storage())?;
            self.signer = Some(signer);
        }
        let signer = self.signer.as_ref().ok_or("no signer")?;
        Ok(CredentialWithKey {
            credential: BasicCredential::new(name.into()).into(),
            signature_key: signer.to_public_vec().into(),
        })
    }

    fn key_package(&mut self, suite: Ciphersuite, s: &Value) -> Result<Value> {
        let credential = self.credential(text(s, "name"))?;
        let signer = self.signer.as_ref().ok_or("no signer")?;
        let bundle = KeyPackage::builder()
            .leaf_node_capabilities(capabilities(suite))
            .build(suite, &self.provider, signer, credential)?;
        message(&MlsMessageOut::from(bundle.key_package().clone()))
    }

    fn create(&mut self, suite: Ciphersuite, s: &Value) -> Result<Value> {
        let credential = self.credential(text(s, "name"))?;
        let signer = self.signer.as_ref().ok_or("no signer")?;
        let group = MlsGroup::builder()
            .ciphersuite(suite)
            .with_capabilities(capabilities(suite))
            .use_ratchet_tree_extension(true)
            .with_wire_format_policy(policy(false))
            .build(&self.provider, signer, credential)?;
        self.group = Some(group);
        Ok(json!({}))
    }

    fn join(&mut self, s: &Value) -> Result<Value> {
        let MlsMessageBodyIn::Welcome(welcome) = decode(s)?.extract() else {
            return Err("not a Welcome".into());
        };
        let group = StagedWelcome::new_from_welcome(&self.provider, &config(false), welcome, None)?
            .into_group(&self.provider)?;
        self.group = Some(group);
        Ok(json!({}))
    }

    fn add(&mut self, s: &Value) -> Result<Value> {
        let MlsMessageBodyIn::KeyPackage(key_package) = decode(s)?.extract() else {
            return Err("not a KeyPackage".into());
        };
        let (group, provider, signer) = self.group()?;
        let key_package = key_package.validate(provider.crypto(), ProtocolVersion::Mls10)?;
        group.set_configuration(provider.storage(), &config(flag(s, "public")))?;
        let (commit, welcome, _) = group.add_members(provider, signer, &[key_package])?;
        group.merge_pending_commit(provider)?;
        Ok(json!({
            "message": hex(&commit.tls_serialize_detached()?),
            "welcome": hex(&welcome.tls_serialize_detached()?),
        }))
    }

    /// A commit of a path, of the proposals that are there, and of a remove where a
    /// leaf is named.
    fn commit(&mut self, s: &Value) -> Result<Value> {
        let (group, provider, signer) = self.group()?;
        group.set_configuration(provider.storage(), &config(flag(s, "public")))?;
        let bundle = group
            .commit_builder()
            .consume_proposal_store(true)
            .force_self_update(true)
            .propose_removals(leaf(s))
            .load_psks(provider.storage())?
            .build(provider.rand(), provider.crypto(), signer, |_| true)?
            .stage_commit(provider)?;
        let out = message(bundle.commit())?;
        group.merge_pending_commit(provider)?;
        Ok(out)
    }

    /// A proposal to remove a leaf; without one, to update the own leaf.
    fn propose(&mut self, s: &Value) -> Result<Value> {
        let (group, provider, signer) = self.group()?;
        group.set_configuration(provider.storage(), &config(flag(s, "public")))?;
        let (proposal, _) = match leaf(s) {
            Some(leaf) => group.propose_remove_member(provider, signer, leaf)?,
            None => group.propose_self_update(provider, signer, LeafNodeParameters::default())?,
        };
        message(&proposal)
    }

    /// Where in the tree the member is.
    fn status(&mut self) -> Result<Value> {
        let (group, _, _) = self.group()?;
        Ok(json!({ "leaf": group.own_leaf_index().u32() }))
    }

    fn group_info(&mut self) -> Result<Value> {
        let (group, provider, signer) = self.group()?;
        message(&group.export_group_info(provider.crypto(), signer, true)?)
    }

    fn external(&mut self, s: &Value) -> Result<Value> {
        let MlsMessageBodyIn::GroupInfo(info) = decode(s)?.extract() else {
            return Err("not a GroupInfo".into());
        };
        let credential = self.credential(text(s, "name"))?;
        let signer = self.signer.as_ref().ok_or("no signer")?;
        if let Some(mut old) = self.group.take() {
            old.delete(self.provider.storage())?;
        }
        let (group, bundle) = MlsGroup::external_commit_builder()
            .with_config(config(false))
            .build_group(&self.provider, info, credential)?
            .load_psks(self.provider.storage())?
            .build(self.provider.rand(), self.provider.crypto(), signer, |_| {
                true
            })?
            .finalize(&self.provider)?;
        self.group = Some(group);
        message(bundle.commit())
    }

    fn encrypt(&mut self, s: &Value) -> Result<Value> {
        let (group, provider, signer) = self.group()?;
        group.set_aad(text(s, "data").into());
        message(&group.create_message(provider, signer, text(s, "text").as_bytes())?)
    }

    fn process(&mut self, s: &Value) -> Result<Value> {
        let incoming = decode(s)?.try_into_protocol_message()?;
        let (group, provider, _) = self.group()?;
        let processed = group.process_message(provider, incoming)?;
        let aad = processed.aad().to_vec();
        match processed.into_content() {
            ProcessedMessageContent::ApplicationMessage(m) => {
                let (text, data) = (String::from_utf8(m.into_bytes())?, String::from_utf8(aad)?);
                return Ok(json!({ "text": text, "data": data }));
            }
            ProcessedMessageContent::ProposalMessage(p) => {
                group.store_pending_proposal(provider.storage(), *p)?
            }
            ProcessedMessageContent::StagedCommitMessage(c) => {
                group.merge_staged_commit(provider, *c)?
            }
            _ => return Err("a message of another kind".into()),
        }
        Ok(json!({}))
    }

    /// All that another process needs to go on from here.
    fn save(&mut self) -> Result<Value> {
        let values = self
            .provider
            .storage()
            .values
            .read()
            .map_err(|e| e.to_string())?;
        let values: BTreeMap<String, String> =
            values.iter().map(|(k, v)| (hex(k), hex(v))).collect();
        let state = json!({
            "values": values,
            "signer": self.signer.as_ref().map(|s| hex(s.public())),
            "group": self.group.as_ref().map(|g| hex(g.group_id().as_slice())),
        });
        Ok(json!({ "state": state.to_string() }))
    }

    fn load(&mut self, s: &Value) -> Result<Value> {
        let state: Value = serde_json::from_str(text(s, "state"))?;
        let mut member = Member::default();
        let mut values = member
            .provider
            .storage()
            .values
            .write()
            .map_err(|e| e.to_string())?;
        for (k, v) in state["values"].as_object().ok_or("no values")? {
            values.insert(unhex(k)?, unhex(v.as_str().ok_or("no value")?)?);
        }
        drop(values);
        if let Some(public) = state["signer"].as_str() {
            let storage = member.provider.storage();
            member.signer =
                SignatureKeyPair::read(storage, &unhex(public)?, SignatureScheme::ED25519);
        }
        if let Some(id) = state["group"].as_str() {
            member.group =
                MlsGroup::load(member.provider.storage(), &GroupId::from_slice(&unhex(id)?))?;
        }
        *self = member;
        Ok(json!({}))
    }

    /// Says in which epoch the member is.
    fn authenticator(&self) -> Option<String> {
        self.group
            .as_ref()
            .map(|g| hex(g.epoch_authenticator().as_slice()))
    }
}

fn capabilities(suite: Ciphersuite) -> Capabilities {
    Capabilities::builder().ciphersuites(vec![suite]).build()
}

/// Handshake messages of ours are public or private; those of others may be either.
fn policy(public: bool) -> WireFormatPolicy {
    if public {
        MIXED_PLAINTEXT_WIRE_FORMAT_POLICY
    } else {
        MIXED_CIPHERTEXT_WIRE_FORMAT_POLICY
    }
}

fn config(public: bool) -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(policy(public))
        .use_ratchet_tree_extension(true)
        .build()
}

fn text<'a>(s: &'a Value, name: &str) -> &'a str {
    s[name].as_str().unwrap_or_default()
}

fn flag(s: &Value, name: &str) -> bool {
    s[name].as_bool().unwrap_or_default()
}

fn leaf(s: &Value) -> Option<LeafNodeIndex> {
    s["leaf"].as_u64().map(|n| LeafNodeIndex::new(n as u32))
}

fn suite(s: &Value) -> Result<Ciphersuite> {
    let number = u16::try_from(s["suite"].as_u64().ok_or("no suite")?)?;
    Ok(Ciphersuite::try_from(number)?)
}

fn decode(s: &Value) -> Result<MlsMessageIn> {
    Ok(MlsMessageIn::tls_deserialize_exact(unhex(text(
        s, "message",
    ))?)?)
}

fn message(m: &MlsMessageOut) -> Result<Value> {
    Ok(json!({ "message": hex(&m.tls_serialize_detached()?) }))
}

fn hex(b: &[u8]) -> String {
    b.iter().map(|x| format!("{x:02x}")).collect()
}

fn unhex(s: &str) -> Result<Vec<u8>> {
    let digits = |i: usize| s.get(i..i + 2).ok_or("odd number of hex digits");
    (0..s.len())
        .step_by(2)
        .map(|i| Ok(u8::from_str_radix(digits(i)?, 16)?))
        .collect()
}

fn main() -> Result<()> {
    let mut member = Member::default();
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let answer = serde_json::from_str(&line?)
            .map_err(Into::into)
            .and_then(|s: Value| member.step(&s));
        let mut answer = answer.unwrap_or_else(|e| json!({ "error": e.to_string() }));
        answer["authenticator"] = member.authenticator().unwrap_or_default().into();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
