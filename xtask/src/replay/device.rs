//! One device of the fleet and the record, kept outside of it, of what it acknowledged.
//!
//! The surprise: a request under way when the device is killed is neither done nor undone until the
//! reopened device is asked for its reference. An invoice is one transaction, so its first and its
//! last line must give the same answer.

use crate::replay::{
    plan::{Plan, Verb},
    rpc::{Answer, Rpc},
    schedule::{Edit, Field, Step},
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How many invoices may be under way at once, as with a person who does not wait for the beep.
const UNDER_WAY: usize = 4;

/// The ids under which the plan's things are known to the product.
#[derive(Debug, Default)]
pub struct Ids {
    pub items: Vec<String>,
    pub bins: Vec<String>,
    pub reasons: Vec<String>,
}

/// What a device said it had durably, and what became of the rest.
#[derive(Debug, Default)]
pub struct Acknowledged {
    pub changes: Vec<String>,
    /// Change id and edit of a record, which may lose against another device's.
    pub edits: Vec<(String, Edit)>,
    /// Documents whose answer a kill swallowed, found to be there afterwards.
    pub survived: usize,
    pub cuts: usize,
    pub kills: usize,
    /// Anything that already went wrong: refusals, torn documents, acknowledged ones that were gone.
    pub faults: Vec<String>,
}

impl Acknowledged {
    /// Keeps the change ids of an answer and says how many there were.
    pub fn take(&mut self, answer: &Value) -> usize {
        let recorded = answer["recorded"].as_array().map(Vec::as_slice).unwrap_or_default();
        let before = self.changes.len();
        self.changes.extend(recorded.iter().filter_map(|r| r["change_id"].as_str().map(str::to_owned)));
        self.changes.len() - before
    }
}

pub struct Device<'a> {
    pub name: String,
    pub data: PathBuf,
    pub acknowledged: Acknowledged,
    plan: &'a Plan,
    binary: PathBuf,
    ids: Arc<Ids>,
    rpc: Option<Rpc>,
    offline: bool,
    under_way: VecDeque<usize>,
    last: Option<usize>,
    /// Bytes over the network of the processes that ended, and of this one when last asked.
    traffic: (u64, u64),
}

impl<'a> Device<'a> {
    pub fn new(name: String, folder: &Path, binary: &Path, plan: &'a Plan) -> Self {
        Self {
            data: folder.join(&name),
            name,
            acknowledged: Acknowledged::default(),
            plan,
            binary: binary.into(),
            ids: Arc::default(),
            rpc: None,
            offline: false,
            under_way: VecDeque::new(),
            last: None,
            traffic: (0, 0),
        }
    }

    pub fn learn(&mut self, ids: &Arc<Ids>) {
        self.ids = Arc::clone(ids);
    }

    pub fn open(&mut self) -> Result<()> {
        self.rpc = Some(Rpc::open(&self.binary, &self.data, &self.data.with_extension("log"))?);
        if self.offline {
            self.cut(true)?;
        }
        Ok(())
    }

    pub fn close(&mut self) -> Result<()> {
        self.finish()?;
        self.rpc.take().map_or(Ok(()), Rpc::close)
    }

    pub fn rpc(&mut self) -> Result<&mut Rpc> {
        self.rpc.as_mut().context("the device is closed")
    }

