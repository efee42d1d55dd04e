//! What movements and counts have in common: an item in a place, how many, and when. One line a row, in columns that both
//! share; what only a movement has lies in columns beside.

use super::{
    ChunkFault,
    column::{Ids, IdsIn, Known, KnownIn, Numbers, Reader, Steps, StepsIn, Words, WordsIn, time_of},
};
use crate::{
    id::{ChangeId, DeviceId, ItemId, LocationId, LotId, MovementId, PersonId, ReasonId, SupplierId},
    money::Money,
    order::OrderKey,
    stock::{Movement, Place, PostedCount, Remarks},
};
use std::collections::HashMap;
use uuid::Uuid;

/// How the ids of most movements follow from their change (`decide/effects.rs`), after the change's own id.
const SALTS: [&str; 3] = ["variance/0", "variance/1", "turned"];
/// Of the ids that follow from nothing.
const LISTED: u8 = u8::MAX;

/// Times are written as their distance from the time in the change's id: that of one device hardly moves.
fn minted(change: ChangeId) -> i64 {
    time_of(change.0).wrapping_mul(1000)
}

#[derive(Default)]
pub(super) struct Lines {
    items: Known,
    lots: Known,
    places: Places,
    qtys: Numbers,
    at: Steps,
    orders: Steps,
    devices: Known,
    seqs: Numbers,
    last_seq: HashMap<Uuid, i64>,
    errors: Steps,
    people: Known,
    reasons: Known,
    texts: [Words; 3],
    beyond: Beyond,
}

#[derive(Default)]
struct Places {
    locations: Known,
    sites: Known,
    statuses: Words,
}

/// What only movements have.
#[derive(Default)]
struct Beyond {
    ids: Numbers,
    listed: Ids,
    kinds: Words,
    to: Places,
    costs: Numbers,
    currencies: Words,
    suppliers: Known,
    reverses: Known,
    counts: Numbers,
    other_counts: Ids,
}

impl Places {
    fn push(&mut self, place: Place) {
        self.locations.push(Some(place.location.0));
        self.sites.push(place.site.map(|site| site.0));
        self.statuses.push(Some(place.status.name()));
    }

    fn end(self, out: &mut Vec<u8>) {
        self.locations.end(out);
        self.sites.end(out);
        self.statuses.end(out);
    }
}

impl Lines {
    pub(super) fn movement(&mut self, movement: &Movement) {
        self.cell(movement.item, movement.lot, movement.from);
        self.qtys.quantity(movement.qty);
        self.when(movement.change, movement.order, (movement.at, movement.clock_error));
        self.who(movement.person, &movement.remarks);
        self.beyond.push(movement);
    }

    pub(super) fn count(&mut self, count: &PostedCount) {
        self.cell(count.item, count.lot, count.place);
        self.qtys.quantity(count.counted);
        self.when(count.change, count.order, (count.at, count.clock_error));
        self.who(count.person, &count.remarks);
    }

    fn cell(&mut self, item: ItemId, lot: Option<LotId>, place: Place) {
        self.items.push(Some(item.0));
        self.lots.push(lot.map(|lot| lot.0));
        self.places.push(place);
    }

    fn when(&mut self, change: ChangeId, order: OrderKey, (at, error): (i64, i64)) {
        self.at.push(at.wrapping_sub(minted(change)));
        self.orders.push(order.ts.wrapping_sub(at));
        self.devices.push(Some(order.device.0));
        let seq = order.seq.cast_signed();
        let last = self.last_seq.insert(order.device.0, seq).unwrap_or(0);
        self.seqs.signed(seq.wrapping_sub(last));
        self.errors.push(error);
    }

    fn who(&mut self, person: Option<PersonId>, remarks: &Remarks) {
        self.people.push(person.map(|person| person.0));
        self.reasons.push(remarks.reason.map(|reason| reason.0));
        let texts = [&remarks.note, &remarks.reference, &remarks.entered];
        self.texts.iter_mut().zip(texts).for_each(|(words, text)| words.push(text.as_deref()));
    }

