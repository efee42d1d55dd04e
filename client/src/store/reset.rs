//! Giving up base rows: all of them when the server's history is another one, or those of a scope
//! that this device may no longer hold. What waits in the outbox always stays.

use super::{outbox, rebase, record::write_base, search::Stale, settings, snapshot};
use crate::{Failure, Mint};
use rusqlite::{Connection, Transaction};
use stillage_core::{
    id::{DeviceId, EpochId, LocationId},
    scope::Scope,
    seed,
    wire::{Ack, Cursor},
};

/// Empties the base, in the transaction that stores the first answer of the new history.
pub fn wipe_base(transaction: &Transaction<'_>) -> Result<(), Failure> {
    keep_orders(transaction, None)?;
    transaction.execute_batch(
        "DELETE FROM cursor;
         DELETE FROM movement WHERE n IS NULL;
         DELETE FROM posted_count WHERE n IS NULL;
         DELETE FROM outcome;
         DELETE FROM unknown_entry;
         DELETE FROM mismatch;
         DELETE FROM snapshot_chunk;
         DELETE FROM absent_place;",
    )?;
    if !seeded!(StoreLostBaseKept) {
        transaction.execute("DELETE FROM balance", [])?;
    }
    let mut stale = Stale::default();
    transaction.execute("DELETE FROM record WHERE kind = 'inbox'", [])?;
    empty_catalogue(transaction, &mut stale)?;
    settings::unset(transaction, settings::RESET)?;
    settings::unset(transaction, settings::LOST_EPOCH)?;
    rebase::run_all(transaction, settings::device(transaction)?, &mut stale)?;
    stale.refresh(transaction)
}

/// The server's history is another one: what it lacks of this device's chain is offered again, and
/// the base will be built anew. The device knows `ack` as a part of its own chain. What it settled
/// under ids of before it was found to be a copy goes to the end of the chain: how far the server
/// has come with those, nobody asks; what it has it knows by the change's id.
pub fn begin_epoch(transaction: &Transaction<'_>, epoch: EpochId, ack: Ack) -> Result<(), Failure> {
    keep_orders(transaction, None)?;
    let device = settings::device(transaction)?;
    let sql = "UPDATE outbox SET state = 'sealed', outcome = NULL, code = NULL, details = NULL
        WHERE device = ?1 AND seq > ?2";
    if !seeded!(StoreSettledNotOffered) {
        transaction.execute(sql, (device.0, ack.seq))?;
    }
    let sql = "UPDATE outbox SET state = 'queued', outcome = NULL, code = NULL, details = NULL,
            device = NULL, seq = NULL, chain = NULL
        WHERE device IS NOT ?1 AND state IN ('settled', 'rejected')";
    transaction.execute(sql, [device.0])?;
    // Until the base is built anew, what people do still stands on the lost history.
    if let Some(lost) = settings::get(transaction, settings::EPOCH)?
        && settings::get(transaction, settings::RESET)?.is_none()
    {
        settings::set(transaction, settings::LOST_EPOCH, &lost)?;
    }
    settings::set(transaction, settings::PUSHED_SEQ, &ack.seq.to_string())?;
    settings::set(transaction, settings::EPOCH, &epoch.to_string())?;
    settings::set(transaction, settings::RESET, "1")
}

/// Until the base is built anew, what people do gets its place in the history that was lost.
pub fn keep_lost_orders(conn: &Connection) -> Result<(), Failure> {
    match settings::get(conn, settings::LOST_EPOCH)? {
        Some(_) => keep_orders(conn, None),
        None => Ok(()),
    }
}

/// Notes the place that every own change has among what happened in its cells: it keeps it, in
/// whatever order devices offer again what was lost. With a site, only what happened there: of one that
/// is taken away nothing that comes in later would say it.
pub fn keep_orders(conn: &Connection, site: Option<LocationId>) -> Result<(), Failure> {
    let sql = "UPDATE outbox SET order_ts = coalesce(
            (SELECT order_ts FROM movement WHERE id = outbox.change AND (?1 IS NULL OR ?1 IN (from_site, to_site))),
            (SELECT body ->> '$.order.ts' FROM posted_count
             WHERE change = outbox.change AND (?2 IS NULL OR body ->> '$.place.site' = ?2)))
        WHERE kind LIKE 'stock.%' AND order_ts IS NULL";
    if !seeded!(StorePlacesNotKept) {
        conn.execute(sql, (site.map(|site| site.0), site.map(|site| site.to_string())))?;
    }
    Ok(())
}

