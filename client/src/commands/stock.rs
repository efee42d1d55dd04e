//! Goods come, go and are counted. What a person typed is read here (`3 BOX + 7 EA`), the rules of
//! stock decide, and the answer comes when it is on the disk.

use super::save::waiting;
use crate::{
    Acted, Code, Engine, Failure,
    store::queries::{self, cells, history, scan::standing, stock},
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stillage_core::{
    action::{self, Action},
    entered::{self, Entered},
    id::{ItemId, LocationId, MovementId, ReasonId},
    money::Money,
    record::{Item, Tracking},
    rejection::Rejection,
    stock::{LotEntry, Remarks, StockStatus},
};
use ts_rs::TS;

/// A stock action as a person enters it. `qty` is text as typed: `12`, `3 BOX + 7 EA`, `-2`
/// (adjust); a serial is one when it is left out.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct StockEntry {
    #[ts(type = "string")]
    pub item: ItemId,
    #[ts(type = "string")]
    pub location: LocationId,
    #[serde(default)]
    pub qty: String,
    /// Move only.
    #[serde(default)]
    #[ts(optional = nullable, type = "string | null")]
    pub to: Option<LocationId>,
    #[serde(default)]
    #[ts(optional, type = "StockStatus")]
    pub status: Option<StockStatus>,
    /// Move only.
    #[serde(default)]
    #[ts(optional = nullable, type = "StockStatus | null")]
    pub to_status: Option<StockStatus>,
    /// The code of a lot.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub lot: Option<String>,
    /// An ISO date.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub expiry: Option<String>,
    #[serde(default)]
    #[ts(optional = nullable)]
    pub serial: Option<String>,
    #[serde(default)]
    #[ts(optional = nullable, type = "string | null")]
    pub reason: Option<ReasonId>,
    #[serde(default)]
    #[ts(optional = nullable)]
    pub note: Option<String>,
    #[serde(default)]
    #[ts(optional = nullable)]
    pub reference: Option<String>,
    /// Receive only, per base unit.
    #[serde(default)]
    #[ts(optional = nullable, type = "{ minor: string; currency: string } | null")]
    pub cost: Option<Money>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Receive,
    Issue,
    Move,
    Adjust,
    Count,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RecordedState {
    Waiting,
    Settled,
}

/// The answer to everything that was recorded: durable on this device when it arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Recorded {
    pub change_id: String,
    #[ts(inline)]
    pub state: RecordedState,
    /// What the item has at the location now.
    pub on_hand: Option<String>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Reversal {
    #[ts(type = "string")]
    pub movement: MovementId,
    #[serde(default)]
    #[ts(optional = nullable)]
    pub note: Option<String>,
}

/// Lines of one document: recorded together or not at all.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Entries {
    pub entries: Vec<Line>,
}

