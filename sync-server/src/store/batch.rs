//! One batch of pushes in one transaction: lock, read, let the rules decide, write, commit.

use super::{
    Store, Tx, devices,
    facts::{self, Loaded, digest},
    fault::Fault,
    log::{Heads, Numbers},
    release, writes,
};
use sqlx::{Error, FromRow};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
};
use stillage_core::{
    change::{Change, Digest},
    decide::Door,
    id::{DeviceId, OrganisationId, PersonId},
    record::{Kind, LocationRole},
    settle::{DeviceFacts, Healing, Push, Read, Reading, Settled, Writes},
    wire::Ack,
};
use uuid::Uuid;

/// A push as it waits, before anything is known about its device.
#[derive(Debug, Clone)]
pub struct PushRequest {
    pub device: DeviceId,
    pub chained: bool,
    pub door: Door,
    pub first_seq: u64,
    pub prev_chain: Digest,
    pub changes: Vec<Change>,
    pub received_at: i64,
    pub healing: Healing,
}

/// What a batch left behind.
#[derive(Debug)]
pub struct Committed {
    /// In the order of the requests; `None` for a device that does not exist or was revoked.
    pub settled: Vec<Option<Settled>>,
    pub heads: Heads,
    /// Parked changes are to be decided again.
    pub came_free: bool,
    /// How many rows of each were written.
    pub records: usize,
    pub movements: usize,
}

/// A device row, locked.
#[derive(Debug, FromRow)]
struct DeviceRow {
    device: Uuid,
    person: Uuid,
    ack_seq: i64,
    ack_chain: Vec<u8>,
    every_site: bool,
    waiting: Option<i64>,
    first_id: bool,
}

impl DeviceRow {
    fn facts(&self, chain_before: Option<Digest>) -> Result<DeviceFacts, Error> {
        Ok(DeviceFacts {
            id: DeviceId(self.device),
            person: PersonId(self.person),
            ack: Ack { seq: self.ack_seq.unsigned_abs(), chain: digest(&self.ack_chain)? },
            chain_before,
            waiting: self.waiting,
            first_id: self.first_id,
        })
    }
}

/// Settles all of it or nothing.
pub async fn settle(store: &Store, org: OrganisationId, requests: &[PushRequest]) -> Result<Committed, Fault> {
    let alone = requests.iter().flat_map(|r| &r.changes).any(|change| !change.kind.starts_with("stock."));
    // Bodies are read while the locks are on their way.
    let reads = async { requests.iter().map(|r| r.changes.iter().map(Read::of).collect()).collect::<Vec<_>>() };
    let (tx, reads) = tokio::join!(biased; store.locked(org, alone), reads);
    let mut tx = tx?;
    let devices = lock_devices(&mut tx, requests.iter().map(|request| request.device).collect()).await?;
    let links = chain_before(&mut tx, requests, &devices).await?;
    let mut known = Vec::new();
    let (mut batch, mut taken) = (Vec::new(), Vec::new());
    for (request, reads) in requests.iter().zip(reads) {
        let device = devices.get(&request.device);
        known.push(device.is_some());
        if let Some(device) = device {
            batch.push(push(request, device, &links)?);
            taken.push(reads);
        }
    }
    let reading = Reading::with(&batch, taken);
    let mut loaded = facts::load(&mut tx, &reading).await?;
    let (settled, writes) = catch_unwind(AssertUnwindSafe(|| reading.settle(&mut loaded.facts)))
        .map_err(|_| Fault::Broken(anyhow::anyhow!("the rules panicked on this batch")))?;
    let received_at = requests.iter().map(|request| request.received_at).max().unwrap_or(0);
    let limited = devices.iter().filter(|(_, device)| !device.every_site).map(|(id, _)| *id).collect();
    grant_new_sites(&mut tx, &writes, &loaded.versions, &limited).await?;
    let chained = requests.iter().filter(|r| r.chained).map(|r| r.device).collect();
    let Loaded { versions, held, .. } = &loaded;
    let context = writes::Writing { versions, held, chained: &chained, recorded_at: received_at };
    let Numbers { heads, waits, .. } = writes::write(&mut tx, &writes, &context).await?;
    let came_free = release::set_free(&mut tx, &writes, waits).await?;
    let (records, movements) = (writes.records.len(), writes.movements.len());
    let mut settled = settled.into_iter();
    let settled = known.into_iter().map(|known| if known { settled.next() } else { None }).collect();
    // What was read and written is let go of while the commit is on its way to the disk.
    let (done, ()) = tokio::join!(biased; tx.commit(), async move { drop((batch, loaded, writes)) });
    done?;
    Ok(Committed { settled, heads, came_free, records, movements })
}

