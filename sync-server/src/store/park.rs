//! A change that the rules or the database choke on is kept whole for an admin, in a transaction
//! of its own, so that the device goes on with what comes after it.

use super::{
    Store,
    batch::{self, PushRequest},
    fault::Fault,
    log::Heads,
    organisation::record_row,
    writes::{self, Writing},
};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use stillage_core::{
    action::Action,
    change::{Change, ChangeResult, Outcome},
    decide::{Draft, InboxKind},
    id::OrganisationId,
    settle::{ChangeRow, Settled, Writes, inbox_row},
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
    let mut tx = store.locked(org, true).await?;
    let Some(device) = batch::lock_device(&mut tx, request.device).await? else {
        return Ok((None, Heads::new()));
    };
    let ack = device.ack;
    if request.chained && (request.first_seq != ack.seq + 1 || request.prev_chain != ack.chain) {
        return Err(Fault::Broken(anyhow::anyhow!("the chain moved while a change was being parked")));
    }
    let change = Change { seq: ack.seq + 1, ..change.clone() };
    let hash = change.hash();
    let next = Ack { seq: change.seq, chain: ack.chain.next(change.id, hash) };
    let result = ChangeResult {
        id: change.id,
        seq: change.seq,
        outcome: Outcome::Parked,
        duplicate: false,
        code: Some("INTERNAL".into()),
        details: Value::Null,
    };
    let action = change.read().ok().map(|act| act.action);
    let creates = action.as_ref().and_then(Action::creates);
    let subject = action.as_ref().and_then(Action::subject);
    let draft = Draft::undone(InboxKind::Parked, subject, &change, "INTERNAL".into());
    let row = inbox_row(&change, 0, draft, (device.person, request.received_at));
    let mut writes = Writes::default();
    writes.log.push(record_row(&row, (change.id, Outcome::Parked)));
    writes.records.insert(row.of, row);
    writes.devices.insert(request.device, next);
    writes.changes.push(ChangeRow {
        change,
        device: request.device,
        hash,
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
    let heads = writes::write(&mut tx, &writes, &writing).await?.heads;
    tx.commit().await?;
    Ok((Some(Settled { ack: next, results: vec![result], refusal: None, taken: 1 }), heads))
}