    pub(super) fn end(self, out: &mut Vec<u8>) {
        self.items.end(out);
        self.lots.end(out);
        self.places.end(out);
        self.qtys.end(out);
        self.at.end(out);
        self.orders.end(out);
        self.devices.end(out);
        self.seqs.end(out);
        self.errors.end(out);
        self.people.end(out);
        self.reasons.end(out);
        self.texts.into_iter().for_each(|words| words.end(out));
        self.beyond.end(out);
    }
}

impl Beyond {
    fn push(&mut self, movement: &Movement) {
        let change = movement.change.0;
        let follows = |salt: &str| MovementId::derived(change, salt) == movement.id;
        if movement.id.0 == change {
            self.ids.byte(0);
        } else if let Some(salt) = (1..).zip(SALTS).find(|(_, salt)| follows(salt)) {
            self.ids.byte(salt.0);
        } else {
            self.ids.byte(LISTED);
            self.listed.push(movement.id.0);
        }
        self.kinds.push(Some(movement.kind.name()));
        self.to.push(movement.to);
        let cost = movement.unit_cost.as_ref();
        self.currencies.push(cost.map(|cost| cost.currency.as_str()));
        if let Some(cost) = cost {
            self.costs.signed(cost.minor);
        }
        self.suppliers.push(movement.supplier.map(|id| id.0));
        self.reverses.push(movement.reverses.map(|id| id.0));
        match movement.count {
            None => self.counts.byte(0),
            Some(count) if count == movement.change => self.counts.byte(1),
            Some(count) => {
                self.counts.byte(2);
                self.other_counts.push(count.0);
            }
        }
    }

    fn end(self, out: &mut Vec<u8>) {
        self.ids.end(out);
        self.listed.end(out);
        self.kinds.end(out);
        self.to.end(out);
        self.costs.end(out);
        self.currencies.end(out);
        self.suppliers.end(out);
        self.reverses.end(out);
        self.counts.end(out);
        self.other_counts.end(out);
    }
}

pub(super) struct LinesIn<'a> {
    items: KnownIn<'a>,
    lots: KnownIn<'a>,
    places: PlacesIn<'a>,
    qtys: Reader<'a>,
    at: StepsIn<'a>,
    orders: StepsIn<'a>,
    devices: KnownIn<'a>,
    seqs: Reader<'a>,
    last_seq: HashMap<Uuid, i64>,
    errors: StepsIn<'a>,
    people: KnownIn<'a>,
    reasons: KnownIn<'a>,
    texts: [WordsIn<'a>; 3],
    beyond: BeyondIn<'a>,
}

struct PlacesIn<'a> {
    locations: KnownIn<'a>,
    sites: KnownIn<'a>,
    statuses: WordsIn<'a>,
}

struct BeyondIn<'a> {
    ids: Reader<'a>,
    listed: IdsIn,
    kinds: WordsIn<'a>,
    to: PlacesIn<'a>,
    costs: Reader<'a>,
    currencies: WordsIn<'a>,
    suppliers: KnownIn<'a>,
    reverses: KnownIn<'a>,
    counts: Reader<'a>,
    other_counts: IdsIn,
}

impl<'a> PlacesIn<'a> {
    fn new(from: &mut Reader<'a>) -> Result<Self, ChunkFault> {
        Ok(Self { locations: KnownIn::new(from)?, sites: KnownIn::new(from)?, statuses: WordsIn::new(from)? })
    }

    fn next(&mut self) -> Result<Place, ChunkFault> {
        Ok(Place {
            location: LocationId(self.locations.some()?),
            site: self.sites.next()?.map(LocationId),
            status: self.statuses.some()?.parse().map_err(|()| ChunkFault::Damaged("a status is unknown"))?,
        })
    }
}

/// When and in which order: `order`, `at` and the clock's error.
type When = (OrderKey, i64, i64);

impl<'a> LinesIn<'a> {
    pub(super) fn new(from: &mut Reader<'a>) -> Result<Self, ChunkFault> {
        Ok(Self {
            items: KnownIn::new(from)?,
            lots: KnownIn::new(from)?,
            places: PlacesIn::new(from)?,
            qtys: from.column()?,
            at: StepsIn::new(from)?,
            orders: StepsIn::new(from)?,
            devices: KnownIn::new(from)?,
            seqs: from.column()?,
            last_seq: HashMap::new(),
            errors: StepsIn::new(from)?,
            people: KnownIn::new(from)?,
            reasons: KnownIn::new(from)?,
            texts: [WordsIn::new(from)?, WordsIn::new(from)?, WordsIn::new(from)?],
            beyond: BeyondIn::new(from)?,
        })
    }

