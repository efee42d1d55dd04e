//! Relay pages: how many rows from where, cursors, and connections.
//!
//! The surprise: a cursor names the order it belongs to. Used with another one it is refused,
//! rather than starting somewhere that looks right.

use super::{
    fault::{ApiFault, Result},
    loads, reader,
};
use crate::{
    graphql::api::loaders::{CountCells, CountMovements, CountUnder},
    store::queries::{
        Key, KeyPart, Page, Rows,
        balances::{BalanceFilter, balances_count},
        movements::{MovementFilter, movements_count},
        records::{RecordFilter, records_count},
    },
};
use async_graphql::{
    Context, Object, OutputType,
    connection::{Connection, CursorType, Edge},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::sync::Arc;
use stillage_core::record::Kind;
use uuid::Uuid;

/// The most rows of one page.
pub const MAX_PAGE: i32 = 250;
/// The form in which cursors are written now.
const CURSOR_VERSION: u64 = 1;

/// A list with cursors.
pub type List<T> = Connection<Cursor, T, Total>;

/// What a page was asked with.
#[derive(Debug, Clone, Default)]
pub struct PageArgs {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
}

impl PageArgs {
    #[must_use]
    pub fn new(first: Option<i32>, after: Option<String>, last: Option<i32>, before: Option<String>) -> Self {
        Self { first, after, last, before }
    }

    /// The page; `order` names the sort it belongs to and `fits` knows its keys.
    pub fn page(&self, order: &str, fits: impl Fn(&Key) -> bool) -> Result<Page> {
        let (size, backward) = match (self.first, self.last) {
            (Some(first), None) => (first, false),
            (None, Some(last)) => (last, true),
            _ => {
                return Err(ApiFault::request(
                    "PAGE_SIZE_REQUIRED",
                    "A list is asked for with either first or last.",
                    "Give one of them, from 1 to 250.",
                ));
            }
        };
        if size > MAX_PAGE {
            return Err(ApiFault::request(
                "PAGE_TOO_LARGE",
                format!("A page of {size} was asked for; the most is {MAX_PAGE}."),
                "Ask for less, and follow pageInfo.endCursor.",
            ));
        }
        if size < 1 {
            return Err(ApiFault::request(
                "PAGE_SIZE_REQUIRED",
                format!("A page of {size} rows is none."),
                "Give first or last from 1 to 250.",
            ));
        }
        let cursor = |text: &Option<String>| {
            let read = |text: &String| Cursor::key_in(order, text).filter(&fits).ok_or_else(invalid_cursor);
            text.as_ref().map(read).transpose()
        };
        Ok(Page { limit: size.into(), backward, after: cursor(&self.after)?, before: cursor(&self.before)? })
    }
}

fn invalid_cursor() -> ApiFault {
    ApiFault::request(
        "INVALID_CURSOR",
        "The cursor does not belong to this list and order.",
        "Start again without a cursor, or with the sortKey and reverse it came from.",
    )
}

/// Where a row stands in its list. It becomes a text only when somebody asks for it: of a page's cursors most callers
/// want the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    order: Arc<str>,
    key: Key,
}

impl CursorType for Cursor {
    type Error = &'static str;

    fn decode_cursor(text: &str) -> Result<Self, Self::Error> {
        Self::read(text).ok_or("not a cursor of this server")
    }

    fn encode_cursor(&self) -> String {
        let part = |part: &KeyPart| match part {
            KeyPart::Text(text) => json!({ "t": text }),
            KeyPart::Int(number) => json!({ "n": number }),
            KeyPart::Id(id) => json!({ "i": id }),
        };
        let parts: Vec<Value> = self.key.iter().map(part).collect();
        URL_SAFE_NO_PAD.encode(json!([CURSOR_VERSION, &*self.order, parts]).to_string())
    }
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (version, order, parts): (u64, Arc<str>, Vec<Value>) = serde_json::from_slice(&bytes).ok()?;
        if version != CURSOR_VERSION {
            return None;
        }
        let part = |part: &Value| {
            let text = part.get("t").and_then(Value::as_str).map(|text| KeyPart::Text(text.to_owned()));
            let number = || part.get("n").and_then(Value::as_i64).map(KeyPart::Int);
            let id = || part.get("i").and_then(Value::as_str)?.parse().ok().map(KeyPart::Id);
            text.or_else(number).or_else(id)
        };
        Some(Self { order, key: parts.iter().map(part).collect::<Option<_>>()? })
    }

    /// The key of a cursor that belongs to this order.
    fn key_in(order: &str, text: &str) -> Option<Key> {
        Self::read(text).filter(|cursor| *cursor.order == *order).map(|cursor| cursor.key)
    }
}

