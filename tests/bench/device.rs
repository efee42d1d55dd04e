//! A device made of nothing but its chain: it seals changes with the types of `core` and hands them over, so that
//! what is measured is the server and not a desktop's outbox.

use crate::{
    http::{Connection, field, graphql},
    mint::Mint,
    server::Server,
};
use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use hyper::body::Bytes;
use serde_json::json;
use std::collections::BTreeMap;
use stillage_core::{
    action::Action,
    change::{Act, Change, Cut, Digest, Outcome},
    id::{ChangeId, DeviceId},
    scope::Scope,
    snapshot::{FORMAT, Manifest, ManifestInput},
    wire::{Cursor, EnrolInput, Enrolled, PullAnswer, PullInput, PushAnswer, PushInput},
};

const ENROL: &str = "mutation($input: SyncJSON!) { enrolDevice(input: $input) }";
const MANIFEST: &str = "query($input: SyncJSON!) { snapshotManifest(input: $input) }";
const PULL: &str = "query($input: SyncJSON!) { pull(input: $input) }";
const PUSH: &str = "mutation($input: SyncJSON!) { pushChanges(input: $input) }";

pub struct Device {
    id: DeviceId,
    enrolled: Enrolled,
    seq: u64,
    chain: Digest,
    url: String,
    connection: Option<Connection>,
}

impl Device {
    pub async fn enrol(server: &Server, name: &str, mint: &mut Mint) -> Result<Self> {
        let code = server.device_code(name)?;
        Self::join(server, (&code, name), mint).await
    }

    pub async fn join(server: &Server, (code, name): (&str, &str), mint: &mut Mint) -> Result<Self> {
        let id = DeviceId(mint.id());
        let key = SigningKey::from_bytes(&mint.key()).verifying_key();
        let input = EnrolInput {
            code: Some(code.to_owned()),
            device: id,
            name: name.to_owned(),
            public_key: STANDARD.encode(key.as_bytes()),
            forked_from: None,
            certificate: None,
        };
        let mut stranger = Connection::open(&server.url, None).await?;
        let answer = stranger.post(graphql(ENROL, &json!({ "input": input }))).await?;
        let enrolled: Enrolled = serde_json::from_value(field(&answer, "enrolDevice")?)?;
        Ok(Self { id, enrolled, seq: 0, chain: Digest::start(id), url: server.url.clone(), connection: None })
    }

    async fn connection(&mut self) -> Result<&mut Connection> {
        if self.connection.is_none() {
            self.connection = Some(Connection::open(&self.url, Some(&self.enrolled.token)).await?);
        }
        self.connection.as_mut().context("just opened")
    }

    pub fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Gives its connection back until there is something to ask again.
    pub fn hang_up(&mut self) {
        self.connection = None;
    }

    /// What it asks for that is at these cursors.
    pub fn asks(&self, cursors: &BTreeMap<Scope, u64>, max_rows: u32, packed: bool) -> PullInput {
        let cursors = cursors.iter().map(|(scope, seq)| Cursor { scope: *scope, seq: *seq }).collect();
        let (device, epoch, mismatches) = (self.id, Some(self.enrolled.epoch), Vec::new());
        let chunks = packed.then_some(FORMAT);
        PullInput { device, epoch, cursors, settled_seq: self.seq, max_rows, mismatches, chunks }
    }

    pub fn token(&self) -> &str {
        &self.enrolled.token
    }

    /// Asks for what comes after these cursors, in the way that desktops do or entry by entry.
    pub async fn pull(&mut self, cursors: &BTreeMap<Scope, u64>, max_rows: u32, packed: bool) -> Result<PullAnswer> {
        let request = graphql(PULL, &json!({ "input": self.asks(cursors, max_rows, packed) }));
        Ok(serde_json::from_value(field(&self.connection().await?.post(request).await?, "pull")?)?)
    }

    /// Seals the actions, in batches of `size`, as the requests that carry them.
    pub fn sealed(&mut self, actions: Vec<Action>, size: usize, mint: &mut Mint) -> Vec<Bytes> {
        let mut changes: Vec<Change> = actions.into_iter().map(|action| self.written(action, mint)).collect();
        let mut requests = Vec::with_capacity(changes.len().div_ceil(size));
        while !changes.is_empty() {
            let rest = changes.split_off(changes.len().min(size));
            requests.push(self.request(std::mem::replace(&mut changes, rest)));
        }
        requests
    }

    fn written(&self, action: Action, mint: &mut Mint) -> Change {
        let person = Some(self.enrolled.person);
        let act = Act { action, at: mint.at(), clock_error: 0, cut: Cut::default(), person };
        Change::write(ChangeId(mint.id()), &act)
    }

    fn request(&mut self, mut changes: Vec<Change>) -> Bytes {
        let (first_seq, prev_chain) = (self.seq + 1, self.chain);
        for change in &mut changes {
            self.seq += 1;
            change.seq = self.seq;
            self.chain = self.chain.next(change.id, change.hash());
        }
        let epoch = Some(self.enrolled.epoch);
        let input = PushInput { device: self.id, epoch, first_seq, prev_chain, changes, orders: Default::default() };
        graphql(PUSH, &json!({ "input": input }))
    }

    /// Hands the requests over one after the other, as a device does, and gives back the answers unread.
    pub async fn push(&mut self, requests: Vec<Bytes>) -> Result<Vec<Bytes>> {
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            answers.push(self.connection().await?.post(request).await?);
        }
        Ok(answers)
    }

    /// What snapshots of these scopes the server has. Asking has one made.
    pub async fn manifest(&mut self, scopes: Vec<Scope>) -> Result<Manifest> {
        let input = ManifestInput { device: self.id, epoch: Some(self.enrolled.epoch), format: FORMAT, scopes };
        let answer = self.connection().await?.post(graphql(MANIFEST, &json!({ "input": input }))).await?;
        Ok(serde_json::from_value(field(&answer, "snapshotManifest")?)?)
    }

    /// Every change was applied, and the server's chain ends where this device's does.
    pub fn check(&self, answers: &[Bytes]) -> Result<()> {
        let mut ack = None;
        for answer in answers {
            let answer: PushAnswer = serde_json::from_value(field(answer, "pushChanges")?)?;
            ensure!(answer.refusal.is_none(), "the push was refused: {:?}", answer.refusal);
            let other = answer.results.iter().find(|result| result.outcome != Outcome::Applied || result.duplicate);
            ensure!(other.is_none(), "a change was not simply applied: {other:?}");
            ack = Some(answer.ack);
        }
        let ended = ack.map(|ack| (ack.seq, ack.chain));
        ensure!(ended == Some((self.seq, self.chain)), "the server's chain ends at {ended:?}, ours at {}", self.seq);
        Ok(())
    }

    /// Seals, hands over and checks, for what only prepares a measurement.
    pub async fn hand_over(&mut self, actions: Vec<Action>, mint: &mut Mint) -> Result<()> {
        let requests = self.sealed(actions, stillage_core::wire::PUSH_CHANGES, mint);
        let answers = self.push(requests).await?;
        self.check(&answers)
    }
}
