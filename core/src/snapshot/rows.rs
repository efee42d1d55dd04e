//! Log entries in columns: each with its number and its change, and what it says by its kind.

use super::{
    ChunkFault,
    column::{Ids, IdsIn, Numbers, Reader, Steps, StepsIn, Texts, TextsIn, Words, WordsIn, put},
    lines::{Lines, LinesIn},
};
use crate::{
    change::Outcome,
    id::ChangeId,
    record::{Kind, Ref},
    stock::{Movement, PostedCount},
    wire::{LogEntry, entry},
};
use serde::de::DeserializeOwned;

/// One row of a scope's log, read as a device reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub seq: u64,
    pub change: ChangeId,
    pub outcome: Outcome,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Written over by a later row: only its change's end is left of it.
    Gone,
    Record {
        of: Ref,
        body: String,
    },
    Movement {
        movement: Box<Movement>,
        /// As it came, when that is not what `Movement::body` writes.
        body: Option<String>,
    },
    Count {
        count: Box<PostedCount>,
        body: String,
    },
    /// Of a newer version: kept as it came.
    Unknown(Box<LogEntry>),
}

impl Row {
    /// Reads an entry as `absorb` does; `gone` when a later row of the same record is in the snapshot.
    #[must_use]
    pub fn of(logged: LogEntry, gone: bool) -> Self {
        let (seq, change, outcome) = (logged.seq, logged.change, logged.outcome);
        let what = if gone && !seeded!(SnapshotKeepsOld) { What::Gone } else { What::of(logged) };
        Self { seq, change, outcome, what }
    }
}

/// As it was logged, byte for byte. Of what was written over, only what `Row` keeps.
impl From<Row> for LogEntry {
    fn from(row: Row) -> Self {
        let Row { seq, change, outcome, what } = row;
        let (kind, id, body) = match what {
            What::Unknown(logged) => return *logged,
            What::Gone => (entry::GONE, String::new(), String::new()),
            What::Record { of, body } => (entry::RECORD, of.to_string(), body),
            What::Movement { movement, body } => {
                (entry::MOVEMENT, movement.id.to_string(), body.unwrap_or_else(|| movement.body()))
            }
            What::Count { count, body } => (entry::COUNT, count.change.to_string(), body),
        };
        Self { seq, kind: kind.to_owned(), id, version: entry::VERSION, change, outcome, body }
    }
}

impl What {
    fn of(logged: LogEntry) -> Self {
        match (logged.kind.as_str(), logged.version, logged.id.parse::<Ref>()) {
            (entry::GONE, ..) => Self::Gone,
            (entry::RECORD, entry::VERSION, Ok(of)) => Self::Record { of, body: logged.body },
            (entry::MOVEMENT, entry::VERSION, _) => match serde_json::from_str::<Movement>(&logged.body) {
                Ok(movement) if movement.id.to_string() == logged.id && movement.change == logged.change => {
                    let body = Some(logged.body).filter(|body| *body != movement.body());
                    Self::Movement { movement: Box::new(movement), body }
                }
                _ => Self::Unknown(Box::new(logged)),
            },
            (entry::COUNT, entry::VERSION, _) => match serde_json::from_str::<PostedCount>(&logged.body) {
                Ok(count) if count.change == logged.change => Self::Count { count: Box::new(count), body: logged.body },
                _ => Self::Unknown(Box::new(logged)),
            },
            _ if seeded!(SnapshotDropsUnknown) => Self::Gone,
            _ => Self::Unknown(Box::new(logged)),
        }
    }
}

/// What a row is, in the low bits of its tag; its outcome lies above.
const GONE: u8 = 0;
const RECORD: u8 = 1;
const MOVEMENT: u8 = 2;
const COUNT: u8 = 3;
const UNKNOWN: u8 = 4;
/// The body is there as a text, for it cannot be built again from columns.
const AS_IT_CAME: u8 = 8;
const OUTCOMES: [Outcome; 4] = [Outcome::Applied, Outcome::Merged, Outcome::Rejected, Outcome::Parked];

#[derive(Default)]
struct Columns {
    tags: Numbers,
    seqs: Steps,
    changes: Ids,
    kinds: Words,
    ids: Ids,
    bodies: Texts,
    lines: Lines,
    names: Words,
    versions: Numbers,
}

pub(super) fn write(out: &mut Vec<u8>, rows: &[Row]) {
    put(out, rows.len() as u64);
    let mut columns = Columns::default();
    rows.iter().for_each(|row| columns.push(row));
    columns.tags.end(out);
    columns.seqs.end(out);
    columns.changes.end(out);
    columns.kinds.end(out);
    columns.ids.end(out);
    columns.bodies.end(out);
    columns.lines.end(out);
    columns.names.end(out);
    columns.versions.end(out);
}