    pub fn play(&mut self, steps: &[Step]) -> Result<()> {
        for (at, step) in steps.iter().enumerate() {
            // Late enough that the bytes counted are nearly all, early enough to be killed at work.
            if matches!(steps.get(at + 3), Some(Step::Kill)) {
                self.bytes()?;
            }
            self.step(step).with_context(|| format!("{}: {step:?}", self.name))?;
        }
        self.finish()
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Record(document) => self.record(*document),
            Step::Kill => self.kill(),
            Step::Edit(edit) => self.finish().and_then(|()| self.edit(edit)),
            Step::Cut => self.finish().and_then(|()| self.cut(true)),
            Step::Restore => self.finish().and_then(|()| self.cut(false)),
            Step::Sync => self.finish().and_then(|()| self.drain(20)).map(drop),
        }
    }

    fn record(&mut self, document: usize) -> Result<()> {
        let entries: Vec<Value> = self.plan.documents[document].clone().map(|at| self.entry(at)).collect();
        self.rpc()?.send("stock.record", &json!({ "entries": entries }))?;
        self.under_way.push_back(document);
        while self.under_way.len() > UNDER_WAY {
            let answer = self.rpc()?.answer()?;
            self.heard(answer);
        }
        Ok(())
    }

    fn entry(&self, at: usize) -> Value {
        let entry = &self.plan.entries[at];
        let (verb, qty) = match entry.verb {
            Verb::Issue => ("issue", -entry.delta),
            Verb::Return => ("receive", entry.delta),
            Verb::Adjust => ("adjust", entry.delta),
        };
        let mut value = json!({
            "verb": verb,
            "item": self.ids.items[entry.item],
            "location": self.ids.bins[self.plan.items[entry.item].bin],
            "qty": qty.to_string(),
            "reference": entry.reference,
        });
        if let Some(reason) = entry.reason {
            value["reason"] = json!(self.ids.reasons[reason]);
        }
        if let Some(note) = &entry.note {
            value["note"] = json!(note);
        }
        value
    }

    /// Waits for every answer that is still due.
    pub fn finish(&mut self) -> Result<()> {
        while !self.under_way.is_empty() {
            let answer = self.rpc()?.answer()?;
            self.heard(answer);
        }
        Ok(())
    }

    fn heard(&mut self, answer: Answer) {
        let Some(document) = self.under_way.pop_front() else { return };
        let lines = self.plan.documents[document].clone();
        let reference = &self.plan.entries[lines.start].reference;
        match answer {
            Ok(value) => {
                let taken = self.acknowledged.take(&value);
                if taken != lines.len() {
                    let fault =
                        format!("{}: {taken} of {} lines acknowledged from {reference}", self.name, lines.len());
                    self.acknowledged.faults.push(fault);
                }
                self.last = Some(document);
            }
            Err(refusal) => {
                self.acknowledged.faults.push(format!("{}: refused from {reference}: {refusal}", self.name))
            }
        }
    }

    pub fn edit(&mut self, edit: &Edit) -> Result<()> {
        let field = match edit.field {
            Field::Name => "name",
            Field::ReorderPoint => "reorder_point",
        };
        let args = json!({ "id": self.ids.items[edit.item], "fields": { field: edit.value } });
        let answer = self.rpc()?.must("items.save", &args)?;
        let change = answer["change_id"].as_str().context("no change_id")?.to_owned();
        self.acknowledged.edits.push((change, edit.clone()));
        Ok(())
    }

    pub fn cut(&mut self, cut: bool) -> Result<()> {
        let status = self.rpc()?.must("app.cut", &json!({ "cut": cut }))?;
        let connection = &status["connection"];
        ensure!(!cut || connection["state"] == "offline", "{} is cut but says {connection}", self.name);
        self.acknowledged.cuts += usize::from(cut && !self.offline);
        self.offline = cut;
        Ok(())
    }

    /// Syncs until drained or the time is up; says how it stands.
    pub fn drain(&mut self, seconds: u32) -> Result<Value> {
        match self.rpc()?.call("sync.drain", &json!({ "timeout_s": seconds }))? {
            Ok(value) => Ok(value),
            // Not drained in time is no reason to stop: the server may just have been killed.
            Err(refusal) => Ok(json!({ "state": "refused", "refusal": refusal })),
        }
    }

    fn kill(&mut self) -> Result<()> {
        let rpc = self.rpc.take().context("the device is closed")?;
        for answer in rpc.kill()? {
            self.heard(answer);
        }
        self.acknowledged.kills += 1;
        self.traffic = (self.traffic.0 + self.traffic.1, 0);
        self.open()?;
        if let Some(document) = self.last
            && !self.has(document)?
        {
            self.acknowledged.faults.push(format!(
                "{}: acknowledged and gone after SIGKILL: {:?}",
                self.name,
                self.references(document)
            ));
        }
        for document in std::mem::take(&mut self.under_way) {
            if self.has(document)? {
                self.acknowledged.survived += 1;
            } else {
                self.record(document)?;
                self.finish()?;
            }
        }
        Ok(())
    }

    fn references(&self, document: usize) -> [&'a str; 2] {
        let lines = &self.plan.documents[document];
        [lines.start, lines.end - 1].map(|at| self.plan.entries[at].reference.as_str())
    }

    fn has(&mut self, document: usize) -> Result<bool> {
        let mut found = [0, 0];
        for (count, reference) in found.iter_mut().zip(self.references(document)) {
            let answer = self.rpc()?.must("stock.find_reference", &json!({ "reference": reference }))?;
            *count = answer["count"].as_u64().context("no count")?;
        }
        match found {
            [0, 0] => Ok(false),
            [1, 1] => Ok(true),
            _ => bail!("{}: torn or doubled: {:?} are there {found:?} times", self.name, self.references(document)),
        }
    }

    /// Bytes sent and received since the device was first opened.
    pub fn bytes(&mut self) -> Result<u64> {
        self.finish()?;
        let traffic = self.rpc()?.must("app.traffic", &json!({}))?;
        let number = |name: &str| traffic[name].as_u64().with_context(|| format!("no {name} in {traffic}"));
        self.traffic.1 = number("sent")? + number("received")?;
        Ok(self.traffic.0 + self.traffic.1)
    }
}
