//! Stock is received, issued, moved, adjusted, counted, and movements are reversed.

use super::{
    entry::{Asked, Entry, expectation, id_of, optional_id},
    payloads::StockPayload,
    user_errors::UserError,
};
use crate::{
    graphql::api::{
        fault::Result,
        scalars::{Date, MoneyInput, Quantity},
        stock::StockStatus,
    },
    store::queries::{balances::balance_find, movements::movements_by_id},
};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use stillage_core::{
    action::{Action, Adjust, Count, Issue, Receive, Reverse, Transfer},
    id::{ItemId, LocationId, MovementId},
    money::Money,
    quantity,
    rejection::Rejection,
    stock::{self, Cell, LotEntry, Remarks, lot_id},
};

/// A lot or serial by its code; made if it is new.
#[derive(Debug, Clone, InputObject)]
pub struct LotInput {
    pub code: String,
    pub expiry: Option<Date>,
}

macro_rules! stock_inputs {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, InputObject)]
        pub struct $name {
            /// 1 to 200 characters; the same key with the same input is done once.
            pub idempotency_key: String,
            pub item_id: ID,
            /// For items that are tracked.
            pub lot: Option<LotInput>,
            pub status: Option<StockStatus>,
            pub reason_id: Option<ID>,
            pub note: Option<String>,
            /// A document of the outside world: an order, an invoice.
            pub reference: Option<String>,
            /// What was typed, when it was not the plain quantity: `3 BOX + 7 EA`.
            pub entered: Option<String>,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $name {
            fn line(&self) -> Result<Line, Vec<UserError>> {
                Ok(Line {
                    item: id_of("itemId", &self.item_id)?,
                    lot: self.lot.clone().map(|lot| LotEntry {
                        code: lot.code,
                        expiry: lot.expiry.map(|day| day.0),
                    }),
                    status: self.status.map(Into::into).unwrap_or_default(),
                    remarks: Remarks {
                        reason: optional_id("reasonId", self.reason_id.as_ref())?,
                        note: self.note.clone(),
                        reference: self.reference.clone(),
                        entered: self.entered.clone(),
                    },
                })
            }
        }
    )*};
}

stock_inputs! {
    StockReceiveInput {
        location_id: ID,
        quantity: Quantity,
        /// What one base unit cost.
        unit_cost: Option<MoneyInput>,
        supplier_id: Option<ID>,
    }
    StockIssueInput {
        location_id: ID,
        quantity: Quantity,
    }
    StockMoveInput {
        from_location_id: ID,
        to_location_id: ID,
        /// The status at the new place; the same when left out.
        to_status: Option<StockStatus>,
        quantity: Quantity,
    }
    /// Either `delta`, or `setTo` with `expectedOnHand`.
    StockAdjustInput {
        location_id: ID,
        /// Added when positive, taken away when negative.
        delta: Option<Quantity>,
        /// What on hand shall be.
        set_to: Option<Quantity>,
        /// With `setTo`: the on hand you saw. An explicit null sets it whatever it is; leaving it out is an error.
        expected_on_hand: MaybeUndefined<Quantity>,
    }
    StockCountInput {
        location_id: ID,
        /// What was seen; zero is an answer.
        counted: Quantity,
    }
}

#[derive(Debug, Clone, InputObject)]
pub struct StockReverseInput {
    /// 1 to 200 characters; the same key with the same input is done once.
    pub idempotency_key: String,
    pub movement_id: ID,
    pub note: Option<String>,
}

/// What all stock inputs have in common.
struct Line {
    item: ItemId,
    lot: Option<LotEntry>,
    status: stock::StockStatus,
    remarks: Remarks,
}

impl Line {
    fn cell(&self, location: LocationId, status: stock::StockStatus) -> Cell {
        let lot = self.lot.as_ref().map(|lot| lot_id(self.item, &lot.code));
        Cell { item: self.item, location, lot, status }
    }
}

/// An action with the cells it is about.
type Booking = Result<(Action, Vec<Cell>), Vec<UserError>>;

#[derive(Debug, Default)]
pub struct StockMutation;

#[Object]
impl StockMutation {
    /// Goods come in from a supplier, or back from a customer.
    async fn stock_receive(&self, ctx: &Context<'_>, input: StockReceiveInput) -> Result<StockPayload> {
        let entry = Entry::open(ctx, "stockReceive", &input.idempotency_key).await?;
        book(entry, receive(&input)).await
    }