/// This database is a copy, or was restored from an older image: it goes on under a new id. What
/// is not settled is numbered anew in the chain of that id; the change ids stay.
pub fn take_new_device(transaction: &Transaction<'_>, new: DeviceId) -> Result<(), Failure> {
    let old = settings::device(transaction)?;
    let mut former = settings::former_devices(transaction)?;
    former.push(old);
    settings::set(transaction, settings::FORMER_DEVICES, &serde_json::to_string(&former)?)?;
    settings::set(transaction, settings::DEVICE, &new.to_string())?;
    settings::set(transaction, settings::PUSHED_SEQ, "0")?;
    // It is at home wherever it is now.
    settings::unset(transaction, settings::HOME)?;
    let sql = "UPDATE outbox SET state = 'queued', device = NULL, seq = NULL, chain = NULL WHERE state = 'sealed'";
    if !seeded!(StoreSealsKept) {
        transaction.execute(sql, [])?;
    }
    let mut stale = Stale::default();
    rebase::run_all(transaction, new, &mut stale)?;
    stale.refresh(transaction)
}

/// Empties a scope that is held, to be filled again from its start.
pub fn empty_scope(conn: &Connection, scope: Scope, stale: &mut Stale) -> Result<(), Failure> {
    drop_scope(conn, scope)?;
    if scope == Scope::Catalogue {
        let sql = "INSERT OR IGNORE INTO absent_place (location, site)
            SELECT id, body ->> '$.site' FROM record WHERE kind = 'location' AND body ->> '$.site' IS NOT NULL";
        conn.execute(sql, [])?;
        empty_catalogue(conn, stale)?;
    }
    settings::set_cursor(conn, Cursor { scope, seq: 0 })
}

fn empty_catalogue(conn: &Connection, stale: &mut Stale) -> Result<(), Failure> {
    let mut statement = conn.prepare("SELECT kind, id, parent FROM record WHERE kind IN ('item', 'barcode')")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        stale.named(&row.get::<_, String>(0)?, row.get(1)?, row.get(2)?);
    }
    conn.execute("DELETE FROM record WHERE kind <> 'inbox'", [])?;
    seed::records().iter().try_for_each(|born| write_base(conn, born))
}

/// Deletes what only this scope gave.
pub fn drop_scope(conn: &Connection, scope: Scope) -> Result<(), Failure> {
    conn.execute("DELETE FROM cursor WHERE scope = ?1", [scope.to_string()])?;
    conn.execute("DELETE FROM unknown_entry WHERE scope = ?1", [scope.to_string()])?;
    if !seeded!(StoreRevokedOwed) {
        snapshot::forget(conn, scope)?;
    }
    match scope {
        Scope::Catalogue => Ok(()),
        Scope::Inbox(person) => {
            let sql = "DELETE FROM record WHERE kind = 'inbox' AND body ->> '$.person' = ?1";
            conn.execute(sql, [person.to_string()])?;
            Ok(())
        }
        Scope::Site(site) => drop_site(conn, site.0),
    }
}

fn drop_site(conn: &Connection, site: uuid::Uuid) -> Result<(), Failure> {
    let text = LocationId(site).to_string();
    let places = "(SELECT id FROM record WHERE kind = 'location' AND body ->> '$.site' = ?1
        UNION SELECT location FROM absent_place WHERE site = ?1)";
    if !seeded!(StoreBalanceKept) {
        conn.execute(&format!("DELETE FROM balance WHERE location IN {places}"), [&text])?;
    }
    conn.execute(&format!("DELETE FROM posted_count WHERE n IS NULL AND location IN {places}"), [&text])?;
    conn.execute("DELETE FROM absent_place WHERE site = ?1", [&text])?;
    // A movement between two sites stays as long as the other one is held.
    conn.execute("UPDATE movement SET from_seq = NULL WHERE n IS NULL AND from_site = ?1", [site])?;
    conn.execute("UPDATE movement SET to_seq = NULL WHERE n IS NULL AND to_site = ?1", [site])?;
    let sql = "DELETE FROM movement WHERE n IS NULL AND from_seq IS NULL AND to_seq IS NULL
        AND (from_site = ?1 OR to_site = ?1)";
    conn.execute(sql, [site])?;
    Ok(())
}

/// A new id for a device whose chain parted from the server's.
#[must_use]
pub fn new_device(mint: &Mint) -> DeviceId {
    DeviceId(mint.id())
}

/// Whether the server's end of this device's chain is a part of its own.
pub fn is_own(conn: &Connection, ack: Ack) -> Result<bool, Failure> {
    let device = settings::device(conn)?;
    Ok(outbox::chain_at(conn, device, ack.seq)? == Some(ack.chain))
}