#[derive(Debug, Clone, Deserialize, TS)]
pub struct Line {
    pub verb: Verb,
    #[serde(flatten)]
    pub entry: StockEntry,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct AllRecorded {
    pub recorded: Vec<Recorded>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    pub reference: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ReferenceCount {
    pub count: u64,
}

pub async fn receive(engine: &Engine, entry: StockEntry) -> Result<Recorded, Failure> {
    one(engine, Verb::Receive, entry).await
}

pub async fn issue(engine: &Engine, entry: StockEntry) -> Result<Recorded, Failure> {
    one(engine, Verb::Issue, entry).await
}

pub async fn transfer(engine: &Engine, entry: StockEntry) -> Result<Recorded, Failure> {
    one(engine, Verb::Move, entry).await
}

pub async fn adjust(engine: &Engine, entry: StockEntry) -> Result<Recorded, Failure> {
    one(engine, Verb::Adjust, entry).await
}

pub async fn count(engine: &Engine, entry: StockEntry) -> Result<Recorded, Failure> {
    one(engine, Verb::Count, entry).await
}

async fn one(engine: &Engine, verb: Verb, entry: StockEntry) -> Result<Recorded, Failure> {
    let (item, location) = (entry.item, entry.location);
    let action = engine.read(move |conn| action(conn, verb, entry)).await?;
    let change_id = super::save::one(engine, action).await?;
    let on_hand = engine
        .read(move |conn| {
            let item = standing(conn, item)?.map_or(item.0, |found| found.of.id);
            Ok(cells::on_hand(conn, item, location.0)?)
        })
        .await?;
    Ok(Recorded { on_hand: Some(on_hand.to_string()), ..waiting(change_id) })
}

pub async fn record(engine: &Engine, args: Entries) -> Result<AllRecorded, Failure> {
    let actions = engine
        .read(move |conn| {
            let lines = args.entries.into_iter().enumerate();
            lines
                .map(|(index, line)| action(conn, line.verb, line.entry).map_err(|failure| at_line(failure, index)))
                .collect::<Result<Vec<Action>, Failure>>()
        })
        .await?;
    let acted = engine.act(actions).await?;
    Ok(AllRecorded { recorded: waiting_all(&acted) })
}

fn at_line(failure: Failure, index: usize) -> Failure {
    let mut details = failure.details.clone();
    if let Some(map) = details.as_object_mut() {
        map.insert("entry".into(), json!(index));
    }
    failure.with(details)
}

pub(super) fn waiting_all(acted: &[Acted]) -> Vec<Recorded> {
    acted.iter().map(|one| waiting(one.change_id.to_string())).collect()
}

pub async fn reverse(engine: &Engine, args: Reversal) -> Result<Recorded, Failure> {
    let movement = args.movement;
    let change_id = super::save::one(engine, action::Reverse { movement, note: args.note }.into()).await?;
    let on_hand = engine
        .read(move |conn| match history::ends(conn, movement.0)? {
            Some((item, places)) => match places[..] {
                [place, ..] => Ok(Some(cells::on_hand(conn, item, place)?)),
                [] => Ok(None),
            },
            None => Ok(None),
        })
        .await?;
    Ok(Recorded { on_hand: on_hand.map(|amount| amount.to_string()), ..waiting(change_id) })
}

pub async fn find_reference(engine: &Engine, args: Reference) -> Result<ReferenceCount, Failure> {
    engine.read(move |conn| Ok(ReferenceCount { count: stock::count_of_reference(conn, &args.reference)? })).await
}

/// Reads what was typed into the action it means.
pub fn action(conn: &Connection, verb: Verb, entry: StockEntry) -> Result<Action, Failure> {
    let item = entry.item;
    let found = standing(conn, item)?.ok_or(Rejection::NotFound { subject: item.into() })?;
    let view: Item = queries::view(&found)?;
    let Entered { quantity: qty, text } = amount(&entry.qty, &view)?;
    let lot = lot(&entry)?;
    only_for(verb, &entry)?;
    let StockEntry { location, to, to_status, reason, note, reference, cost, .. } = entry;
    let remarks = Remarks { reason, note, reference, entered: text };
    let status = entry.status.unwrap_or_default();
    Ok(match verb {
        Verb::Receive => {
            action::Receive { item, location, lot, status, qty, unit_cost: cost, supplier: None, remarks }.into()
        }
        Verb::Issue => action::Issue { item, location, lot, status, qty, remarks }.into(),
        Verb::Move => {
            // The same place under another status is a move too.
            let to =
                to.or(to_status.map(|_| location)).ok_or_else(|| Failure::bad_input("Say where it goes (`to`)."))?;
            action::Transfer { item, from: location, to, lot, status, to_status, qty, remarks }.into()
        }
        Verb::Adjust => {
            action::Adjust { item, location, lot, status, delta: qty, expected_on_hand: None, remarks }.into()
        }
        Verb::Count => action::Count { item, location, lot, status, counted: qty, remarks }.into(),
    })
}

fn only_for(verb: Verb, entry: &StockEntry) -> Result<(), Failure> {
    if verb != Verb::Move && (entry.to.is_some() || entry.to_status.is_some()) {
        return Err(Failure::bad_input("Only a move has a `to`."));
    }
    if verb != Verb::Receive && entry.cost.is_some() {
        return Err(Failure::bad_input("Only a receipt has a `cost`."));
    }
    Ok(())
}

pub(crate) fn amount(typed: &str, item: &Item) -> Result<Entered, Failure> {
    let typed = match typed.trim() {
        "" if item.tracking == Tracking::Serial => "1",
        typed => typed,
    };
    entered::parse(typed, item).map_err(|rejection| match &rejection {
        Rejection::Field { field, .. } if field == "qty" || !typed.contains(char::is_alphabetic) => {
            Failure::new(Code::BadQuantity, format!("{typed:?} is not a quantity."), "Type a number like 12 or 2.5.")
                .with(json!({ "qty": typed }))
        }
        Rejection::Field { field, .. } if field == "unit" => {
            let mut units = vec![item.base_unit.clone()];
            units.extend(item.packs.iter().map(|pack| pack.code.clone()));
            let next = format!("Use one of: {}.", units.join(", "));
            Failure::new(Code::UnknownUnit, format!("{typed:?} has a unit that {} does not have.", item.sku), next)
                .with(json!({ "qty": typed, "units": units }))
        }
        _ => rejection.into(),
    })
}

fn lot(entry: &StockEntry) -> Result<Option<LotEntry>, Failure> {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let code = match (filled(&entry.lot), filled(&entry.serial)) {
        (Some(_), Some(_)) => return Err(Failure::bad_input("Give a lot or a serial, not both.")),
        (lot, serial) => lot.or(serial),
    };
    Ok(code.map(|code| LotEntry { code, expiry: filled(&entry.expiry) }))
}
