//! Devices, the codes they join with, the sites they may hold, and how far each has come.

use super::{Tx, facts::digest, records::corrupt, writes::signed};
use crate::app::{Principal, PrincipalKind};
use sqlx::{Error, FromRow, PgPool};
use stillage_core::{
    change::{ChangeResult, Digest, Outcome},
    id::{ChangeId, DeviceId, LocationId, OrganisationId, PersonId},
    scope::Scope,
    wire::{Ack, Cursor},
};
use uuid::Uuid;

#[derive(Debug, FromRow)]
pub(super) struct PrincipalRow {
    pub(super) device: Uuid,
    pub(super) person: Uuid,
    pub(super) kind: String,
    pub(super) may_write: bool,
    pub(super) every_site: bool,
    pub(super) sites: Vec<Uuid>,
}

impl From<PrincipalRow> for Principal {
    fn from(row: PrincipalRow) -> Self {
        let sites = row.sites.into_iter().map(LocationId).collect();
        Self {
            device: DeviceId(row.device),
            person: PersonId(row.person),
            kind: if row.kind == "desktop" { PrincipalKind::Desktop } else { PrincipalKind::Api },
            may_write: row.may_write,
            sites: (!row.every_site).then_some(sites),
        }
    }
}

macro_rules! principal_where {
    ($condition:literal) => {
        concat!(
            "SELECT d.device, d.person, d.kind, d.may_write, d.every_site,
               ARRAY(SELECT s.site FROM device_site s WHERE s.org = d.org AND s.device = d.device ORDER BY s.site) AS sites
             FROM device d WHERE d.org = $1 AND d.revoked_at IS NULL AND ",
            $condition
        )
    };
}

/// Whoever holds the token with this hash.
pub async fn by_token(pool: &PgPool, org: OrganisationId, hash: &[u8]) -> Result<Option<Principal>, Error> {
    let row: Option<PrincipalRow> =
        sqlx::query_as(principal_where!("d.token_hash = $2")).bind(org.0).bind(hash).fetch_optional(pool).await?;
    Ok(row.map(Into::into))
}

/// The principal as this transaction sees it.
pub async fn by_id(tx: &mut Tx, device: DeviceId) -> Result<Option<Principal>, Error> {
    let row: Option<PrincipalRow> = sqlx::query_as(principal_where!("d.device = $2"))
        .bind(tx.org.0)
        .bind(device.0)
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.map(Into::into))
}

/// The key of a desktop that may still write.
pub async fn public_key(pool: &PgPool, org: OrganisationId, device: DeviceId) -> Result<Option<String>, Error> {
    let key: Option<Option<String>> = sqlx::query_scalar(
        "SELECT public_key FROM device WHERE org = $1 AND device = $2 AND kind = 'desktop' AND revoked_at IS NULL",
    )
    .bind(org.0)
    .bind(device.0)
    .fetch_optional(pool)
    .await?;
    Ok(key.flatten())
}

/// How far the server has this device's chain.
pub async fn ack(tx: &mut Tx, device: DeviceId) -> Result<Option<Ack>, Error> {
    let row: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT ack_seq, ack_chain FROM device WHERE org = $1 AND device = $2")
            .bind(tx.org.0)
            .bind(device.0)
            .fetch_optional(tx.conn())
            .await?;
    row.map(|(seq, chain)| Ok(Ack { seq: seq.unsigned_abs(), chain: digest(&chain)? })).transpose()
}

#[derive(Debug, FromRow)]
pub(super) struct EndRow {
    pub(super) id: Uuid,
    pub(super) seq: i64,
    pub(super) chain: Vec<u8>,
    pub(super) own_code: Option<String>,
    pub(super) outcome: String,
    pub(super) code: Option<String>,
    pub(super) details: String,
}

impl EndRow {
    pub(super) fn result(self) -> Result<(ChangeResult, Digest), Error> {
        let id = ChangeId(self.id);
        let (outcome, code, details) = if self.own_code.is_some() {
            (Outcome::Rejected, self.own_code, serde_json::json!({ "change": id }))
        } else {
            let outcome = self.outcome.parse().map_err(|()| corrupt(format!("outcome {}", self.outcome)))?;
            (outcome, self.code, serde_json::from_str(&self.details).map_err(corrupt)?)
        };
        let result = ChangeResult { id, seq: self.seq.unsigned_abs(), outcome, duplicate: false, code, details };
        Ok((result, digest(&self.chain)?))
    }
}

/// The ends of a device's changes after `after`, at most `limit`, with the chain at each.
pub async fn results(
    tx: &mut Tx,
    device: DeviceId,
    after: u64,
    limit: i64,
) -> Result<Vec<(ChangeResult, Digest)>, Error> {
    let rows: Vec<EndRow> = sqlx::query_as(
        "SELECT l.change AS id, l.seq, l.chain, l.code AS own_code, c.outcome, c.code, c.details
         FROM chain_link l JOIN change c ON c.org = l.org AND c.id = l.change
         WHERE l.org = $1 AND l.device = $2 AND l.seq > $3 ORDER BY l.seq LIMIT $4",
    )
    .bind(tx.org.0)
    .bind(device.0)
    .bind(signed(after))
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(EndRow::result).collect()
}