impl Columns {
    fn push(&mut self, row: &Row) {
        let outcome = OUTCOMES.iter().position(|outcome| *outcome == row.outcome).unwrap_or_default();
        let tag = self.what(&row.what);
        self.tags.byte(tag | (outcome as u8) << 4);
        self.seqs.push(row.seq.cast_signed());
        self.changes.push(row.change.0);
    }

    fn what(&mut self, what: &What) -> u8 {
        match what {
            What::Gone => GONE,
            What::Record { of, body } => {
                self.kinds.push(Some(of.kind.name()));
                self.ids.push(of.id);
                self.bodies.push(body);
                RECORD
            }
            What::Movement { movement, body } => {
                let Some(body) = body else {
                    self.lines.movement(movement);
                    return MOVEMENT;
                };
                self.bodies.push(body);
                MOVEMENT | AS_IT_CAME
            }
            What::Count { count, body } => {
                if count.body() == *body {
                    self.lines.count(count);
                    return COUNT;
                }
                self.bodies.push(body);
                COUNT | AS_IT_CAME
            }
            What::Unknown(logged) => {
                self.names.push(Some(&logged.kind));
                self.names.push(Some(&logged.id));
                self.versions.push(u64::from(logged.version));
                self.bodies.push(&logged.body);
                UNKNOWN
            }
        }
    }
}

struct ColumnsIn<'a> {
    kinds: WordsIn<'a>,
    ids: IdsIn,
    bodies: TextsIn<'a>,
    lines: LinesIn<'a>,
    names: WordsIn<'a>,
    versions: Reader<'a>,
}

pub(super) fn read(from: &mut Reader<'_>) -> Result<Vec<Row>, ChunkFault> {
    let count = from.number()?;
    let mut tags = from.column()?;
    let (mut seqs, mut changes) = (StepsIn::new(from)?, IdsIn::new(from)?);
    let mut columns = ColumnsIn {
        kinds: WordsIn::new(from)?,
        ids: IdsIn::new(from)?,
        bodies: TextsIn::new(from)?,
        lines: LinesIn::new(from)?,
        names: WordsIn::new(from)?,
        versions: from.column()?,
    };
    let mut rows = Vec::with_capacity(tags.left());
    for _ in 0..count {
        let tag = tags.byte()?;
        let (seq, change) = (seqs.next()?.cast_unsigned(), ChangeId(changes.next()?));
        let outcome = OUTCOMES.get(usize::from(tag >> 4)).copied();
        let outcome = outcome.ok_or(ChunkFault::Damaged("an outcome is unknown"))?;
        let what = columns.what(tag & 0x0f, seq, (change, outcome))?;
        rows.push(Row { seq, change, outcome, what });
    }
    Ok(rows)
}

fn parsed<T: DeserializeOwned>(body: &str) -> Result<T, ChunkFault> {
    serde_json::from_str(body).map_err(|_| ChunkFault::Damaged("a body cannot be read"))
}

impl ColumnsIn<'_> {
    fn what(&mut self, tag: u8, seq: u64, (change, outcome): (ChangeId, Outcome)) -> Result<What, ChunkFault> {
        const MOVEMENT_AS_IT_CAME: u8 = MOVEMENT | AS_IT_CAME;
        const COUNT_AS_IT_CAME: u8 = COUNT | AS_IT_CAME;
        Ok(match tag {
            GONE => What::Gone,
            RECORD => {
                let kind: Kind = self.kinds.some()?.parse().map_err(|()| ChunkFault::Format)?;
                What::Record { of: Ref { kind, id: self.ids.next()? }, body: self.bodies.next()?.to_owned() }
            }
            MOVEMENT => What::Movement { movement: Box::new(self.lines.movement(change)?), body: None },
            COUNT => {
                let count = self.lines.count(change)?;
                What::Count { body: count.body(), count: Box::new(count) }
            }
            MOVEMENT_AS_IT_CAME => {
                let body = self.bodies.next()?.to_owned();
                What::Movement { movement: Box::new(parsed(&body)?), body: Some(body) }
            }
            COUNT_AS_IT_CAME => {
                let body = self.bodies.next()?.to_owned();
                What::Count { count: Box::new(parsed(&body)?), body }
            }
            UNKNOWN => {
                let (kind, id) = (self.names.some()?.to_owned(), self.names.some()?.to_owned());
                let version = u32::try_from(self.versions.number()?).map_err(|_| ChunkFault::Format)?;
                let body = self.bodies.next()?.to_owned();
                What::Unknown(Box::new(LogEntry { seq, kind, id, version, change, outcome, body }))
            }
            _ => return Err(ChunkFault::Format),
        })
    }
}
