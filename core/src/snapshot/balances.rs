//! Cells with what lies in them and their latest count, as a device keeps them.

use super::{
    ChunkFault,
    column::{Known, KnownIn, Numbers, Reader, Steps, StepsIn, Words, WordsIn, put},
};
use crate::{
    facts::LastCount,
    id::{ChangeId, DeviceId, ItemId, LocationId, LotId},
    order::OrderKey,
    quantity::Quantity,
    stock::Cell,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Balance {
    pub cell: Cell,
    pub on_hand: Quantity,
    pub last_order: i64,
    /// Without its clock and its person: a device keeps neither.
    pub count: Option<LastCount>,
}

#[derive(Default)]
struct Columns {
    items: Known,
    locations: Known,
    lots: Known,
    statuses: Words,
    on_hand: Numbers,
    orders: Steps,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    changes: Known,
    times: Steps,
    devices: Known,
    seqs: Steps,
    counted: Numbers,
    numbers: Steps,
}

pub(super) fn write(out: &mut Vec<u8>, balances: &[Balance]) {
    put(out, balances.len() as u64);
    let mut columns = Columns::default();
    for balance in balances {
        let cell = balance.cell;
        columns.items.push(Some(cell.item.0));
        columns.locations.push(Some(cell.location.0));
        columns.lots.push(cell.lot.map(|lot| lot.0));
        columns.statuses.push(Some(cell.status.name()));
        columns.on_hand.quantity(balance.on_hand);
        columns.orders.push(balance.last_order);
        columns.counts.push(balance.count.as_ref());
    }
    columns.items.end(out);
    columns.locations.end(out);
    columns.lots.end(out);
    columns.statuses.end(out);
    columns.on_hand.end(out);
    columns.orders.end(out);
    columns.counts.end(out);
}

impl Counts {
    fn push(&mut self, count: Option<&LastCount>) {
        self.changes.push(count.map(|count| count.change.0));
        let Some(count) = count else { return };
        self.times.push(count.order.ts);
        self.devices.push(Some(count.order.device.0));
        self.seqs.push(count.order.seq.cast_signed());
        self.counted.quantity(count.counted);
        // One more than the number, for a count without one.
        self.numbers.push(count.log_seq.map_or(0, |number| number.cast_signed() + 1));
    }

    fn end(self, out: &mut Vec<u8>) {
        self.changes.end(out);
        self.times.end(out);
        self.devices.end(out);
        self.seqs.end(out);
        self.counted.end(out);
        self.numbers.end(out);
    }
}

struct CountsIn<'a> {
    changes: KnownIn<'a>,
    times: StepsIn<'a>,
    devices: KnownIn<'a>,
    seqs: StepsIn<'a>,
    counted: Reader<'a>,
    numbers: StepsIn<'a>,
}

impl<'a> CountsIn<'a> {
    fn new(from: &mut Reader<'a>) -> Result<Self, ChunkFault> {
        Ok(Self {
            changes: KnownIn::new(from)?,
            times: StepsIn::new(from)?,
            devices: KnownIn::new(from)?,
            seqs: StepsIn::new(from)?,
            counted: from.column()?,
            numbers: StepsIn::new(from)?,
        })
    }

    fn next(&mut self) -> Result<Option<LastCount>, ChunkFault> {
        let Some(change) = self.changes.next()? else { return Ok(None) };
        let order = OrderKey {
            ts: self.times.next()?,
            device: DeviceId(self.devices.some()?),
            seq: self.seqs.next()?.cast_unsigned(),
        };
        let counted = self.counted.quantity()?;
        let log_seq = self.numbers.next()?.checked_sub(1).filter(|number| *number >= 0).map(i64::cast_unsigned);
        Ok(Some(LastCount { change: ChangeId(change), order, counted, log_seq, clock_error: 0, person: None }))
    }
}

pub(super) fn read(from: &mut Reader<'_>) -> Result<Vec<Balance>, ChunkFault> {
    let count = from.number()?;
    let (mut items, mut locations, mut lots) = (KnownIn::new(from)?, KnownIn::new(from)?, KnownIn::new(from)?);
    let (mut statuses, mut on_hand) = (WordsIn::new(from)?, from.column()?);
    let (mut orders, mut counts) = (StepsIn::new(from)?, CountsIn::new(from)?);
    let mut balances = Vec::new();
    for _ in 0..count {
        let status = statuses.some()?.parse().map_err(|()| ChunkFault::Damaged("a status is unknown"))?;
        let cell = Cell {
            item: ItemId(items.some()?),
            location: LocationId(locations.some()?),
            lot: lots.next()?.map(LotId),
            status,
        };
        balances.push(Balance {
            cell,
            on_hand: on_hand.quantity()?,
            last_order: orders.next()?,
            count: counts.next()?,
        });
    }
    Ok(balances)
}