/// Notes how far devices have come, and when. Unchanged cursors are written once a day: that a device comes at all
/// keeps its log.
pub async fn save_cursors(
    pool: &PgPool,
    org: OrganisationId,
    came: impl Iterator<Item = (&DeviceId, &(Vec<Cursor>, i64))>,
) -> Result<(), Error> {
    let (mut devices, mut scopes, mut seqs, mut times) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (device, (cursors, seen_at)) in came {
        for cursor in cursors {
            devices.push(device.0);
            scopes.push(cursor.scope.to_string());
            seqs.push(signed(cursor.seq));
            times.push(*seen_at);
        }
    }
    sqlx::query(
        "INSERT INTO device_cursor AS c (org, device, scope, seq, seen_at)
         SELECT $1, w.device, w.scope, max(w.seq), max(w.seen_at)
         FROM UNNEST($2::uuid[], $3::text[], $4::bigint[], $5::bigint[]) AS w(device, scope, seq, seen_at)
         GROUP BY w.device, w.scope ORDER BY w.device, w.scope
         ON CONFLICT (org, device, scope) DO UPDATE SET seq = EXCLUDED.seq, seen_at = EXCLUDED.seen_at
         WHERE c.seq <> EXCLUDED.seq OR c.seen_at < EXCLUDED.seen_at - 86400000000",
    )
    .bind(org.0)
    .bind(devices)
    .bind(scopes)
    .bind(seqs)
    .bind(times)
    .execute(pool)
    .await
    .map(drop)
}

/// How often what devices may hold has changed.
pub async fn rights(tx: &mut Tx) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT rights FROM organisation WHERE org = $1").bind(tx.org.0).fetch_one(tx.conn()).await
}

/// To be called where it changes: sockets tell nobody more or less than before until they see it.
async fn number_rights(tx: &mut Tx) -> Result<(), Error> {
    let number = sqlx::query("UPDATE organisation SET rights = rights + 1 WHERE org = $1");
    number.bind(tx.org.0).execute(tx.conn()).await.map(drop)
}

/// Lets a device hold these sites, beside those it holds already.
pub async fn grant(tx: &mut Tx, device: DeviceId, sites: &[Uuid]) -> Result<(), Error> {
    add_sites(tx, device, sites).await?;
    number_rights(tx).await
}

async fn add_sites(tx: &mut Tx, device: DeviceId, sites: &[Uuid]) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO device_site (org, device, site) SELECT $1, $2, w.site FROM UNNEST($3::uuid[]) AS w(site)
         ON CONFLICT DO NOTHING",
    )
    .bind(tx.org.0)
    .bind(device.0)
    .bind(sites)
    .execute(tx.conn())
    .await
    .map(drop)
}

/// Sets whether a device may hold every site. Returns whether it exists.
pub async fn set_every_site(tx: &mut Tx, device: DeviceId, every_site: bool) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE device SET every_site = $3 WHERE org = $1 AND device = $2")
        .bind(tx.org.0)
        .bind(device.0)
        .bind(every_site)
        .execute(tx.conn())
        .await?;
    number_rights(tx).await?;
    Ok(done.rows_affected() > 0)
}

/// A device about to be known.
#[derive(Debug, Clone)]
pub struct NewDevice {
    pub device: DeviceId,
    pub person: PersonId,
    pub name: String,
    pub kind: PrincipalKind,
    pub may_write: bool,
    pub sites: Option<Vec<LocationId>>,
    pub public_key: Option<String>,
    pub token_hash: Vec<u8>,
    pub forked_from: Option<DeviceId>,
    pub created_at: i64,
    /// It was known before, to the server that this one was restored for.
    pub returned: bool,
}

/// Returns false when the id is taken.
pub async fn insert(tx: &mut Tx, new: &NewDevice) -> Result<bool, Error> {
    let kind = if new.kind == PrincipalKind::Desktop { "desktop" } else { "api" };
    let done = sqlx::query(
        "INSERT INTO device (org, device, person, name, kind, may_write, every_site, public_key, token_hash, ack_seq,
                             ack_chain, forked_from, created_at, returned_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12, $13) ON CONFLICT (org, device) DO NOTHING",
    )
    .bind(tx.org.0)
    .bind(new.device.0)
    .bind(new.person.0)
    .bind(&new.name)
    .bind(kind)
    .bind(new.may_write)
    .bind(new.sites.is_none())
    .bind(&new.public_key)
    .bind(&new.token_hash)
    .bind(Digest::start(new.device).0.to_vec())
    .bind(new.forked_from.map(|device| device.0))
    .bind(new.created_at)
    .bind(new.returned.then_some(new.created_at))
    .execute(tx.conn())
    .await?;
    let sites: Vec<Uuid> = new.sites.iter().flatten().map(|site| site.0).collect();
    if done.rows_affected() > 0 && !sites.is_empty() {
        add_sites(tx, new.device, &sites).await?;
    }
    Ok(done.rows_affected() > 0)
}

