//! A change that the rules or the database choke on is kept whole for an admin, in a transaction
//! of its own, so that the device goes on with what comes after it.

use super::{
    Store,
    batch::{self, PushRequest, lock_organisation},
    fault::Fault,
    log::Heads,
    organisation::{new_record, record_row},
    writes::{self, Writing},
};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};
use stillage_core::{
    change::{Change, ChangeResult, Outcome},
    id::{InboxId, OrganisationId},
    record::{Fields, Record},
    settle::{ChangeRow, Settled, Writes},
    wire::Ack,
};

/// Parks the one change of `request`. `None` when the device is gone.
pub async fn park(
    store: &Store,
    org: OrganisationId,
    request: &PushRequest,
) -> Result<(Option<Settled>, Heads), Fault> {
    let Some(change) = request.changes.first() else {
        return Err(Fault::Broken(anyhow::anyhow!("an empty push cannot be parked")));
    };
    let mut tx = store.write(org).await?;
    lock_organisation(&mut tx, true).await?;
    let Some(device) = batch::lock_device(&mut tx, request.device).await? else {
        return Ok((None, Heads::new()));
    };
    let ack = device.ack;
    if request.chained && (request.first_seq != ack.seq + 1 || request.prev_chain != ack.chain) {
        return Err(Fault::Broken(anyhow::anyhow!("the chain moved while a change was being parked")));
    }
    let change = Change { seq: ack.seq + 1, ..change.clone() };
    let next = Ack { seq: change.seq, chain: ack.chain.next(change.id, change.hash()) };
    let result = ChangeResult {
        id: change.id,
        seq: change.seq,
        outcome: Outcome::Parked,
        duplicate: false,
        code: Some("INTERNAL".into()),
        details: Value::Null,
    };
    let creates = change.read().ok().and_then(|act| act.action.creates());
    let row = inbox_row(&change, request, &device);
    let mut writes = Writes::default();
    writes.log.push(record_row(&row, (change.id, Outcome::Parked)));
    writes.records.insert(row.of, row);
    writes.devices.insert(request.device, next);
    writes.changes.push(ChangeRow {
        change,
        device: request.device,
        chain: next.chain,
        result: result.clone(),
        creates,
        repeat: false,
        received_at: request.received_at,
    });
    let chained: BTreeSet<_> = request.chained.then_some(request.device).into_iter().collect();
    let versions = HashMap::new();
    let writing =
        Writing { versions: &versions, held: &HashSet::new(), chained: &chained, recorded_at: request.received_at };
    let heads = writes::write(&mut tx, &writes, &writing).await?;
    tx.commit().await?;
    Ok((Some(Settled { ack: next, results: vec![result], refusal: None }), heads))
}

fn inbox_row(change: &Change, request: &PushRequest, device: &stillage_core::settle::DeviceFacts) -> Record {
    let pairs = [
        ("kind", json!("parked")),
        ("state", json!("open")),
        ("person", json!(device.person)),
        ("change", json!(change.id)),
        ("at", json!(request.received_at)),
        ("mine", serde_json::from_str(&change.body).unwrap_or(Value::Null)),
        ("code", json!("INTERNAL")),
    ];
    let fields: Fields =
        pairs.into_iter().filter(|(_, v)| !v.is_null()).map(|(name, value)| (name.to_owned(), value)).collect();
    new_record(InboxId::derived(change.id.0, "inbox/0").into(), fields)
}