    /// Goods go out: sold, used up, given away.
    async fn stock_issue(&self, ctx: &Context<'_>, input: StockIssueInput) -> Result<StockPayload> {
        let entry = Entry::open(ctx, "stockIssue", &input.idempotency_key).await?;
        book(entry, issue(&input)).await
    }

    /// Goods go from one location or status to another.
    async fn stock_move(&self, ctx: &Context<'_>, input: StockMoveInput) -> Result<StockPayload> {
        let entry = Entry::open(ctx, "stockMove", &input.idempotency_key).await?;
        book(entry, transfer(&input)).await
    }

    /// The book is put right, with a reason. Setting it to what it is already makes no movement and leaves the key free.
    async fn stock_adjust(&self, ctx: &Context<'_>, input: StockAdjustInput) -> Result<StockPayload> {
        let mut entry = Entry::open(ctx, "stockAdjust", &input.idempotency_key).await?;
        if let Some(settled) = entry.early() {
            return StockPayload::of(&entry, settled, &[]).await;
        }
        match adjust(&entry, input).await? {
            Ok(Some((action, cells))) => book(entry, Ok((action, cells))).await,
            Ok(None) => StockPayload::of(&entry, super::entry::Settled::refused(Vec::new()), &[]).await,
            Err(errors) => book(entry, Err(errors)).await,
        }
    }

    /// What was on the shelf at this moment. Movements after it still count; the difference is booked as a variance.
    async fn stock_count(&self, ctx: &Context<'_>, input: StockCountInput) -> Result<StockPayload> {
        let entry = Entry::open(ctx, "stockCount", &input.idempotency_key).await?;
        book(entry, count(&input)).await
    }

    /// A movement is undone by its opposite.
    async fn stock_reverse(&self, ctx: &Context<'_>, input: StockReverseInput) -> Result<StockPayload> {
        let mut entry = Entry::open(ctx, "stockReverse", &input.idempotency_key).await?;
        let settled = match entry.early() {
            Some(settled) => settled,
            None => {
                let asked = reverse(&entry, &input).await?;
                entry.settle(asked).await?
            }
        };
        StockPayload::of(&entry, settled, &[]).await
    }
}

async fn book(mut entry: Entry<'_>, booking: Booking) -> Result<StockPayload> {
    let cells = booking.as_ref().map(|(_, cells)| cells.clone()).unwrap_or_default();
    let settled = match entry.early() {
        Some(settled) => settled,
        None => {
            let places: Vec<LocationId> = cells.iter().map(|cell| cell.location).collect();
            entry.may_book(&places).await?;
            entry.settle(booking.map(|(action, _)| action)).await?
        }
    };
    StockPayload::of(&entry, settled, &cells).await
}

fn receive(input: &StockReceiveInput) -> Booking {
    let line = input.line()?;
    let location = id_of("locationId", &input.location_id)?;
    let cell = line.cell(location, line.status);
    let unit_cost = input.unit_cost.as_ref().map(money).transpose()?;
    let supplier = optional_id("supplierId", input.supplier_id.as_ref())?;
    let Line { item, lot, status, remarks } = line;
    let qty = input.quantity.0;
    Ok((Receive { item, location, lot, status, qty, unit_cost, supplier, remarks }.into(), vec![cell]))
}

fn money(given: &MoneyInput) -> Result<Money, Vec<UserError>> {
    let refused = |field, message: String, next| vec![UserError::new("FIELD", field, message, next)];
    let minor = given.minor.parse().map_err(|_| {
        let text = format!("{:?} is not a whole number of minor units.", given.minor);
        refused("unitCost.minor", text, "Send cents as a string: \"1250\" for 12.50.")
    })?;
    let money = Money { minor, currency: given.currency.clone() };
    if money.is_well_formed() {
        return Ok(money);
    }
    let text = format!("{:?} is not a currency.", given.currency);
    Err(refused("unitCost.currency", text, "Send three capital letters: \"EUR\"."))
}

fn issue(input: &StockIssueInput) -> Booking {
    let line = input.line()?;
    let location = id_of("locationId", &input.location_id)?;
    let cell = line.cell(location, line.status);
    let Line { item, lot, status, remarks } = line;
    Ok((Issue { item, location, lot, status, qty: input.quantity.0, remarks }.into(), vec![cell]))
}