/// Gives a device another token: it enrolled again with its own id and key. One that came back under an id still known may
/// have had another one since.
pub async fn renew_token(tx: &mut Tx, new: &NewDevice) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE device SET token_hash = $4, returned_at = coalesce(returned_at, $6)
         WHERE org = $1 AND device = $2 AND public_key = $3 AND person = $5 AND revoked_at IS NULL",
    )
    .bind(tx.org.0)
    .bind(new.device.0)
    .bind(&new.public_key)
    .bind(&new.token_hash)
    .bind(new.person.0)
    .bind(new.returned.then_some(new.created_at))
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

pub async fn revoke(tx: &mut Tx, device: DeviceId, at: i64) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE device SET revoked_at = coalesce(revoked_at, $3) WHERE org = $1 AND device = $2")
        .bind(tx.org.0)
        .bind(device.0)
        .bind(at)
        .execute(tx.conn())
        .await?;
    number_rights(tx).await?;
    Ok(done.rows_affected() > 0)
}

/// Agrees that a device which came back by its certificate may stay as it is. Returns whether there is such a device.
pub async fn adopt(tx: &mut Tx, device: DeviceId, at: i64) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE device SET adopted_at = coalesce(adopted_at, $3)
         WHERE org = $1 AND device = $2 AND returned_at IS NOT NULL AND revoked_at IS NULL",
    )
    .bind(tx.org.0)
    .bind(device.0)
    .bind(at)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A device as an admin sees it.
#[derive(Debug, FromRow)]
pub struct DeviceRow {
    pub device: Uuid,
    pub name: String,
    pub person: Uuid,
    pub kind: String,
    pub may_write: bool,
    pub every_site: bool,
    pub sites: Vec<Uuid>,
    pub ack_seq: i64,
    pub revoked_at: Option<i64>,
    pub returned_at: Option<i64>,
    pub adopted_at: Option<i64>,
    pub seen_at: Option<i64>,
}

pub async fn list(tx: &mut Tx) -> Result<Vec<DeviceRow>, Error> {
    sqlx::query_as(
        "SELECT d.device, d.name, d.person, d.kind, d.may_write, d.every_site, d.ack_seq, d.revoked_at, d.returned_at,
                d.adopted_at, ARRAY(SELECT s.site FROM device_site s WHERE s.org = d.org AND s.device = d.device) AS sites,
                (SELECT max(c.seen_at) FROM device_cursor c WHERE c.org = d.org AND c.device = d.device) AS seen_at
         FROM device d WHERE d.org = $1 ORDER BY d.created_at, d.device",
    )
    .bind(tx.org.0)
    .fetch_all(tx.conn())
    .await
}

/// A one-time code, before it is used.
#[derive(Debug, Clone)]
pub struct NewCode {
    pub hash: Vec<u8>,
    pub name: String,
    pub person: PersonId,
    pub sites: Option<Vec<LocationId>>,
    pub created_at: i64,
    pub expires_at: i64,
}

pub async fn insert_code(tx: &mut Tx, code: &NewCode) -> Result<(), Error> {
    let sites: Option<Vec<Uuid>> = code.sites.as_ref().map(|sites| sites.iter().map(|site| site.0).collect());
    sqlx::query(
        "INSERT INTO device_code (org, code_hash, name, person, sites, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(tx.org.0)
    .bind(&code.hash)
    .bind(&code.name)
    .bind(code.person.0)
    .bind(sites)
    .bind(code.created_at)
    .bind(code.expires_at)
    .execute(tx.conn())
    .await
    .map(drop)
}

/// What a code grants.
#[derive(Debug)]
pub struct Invitation {
    pub person: PersonId,
    pub sites: Option<Vec<LocationId>>,
}

/// Uses a code up, if it still holds.
pub async fn take_code(tx: &mut Tx, hash: &[u8], now: i64) -> Result<Option<Invitation>, Error> {
    let row: Option<(Uuid, Option<Vec<Uuid>>)> = sqlx::query_as(
        "UPDATE device_code SET used_at = $3 WHERE org = $1 AND code_hash = $2 AND used_at IS NULL AND expires_at > $3
         RETURNING person, sites",
    )
    .bind(tx.org.0)
    .bind(hash)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|(person, sites)| Invitation {
        person: PersonId(person),
        sites: sites.map(|sites| sites.into_iter().map(LocationId).collect()),
    }))
}

/// The scopes a principal may hold, apart from sites nobody has written to yet.
pub fn holds(principal: &Principal, scope: Scope) -> bool {
    match scope {
        Scope::Catalogue => true,
        Scope::Inbox(person) => person == principal.person,
        Scope::Site(site) => principal.sites.as_ref().is_none_or(|sites| sites.contains(&site)),
    }
}