/// A connection of the rows of a page.
pub fn connection<R, T: OutputType>(
    page: &Page,
    order: &str,
    rows: Rows<R>,
    total: Total,
    node: impl Fn(R) -> T,
) -> List<T> {
    let (previous, next) =
        if page.backward { (rows.more, page.before.is_some()) } else { (page.after.is_some(), rows.more) };
    let mut list = List::with_additional_fields(previous, next, total);
    let order: Arc<str> = order.into();
    let edges = rows.rows.into_iter().map(|(key, row)| Edge::new(Cursor { order: Arc::clone(&order), key }, node(row)));
    list.edges.extend(edges);
    list
}

/// Whose cells are counted.
pub use crate::store::queries::balances::Owner;

/// How many rows a list has in all; counted when it is asked for, and only then.
#[derive(Debug)]
pub enum Total {
    Records(Kind, Box<RecordFilter>),
    Under(Kind, Uuid),
    Cells(Box<BalanceFilter>),
    CellsOf(Owner, Uuid),
    Movements(Box<MovementFilter>),
    MovementsOf(Uuid),
}

#[Object]
impl Total {
    /// How many rows the list has in all, over every page. Costs 5.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i64> {
        let count = match self {
            Self::Records(kind, filter) => records_count(&reader(ctx)?, *kind, filter).await?,
            Self::Cells(filter) => balances_count(&reader(ctx)?, filter).await?,
            Self::Movements(filter) => movements_count(&reader(ctx)?, filter).await?,
            Self::Under(kind, id) => loads(ctx)?.load_one(CountUnder(*kind, *id)).await?.unwrap_or(0),
            Self::CellsOf(owner, id) => loads(ctx)?.load_one(CountCells(*owner, *id)).await?.unwrap_or(0),
            Self::MovementsOf(id) => loads(ctx)?.load_one(CountMovements(*id)).await?.unwrap_or(0),
        };
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_fits_no_other_order() {
        let key = vec![KeyPart::Text("bolt \"8\"".into()), KeyPart::Int(-4), KeyPart::Id(Uuid::nil())];
        let text = Cursor { order: "items/NAME".into(), key: key.clone() }.encode_cursor();
        assert_eq!(Cursor::key_in("items/NAME", &text), Some(key));
        assert_eq!(Cursor::key_in("items/SKU", &text), None);
        assert_eq!(Cursor::key_in("items/NAME", "bm90IG9uZQ"), None);
    }

    #[test]
    fn a_page_wants_exactly_one_size_within_the_limit() {
        let page = |first, last| PageArgs::new(first, None, last, None).page("x", |_| true);
        let code = |fault| match fault {
            ApiFault::Request { code, .. } => code,
            ApiFault::Server(_) => "server",
        };
        assert_eq!(page(Some(250), None).map(|page| page.limit).unwrap(), 250);
        assert!(page(None, Some(1)).is_ok_and(|page| page.backward));
        assert_eq!(code(page(None, None).unwrap_err()), "PAGE_SIZE_REQUIRED");
        assert_eq!(code(page(Some(1), Some(1)).unwrap_err()), "PAGE_SIZE_REQUIRED");
        assert_eq!(code(page(Some(0), None).unwrap_err()), "PAGE_SIZE_REQUIRED");
        assert_eq!(code(page(Some(251), None).unwrap_err()), "PAGE_TOO_LARGE");
    }
}
