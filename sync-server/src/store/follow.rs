//! What devices that follow closely pull, for all who ask at one moment: who they are, how far each scope and each of
//! them is, the few rows after their cursors, and the ends of their own changes.
//!
//! The surprise: it is one statement, because one statement sees one state of the database: no transaction has to be
//! opened for it, and the disk of one row is not worth six round trips.

use super::{
    Store,
    devices::{EndRow, PrincipalRow},
    facts::digest,
    log::{EntryRow, KeptSum, read_sum},
    records::corrupt,
    writes::signed,
};
use crate::app::Principal;
use sqlx::{Error, FromRow};
use std::collections::{BTreeSet, HashMap};
use stillage_core::{
    change::{ChangeResult, Digest},
    id::{DeviceId, OrganisationId},
    scope::Scope,
    wire::{Ack, LogEntry},
};
use uuid::Uuid;

/// So many rows of a scope, and of the ends of a device, are looked for. Whoever may have more pulls in the long way.
pub const FEW: usize = 100;

/// One device that asks.
#[derive(Debug)]
pub struct Asked {
    pub device: DeviceId,
    /// Its own changes up to here are settled there.
    pub settled: u64,
    /// Where it is in the scopes that it may hold.
    pub cursors: Vec<(Scope, u64)>,
}

/// What one look at the database found.
#[derive(Debug, Default)]
pub struct Found {
    /// Those who still may ask, each with the server's end of its chain.
    pub devices: HashMap<DeviceId, (Principal, Ack)>,
    pub kept: Vec<KeptSum>,
    /// The first rows after each place that was asked for.
    pub entries: HashMap<(Scope, u64), Vec<LogEntry>>,
    pub ends: HashMap<DeviceId, Vec<(ChangeResult, Digest)>>,
}

type DeviceFields = (Uuid, Uuid, String, bool, bool, Vec<Uuid>, i64, Vec<u8>);
type EntryFields = (i64, i64, String, String, i64, Uuid, String, String);
type EndFields = (Uuid, Uuid, i64, Vec<u8>, Option<String>, String, Option<String>, String);

#[derive(FromRow)]
struct Row {
    devices: Vec<DeviceFields>,
    kept: Vec<(String, i64, Option<String>)>,
    entries: Vec<EntryFields>,
    ends: Vec<EndFields>,
}

const SQL: &str = "
SELECT
  ARRAY(SELECT ROW(d.device, d.person, d.kind, d.may_write, d.every_site,
                   CASE WHEN d.every_site THEN '{}' ELSE
                     ARRAY(SELECT s.site FROM device_site s WHERE s.org = d.org AND s.device = d.device) END,
                   d.ack_seq, d.ack_chain)
        FROM UNNEST($2::uuid[]) AS w(device)
        CROSS JOIN LATERAL (SELECT * FROM device d WHERE d.org = $1 AND d.device = w.device AND d.revoked_at IS NULL
                            OFFSET 0) d) AS devices,
  ARRAY(SELECT ROW(s.scope, s.head, s.sum::text) FROM scope s WHERE s.org = $1 ORDER BY s.scope) AS kept,
  ARRAY(SELECT ROW(w.n, l.seq, l.kind, l.id, l.version::bigint, l.change, l.outcome, l.body)
        FROM UNNEST($4::text[], $5::bigint[]) WITH ORDINALITY AS w(scope, seq, n)
        CROSS JOIN LATERAL (SELECT * FROM log l WHERE l.org = $1 AND l.scope = w.scope AND l.seq > w.seq
                            ORDER BY l.seq LIMIT 100) l) AS entries,
  ARRAY(SELECT ROW(w.device, l.change, l.seq, l.chain, l.code, c.outcome, c.code, c.details)
        FROM UNNEST($2::uuid[], $3::bigint[]) AS w(device, seq)
        CROSS JOIN LATERAL (SELECT 1 FROM device d WHERE d.org = $1 AND d.device = w.device AND d.ack_seq > w.seq
                            OFFSET 0) d
        CROSS JOIN LATERAL (SELECT * FROM chain_link l WHERE l.org = $1 AND l.device = w.device AND l.seq > w.seq
                            ORDER BY l.seq LIMIT 100) l
        CROSS JOIN LATERAL (SELECT * FROM change c WHERE c.org = $1 AND c.id = l.change OFFSET 0) c) AS ends";

/// Looks once for all who ask. Nobody asks twice at the same moment.
pub async fn look(store: &Store, org: OrganisationId, asked: &[Asked]) -> Result<Found, Error> {
    let places: BTreeSet<(Scope, u64)> = asked.iter().flat_map(|asked| asked.cursors.iter().copied()).collect();
    let places: Vec<(Scope, u64)> = places.into_iter().collect();
    let row: Row = sqlx::query_as(SQL)
        .bind(org.0)
        .bind(asked.iter().map(|asked| asked.device.0).collect::<Vec<_>>())
        .bind(asked.iter().map(|asked| signed(asked.settled)).collect::<Vec<_>>())
        .bind(places.iter().map(|(scope, _)| scope.to_string()).collect::<Vec<_>>())
        .bind(places.iter().map(|(_, seq)| signed(*seq)).collect::<Vec<_>>())
        .fetch_one(&store.followers)
        .await?;
    let mut found = Found::default();
    for (device, person, kind, may_write, every_site, sites, ack_seq, ack_chain) in row.devices {
        let principal = PrincipalRow { device, person, kind, may_write, every_site, sites };
        let ack = Ack { seq: ack_seq.unsigned_abs(), chain: digest(&ack_chain)? };
        found.devices.insert(DeviceId(device), (principal.into(), ack));
    }
    for (scope, head, sum) in row.kept {
        let sum = sum.as_deref().map(read_sum).transpose()?;
        found.kept.push(KeptSum { scope: scope.parse().map_err(corrupt)?, head: head.unsigned_abs(), sum });
    }
    for (n, seq, kind, id, version, change, outcome, body) in row.entries {
        let place = usize::try_from(n - 1).ok().and_then(|n| places.get(n)).ok_or_else(|| corrupt("no such place"))?;
        let entry = EntryRow { seq, kind, id, version, change, outcome, body }.entry()?;
        found.entries.entry(*place).or_default().push(entry);
    }
    for (device, id, seq, chain, own_code, outcome, code, details) in row.ends {
        let end = EndRow { id, seq, chain, own_code, outcome, code, details }.result()?;
        found.ends.entry(DeviceId(device)).or_default().push(end);
    }
    Ok(found)
}
