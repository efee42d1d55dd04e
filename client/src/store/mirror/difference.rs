//! What the outbox has and the mirror lacks. A change that only the mirror has is left alone here:
//! it is brought back when the database is opened (store/rebuild.rs).

use super::{
    frame::{Frame, Link, Row},
    kept::Kept,
};
use crate::{
    Failure,
    store::{outbox, settings},
};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeMap;
use stillage_core::{
    change::{Change, Digest},
    id::{ChangeId, DeviceId},
};

/// Settings that a new database needs to go on as this device. The clock is written along with the
/// others, and alone is no reason to write.
pub const KEPT_SETTINGS: [&str; 12] = [
    settings::DEVICE,
    settings::DEVICE_NAME,
    settings::FORMER_DEVICES,
    settings::PERSON,
    settings::PERSON_NAME,
    settings::ORGANISATION,
    settings::ORGANISATION_NAME,
    settings::SERVER,
    settings::EPOCH,
    settings::LOST_EPOCH,
    settings::CUT,
    settings::CERTIFICATE,
];

/// Waiting, or numbered behind one that waits: such a row is still needed to go on with the chain.
const WANTED: &str = "(state IN ('queued', 'sealed') OR device = ?1 AND seq > ?2)";

/// One row without what never changes of it.
struct Standing {
    n: u64,
    change: ChangeId,
    wanted: bool,
    place: Option<Link>,
    order_ts: Option<i64>,
}

/// Where the device stands, so that rows can be judged.
struct Here {
    device: DeviceId,
    settled: Link,
}

impl Here {
    fn of(conn: &Connection) -> Result<Self, Failure> {
        let device = settings::device(conn)?;
        let seq = outbox::settled_seq(conn, device)?;
        let chain = outbox::chain_at(conn, device, seq)?.ok_or_else(|| Failure::internal("the chain has a hole"))?;
        Ok(Self { device, settled: Link { device, seq, chain } })
    }
}

/// Frames that bring the mirror up to the rows at these places.
pub fn of_places(conn: &Connection, kept: &Kept, places: &[u64]) -> Result<Vec<Frame>, Failure> {
    let here = Here::of(conn)?;
    let mut frames = head(conn, kept, &here)?;
    let sql = format!("SELECT n, change, {WANTED}, device, seq, chain, order_ts FROM outbox WHERE n = ?3");
    let mut statement = conn.prepare_cached(&sql)?;
    for n in places {
        let key = (here.device.0, here.settled.seq, n);
        if let Some(standing) = statement.query_row(key, standing).optional()? {
            frames.extend(of_row(conn, kept, &standing)?);
        }
    }
    Ok(frames)
}

/// Frames that bring the mirror up to the whole outbox.
pub fn of_all(conn: &Connection, kept: &Kept) -> Result<Vec<Frame>, Failure> {
    let here = Here::of(conn)?;
    let mut frames = head(conn, kept, &here)?;
    let sql = "SELECT n, change, 1, device, seq, chain, order_ts FROM outbox WHERE state IN ('queued', 'sealed')
        UNION SELECT n, change, 1, device, seq, chain, order_ts FROM outbox WHERE device = ?1 AND seq > ?2 ORDER BY n";
    let mut statement = conn.prepare_cached(sql)?;
    for row in statement.query_map((here.device.0, here.settled.seq), standing)? {
        frames.extend(of_row(conn, kept, &row?)?);
    }
    let sql = format!("SELECT n, change, {WANTED}, device, seq, chain, order_ts FROM outbox WHERE change = ?3");
    let mut statement = conn.prepare_cached(&sql)?;
    for change in kept.rows.keys() {
        let key = (here.device.0, here.settled.seq, change.0);
        let row = statement.query_row(key, standing).optional()?;
        if row.is_some_and(|row| !row.wanted) {
            frames.push(Frame::Dropped { change: *change });
        }
    }
    Ok(frames)
}