fn transfer(input: &StockMoveInput) -> Booking {
    let line = input.line()?;
    let from = id_of("fromLocationId", &input.from_location_id)?;
    let to = id_of("toLocationId", &input.to_location_id)?;
    let to_status: Option<stock::StockStatus> = input.to_status.map(Into::into);
    let cells = vec![line.cell(from, line.status), line.cell(to, to_status.unwrap_or(line.status))];
    let Line { item, lot, status, remarks } = line;
    Ok((Transfer { item, from, to, lot, status, to_status, qty: input.quantity.0, remarks }.into(), cells))
}

fn count(input: &StockCountInput) -> Booking {
    let line = input.line()?;
    let location = id_of("locationId", &input.location_id)?;
    let cell = line.cell(location, line.status);
    let Line { item, lot, status, remarks } = line;
    Ok((Count { item, location, lot, status, counted: input.counted.0, remarks }.into(), vec![cell]))
}

/// A difference as it was asked for, or the one that leads to what shall be. The latter is taken
/// from what the caller saw, and refused if that is not what stands.
async fn adjust(
    entry: &Entry<'_>,
    input: StockAdjustInput,
) -> Result<Result<Option<(Action, Vec<Cell>)>, Vec<UserError>>> {
    let placed = input.line().and_then(|line| Ok((line, id_of("locationId", &input.location_id)?)));
    let (line, location) = match placed {
        Ok(placed) => placed,
        Err(errors) => return Ok(Err(errors)),
    };
    let cell = line.cell(location, line.status);
    let (delta, expected_on_hand) = match (input.delta, input.set_to) {
        (Some(delta), None) => (delta.0, None),
        (None, Some(target)) => match difference(entry, &cell, target.0, input.expected_on_hand).await? {
            Ok(Some(difference)) => difference,
            Ok(None) => return Ok(Ok(None)),
            Err(errors) => return Ok(Err(errors)),
        },
        _ => {
            let next = "Give delta for a difference, or setTo with expectedOnHand for what it shall be.";
            let text = "Exactly one of delta and setTo is wanted.";
            return Ok(Err(vec![UserError::new("DELTA_OR_SET_TO", "delta", text, next)]));
        }
    };
    let Line { item, lot, status, remarks } = line;
    let action = Adjust { item, location, lot, status, delta, expected_on_hand, remarks };
    Ok(Ok(Some((action.into(), vec![cell]))))
}

type Difference = (quantity::Quantity, Option<quantity::Quantity>);

async fn difference(
    entry: &Entry<'_>,
    cell: &Cell,
    target: quantity::Quantity,
    expected: MaybeUndefined<Quantity>,
) -> Result<Result<Option<Difference>, Vec<UserError>>> {
    let expected = match expectation("EXPECTED_ON_HAND_REQUIRED", "expectedOnHand", expected) {
        Ok(expected) => expected.map(|quantity| quantity.0),
        Err(errors) => return Ok(Err(errors)),
    };
    entry.may_book(&[cell.location]).await?;
    let current = balance_find(&entry.reader, cell).await?.map(|balance| balance.on_hand).unwrap_or_default();
    if let Some(expected) = expected.filter(|expected| *expected != current) {
        return Ok(Err(vec![entry.refuse(&Rejection::OnHandConflict { expected, current })]));
    }
    let Some(delta) = target.checked_sub(current) else {
        return Ok(Err(vec![entry.refuse(&Rejection::Overflow)]));
    };
    Ok(Ok((delta != quantity::Quantity::ZERO).then_some((delta, expected))))
}

async fn reverse(entry: &Entry<'_>, input: &StockReverseInput) -> Result<Asked> {
    let movement: MovementId = match id_of("movementId", &input.movement_id) {
        Ok(id) => id,
        Err(errors) => return Ok(Err(errors)),
    };
    let Some(row) = movements_by_id(&entry.reader, &[movement.0]).await?.remove(&movement) else {
        return Ok(Err(vec![entry.refuse(&Rejection::MovementNotFound { movement })]));
    };
    let places = [row.from, row.to].into_iter().filter(|place| place.site.is_some());
    entry.may_book(&places.map(|place| place.location).collect::<Vec<_>>()).await?;
    Ok(Ok(Reverse { movement, note: input.note.clone() }.into()))
}