    pub(super) fn movement(&mut self, change: ChangeId) -> Result<Movement, ChunkFault> {
        let (item, lot, from) = self.cell()?;
        let qty = self.qtys.quantity()?;
        let (order, at, clock_error) = self.when(change)?;
        let (person, remarks) = self.who()?;
        let beyond = &mut self.beyond;
        Ok(Movement {
            id: beyond.id(change)?,
            change,
            kind: beyond.kinds.some()?.parse().map_err(|()| ChunkFault::Damaged("a kind is unknown"))?,
            item,
            lot,
            from,
            to: beyond.to.next()?,
            qty,
            order,
            at,
            clock_error,
            person,
            remarks,
            unit_cost: beyond.cost()?,
            supplier: beyond.suppliers.next()?.map(SupplierId),
            reverses: beyond.reverses.next()?.map(MovementId),
            count: beyond.count(change)?,
        })
    }

    pub(super) fn count(&mut self, change: ChangeId) -> Result<PostedCount, ChunkFault> {
        let (item, lot, place) = self.cell()?;
        let counted = self.qtys.quantity()?;
        let (order, at, clock_error) = self.when(change)?;
        let (person, remarks) = self.who()?;
        Ok(PostedCount { change, item, lot, place, counted, order, at, clock_error, person, remarks })
    }

    fn cell(&mut self) -> Result<(ItemId, Option<LotId>, Place), ChunkFault> {
        Ok((ItemId(self.items.some()?), self.lots.next()?.map(LotId), self.places.next()?))
    }

    fn when(&mut self, change: ChangeId) -> Result<When, ChunkFault> {
        let at = self.at.next()?.wrapping_add(minted(change));
        let ts = self.orders.next()?.wrapping_add(at);
        let device = self.devices.some()?;
        let last = self.last_seq.entry(device).or_insert(0);
        *last = last.wrapping_add(self.seqs.signed()?);
        Ok((OrderKey { ts, device: DeviceId(device), seq: last.cast_unsigned() }, at, self.errors.next()?))
    }

    fn who(&mut self) -> Result<(Option<PersonId>, Remarks), ChunkFault> {
        let (person, reason) = (self.people.next()?.map(PersonId), self.reasons.next()?.map(ReasonId));
        let [note, reference, entered] = &mut self.texts;
        let text = |words: &mut WordsIn<'a>| words.next().map(|word| word.map(str::to_owned));
        Ok((person, Remarks { reason, note: text(note)?, reference: text(reference)?, entered: text(entered)? }))
    }
}

impl<'a> BeyondIn<'a> {
    fn new(from: &mut Reader<'a>) -> Result<Self, ChunkFault> {
        Ok(Self {
            ids: from.column()?,
            listed: IdsIn::new(from)?,
            kinds: WordsIn::new(from)?,
            to: PlacesIn::new(from)?,
            costs: from.column()?,
            currencies: WordsIn::new(from)?,
            suppliers: KnownIn::new(from)?,
            reverses: KnownIn::new(from)?,
            counts: from.column()?,
            other_counts: IdsIn::new(from)?,
        })
    }

    fn id(&mut self, change: ChangeId) -> Result<MovementId, ChunkFault> {
        match self.ids.byte()? {
            0 => Ok(MovementId(change.0)),
            LISTED => self.listed.next().map(MovementId),
            salt => {
                let salt = SALTS.get(usize::from(salt) - 1).ok_or(ChunkFault::Damaged("a salt is unknown"))?;
                Ok(MovementId::derived(change.0, salt))
            }
        }
    }

    fn cost(&mut self) -> Result<Option<Money>, ChunkFault> {
        let Some(currency) = self.currencies.next()? else { return Ok(None) };
        Ok(Some(Money { minor: self.costs.signed()?, currency: currency.to_owned() }))
    }

    fn count(&mut self, change: ChangeId) -> Result<Option<ChangeId>, ChunkFault> {
        match self.counts.byte()? {
            0 => Ok(None),
            1 => Ok(Some(change)),
            _ => self.other_counts.next().map(|id| Some(ChangeId(id))),
        }
    }
}