/// Rows that can still be read of a damaged outbox: only what they add, for all else may be old.
pub fn of_ruin(conn: &Connection, kept: &Kept) -> Vec<Frame> {
    let mut frames = Vec::new();
    // The first page that cannot be read ends it; what came before was signed, page by page.
    let _ = read_ruin(conn, kept, &mut frames);
    frames
}

fn read_ruin(conn: &Connection, kept: &Kept, frames: &mut Vec<Frame>) -> Result<(), Failure> {
    let sql = "SELECT n, change, 1, device, seq, chain, order_ts FROM outbox NOT INDEXED
        WHERE state IN ('queued', 'sealed') ORDER BY n DESC";
    let device = settings::device(conn)?;
    let settled = kept.settled.filter(|link| link.device == device).map_or(0, |link| link.seq);
    let mut statement = conn.prepare(sql)?;
    for row in statement.query_map([], standing)? {
        let row = row?;
        let is_over = row.place.is_some_and(|place| place.device == device && place.seq <= settled);
        if !is_over && kept.rows.get(&row.change).is_none_or(|known| known.place.is_none()) {
            frames.extend(of_row(conn, kept, &row)?);
        }
    }
    Ok(())
}

fn head(conn: &Connection, kept: &Kept, here: &Here) -> Result<Vec<Frame>, Failure> {
    let mut frames = Vec::new();
    let mut who = BTreeMap::new();
    for name in KEPT_SETTINGS {
        who.extend(settings::get(conn, name)?.map(|value| (name.to_owned(), value)));
    }
    let differs = |name: &str| kept.who.get(name) != who.get(name);
    if KEPT_SETTINGS.into_iter().any(differs) {
        who.extend(settings::get(conn, settings::CLOCK)?.map(|clock| (settings::CLOCK.to_owned(), clock)));
        frames.push(Frame::Who { settings: who });
    }
    if kept.settled != Some(here.settled) {
        frames.push(Frame::Settled(here.settled));
    }
    Ok(frames)
}

fn of_row(conn: &Connection, kept: &Kept, now: &Standing) -> Result<Option<Frame>, Failure> {
    let (place, order_ts) = (now.place, now.order_ts);
    Ok(match kept.rows.get(&now.change) {
        None if now.wanted => Some(Frame::Row(Box::new(row(conn, now)?))),
        None => None,
        Some(_) if !now.wanted => Some(Frame::Dropped { change: now.change }),
        Some(known) if (known.place, known.order_ts) != (place, order_ts) => {
            Some(Frame::Placed { change: now.change, place, order_ts })
        }
        Some(_) => None,
    })
}

fn row(conn: &Connection, now: &Standing) -> Result<Row, Failure> {
    let sql = "SELECT kind, version, body, at FROM outbox WHERE n = ?1";
    let row = conn.prepare_cached(sql)?.query_row([now.n], |row| {
        let change = Change { id: now.change, seq: 0, kind: row.get(0)?, version: row.get(1)?, body: row.get(2)? };
        Ok(Row { n: now.n, change, at: row.get(3)?, place: now.place, order_ts: now.order_ts })
    });
    Ok(row?)
}

fn standing(row: &rusqlite::Row<'_>) -> rusqlite::Result<Standing> {
    let (device, seq): (Option<uuid::Uuid>, Option<u64>) = (row.get(3)?, row.get(4)?);
    let chain: Option<[u8; 16]> = row.get(5)?;
    let place = match (device, seq, chain) {
        (Some(device), Some(seq), Some(chain)) => Some(Link { device: DeviceId(device), seq, chain: Digest(chain) }),
        _ => None,
    };
    let (n, change) = (row.get(0)?, ChangeId(row.get(1)?));
    Ok(Standing { n, change, wanted: row.get::<_, Option<bool>>(2)? == Some(true), place, order_ts: row.get(6)? })
}