async fn lock_devices(tx: &mut Tx, ids: BTreeSet<DeviceId>) -> Result<HashMap<DeviceId, DeviceRow>, Error> {
    let rows: Vec<DeviceRow> = sqlx::query_as(
        "SELECT d.device, d.person, d.ack_seq, d.ack_chain, d.every_site,
                (SELECT max((c.details::jsonb ->> 'order_ts')::bigint) FROM change c
                 WHERE c.org = d.org AND c.device = d.device AND c.waits_for IS NOT NULL) AS waiting,
                d.forked_from IS NULL AND d.returned_at IS NULL AS first_id
         FROM device d WHERE d.org = $1 AND d.device = ANY($2) AND d.revoked_at IS NULL ORDER BY d.device FOR UPDATE",
    )
    .bind(tx.org.0)
    .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (DeviceId(row.device), row)).collect())
}

/// One device, locked.
pub async fn lock_device(tx: &mut Tx, id: DeviceId) -> Result<Option<DeviceFacts>, Error> {
    let mut rows = lock_devices(tx, BTreeSet::from([id])).await?;
    rows.remove(&id).map(|row| row.facts(None)).transpose()
}

/// The chain before the first change of each push that does not go on where the server has come to.
async fn chain_before(
    tx: &mut Tx,
    requests: &[PushRequest],
    known: &HashMap<DeviceId, DeviceRow>,
) -> Result<BTreeMap<(DeviceId, u64), Digest>, Error> {
    let mut links = BTreeMap::new();
    let (mut devices, mut seqs) = (Vec::new(), Vec::new());
    let goes_on = |request: &PushRequest| {
        known.get(&request.device).is_some_and(|device| device.ack_seq.unsigned_abs() + 1 == request.first_seq)
    };
    for request in requests.iter().filter(|request| request.chained && !goes_on(request)) {
        if request.first_seq <= 1 {
            links.insert((request.device, 0), Digest::start(request.device));
        } else {
            devices.push(request.device.0);
            seqs.push(i64::try_from(request.first_seq - 1).unwrap_or(i64::MAX));
        }
    }
    if devices.is_empty() {
        return Ok(links);
    }
    let rows: Vec<(Uuid, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT l.device, l.seq, l.chain FROM UNNEST($2::uuid[], $3::bigint[]) AS w(device, seq)
         CROSS JOIN LATERAL (SELECT * FROM chain_link l
                             WHERE l.org = $1 AND l.device = w.device AND l.seq = w.seq OFFSET 0) l",
    )
    .bind(tx.org.0)
    .bind(devices)
    .bind(seqs)
    .fetch_all(tx.conn())
    .await?;
    for (device, seq, chain) in rows {
        links.insert((DeviceId(device), seq.unsigned_abs()), digest(&chain)?);
    }
    Ok(links)
}

fn push(request: &PushRequest, device: &DeviceRow, links: &BTreeMap<(DeviceId, u64), Digest>) -> Result<Push, Error> {
    let before = (request.device, request.first_seq.saturating_sub(1));
    Ok(Push {
        device: device.facts(links.get(&before).copied())?,
        chained: request.chained,
        door: request.door,
        first_seq: request.first_seq,
        prev_chain: request.prev_chain,
        changes: request.changes.clone(),
        received_at: request.received_at,
        healing: request.healing.clone(),
    })
}

/// A device that may hold only some sites may hold those it makes.
pub async fn grant_new_sites(
    tx: &mut Tx,
    writes: &Writes,
    versions: &HashMap<stillage_core::record::Ref, u64>,
    limited: &BTreeSet<DeviceId>,
) -> Result<(), Error> {
    let by_change: HashMap<_, _> = writes.changes.iter().map(|row| (row.change.id, row.device)).collect();
    for row in &writes.log {
        let Some(of) = row.record.filter(|of| of.kind == Kind::Location && !versions.contains_key(of)) else {
            continue;
        };
        let role = writes.records.get(&of).and_then(|r| r.read::<stillage_core::record::Location>().ok());
        let device = by_change.get(&row.change).filter(|id| limited.contains(id));
        if let (Some(LocationRole::Site), Some(device)) = (role.map(|location| location.role), device) {
            devices::grant(tx, *device, &[of.id]).await?;
        }
    }
    Ok(())
}
