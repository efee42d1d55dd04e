//! What is on hand, cell by cell.
//!
//! The surprise: a balance does not know its site; its location does. Only a reader who is limited
//! to sites, or asks for one, pays for that look.

use super::{
    Key, Page, Reader, Rows, Sql,
    page::{Column, Order, by_owner},
};
use sqlx::{Row, postgres::PgRow};
use std::collections::HashMap;
use stillage_core::{
    id::{ItemId, LocationId, LotId},
    quantity::Quantity,
    stock::{Cell, StockStatus},
};
use uuid::Uuid;

/// One cell with what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Balance {
    pub cell: Cell,
    pub on_hand: Quantity,
    /// The latest count: what was seen, and its place in the order of things (microseconds since 1970).
    pub counted: Option<(Quantity, i64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BalanceSort {
    /// Item by item, in no order a person would name.
    #[default]
    Item,
    /// By the code of the location.
    Location,
}

/// Which cells.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct BalanceFilter {
    pub items: Option<Vec<Uuid>>,
    pub locations: Option<Vec<Uuid>>,
    /// These locations and everything below them.
    pub under: Option<Vec<Uuid>>,
    pub sites: Option<Vec<String>>,
    pub lots: Option<Vec<Uuid>>,
    pub statuses: Option<Vec<String>>,
    /// Cells that have come to zero too.
    pub zero: bool,
    pub below: Option<i64>,
    pub above: Option<i64>,
}

/// Whose cells, when they are read for several owners at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    Item,
    Location,
    Lot,
}

impl Owner {
    const fn column(self) -> &'static str {
        match self {
            Self::Item => "b.item",
            Self::Location => "b.location",
            Self::Lot => "b.lot",
        }
    }

    /// Under an item its places come by their codes; elsewhere the key of the table is the order.
    const fn sort(self) -> BalanceSort {
        match self {
            Self::Item => BalanceSort::Location,
            Self::Location | Self::Lot => BalanceSort::Item,
        }
    }
}

const COLUMNS: &str = "b.item, b.location, b.lot, b.status, b.on_hand, b.counted, b.count_ts";

fn order(sort: BalanceSort, descending: bool) -> Order {
    let columns: &'static [Column] = match sort {
        BalanceSort::Item => {
            &[Column::Id("b.item"), Column::Id("b.location"), Column::Id("b.lot"), Column::Text("b.status")]
        }
        BalanceSort::Location => &[
            Column::Text("coalesce(l.key, '')"),
            Column::Id("b.location"),
            Column::Id("b.item"),
            Column::Id("b.lot"),
            Column::Text("b.status"),
        ],
    };
    Order { columns, descending }
}

/// Whether a key from a cursor fits this sort.
#[must_use]
pub fn key_fits(sort: BalanceSort, key: &Key) -> bool {
    let columns = order(sort, false).columns;
    columns.len() == key.len() && columns.iter().zip(key).all(|(column, part)| column.takes(part))
}

/// The same for the cells of an owner.
#[must_use]
pub fn key_fits_owner(owner: Owner, key: &Key) -> bool {
    key_fits(owner.sort(), key)
}

/// One page of cells.
pub async fn balances_page(
    reader: &Reader,
    filter: &BalanceFilter,
    (sort, descending): (BalanceSort, bool),
    page: &Page,
) -> Result<Rows<Balance>, sqlx::Error> {
    let order = order(sort, descending);
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS);
    order.push_keys(&mut sql);
    push_from(&mut sql, reader, filter, sort);
    push_where(&mut sql, reader, filter);
    order.push(&mut sql, page);
    let rows = sql.build().fetch_all(&reader.pool).await?;
    let rows: Result<Vec<_>, sqlx::Error> = rows.iter().map(|row| Ok((order.key(row)?, balance(row)?))).collect();
    Ok(Rows::cut(page, rows?))
}

/// How many cells the filter lets through.
pub async fn balances_count(reader: &Reader, filter: &BalanceFilter) -> Result<i64, sqlx::Error> {
    let mut sql = Sql::new("SELECT count(*)");
    push_from(&mut sql, reader, filter, BalanceSort::Item);
    push_where(&mut sql, reader, filter);
    sql.build_query_scalar().fetch_one(&reader.pool).await
}

/// A page of cells for each of several owners.
pub async fn balances_of(
    reader: &Reader,
    owner: Owner,
    ids: &[Uuid],
    page: &Page,
) -> Result<HashMap<Uuid, Rows<Balance>>, sqlx::Error> {
    let filter = BalanceFilter::default();
    let order = order(owner.sort(), false);
    let mut sql = Sql::new("SELECT o.owner, x.* FROM unnest(");
    sql.push_bind(ids).push(") AS o(owner) CROSS JOIN LATERAL (SELECT ");
    sql.push(COLUMNS);
    order.push_keys(&mut sql);
    // The owner's cells first, whatever the planner thinks: by the order of the locations it would walk all of them.
    sql.push(format_args!(" FROM (SELECT * FROM balance b WHERE b.org = "));
    sql.push_bind(reader.org.0).push(format_args!(" AND {} = o.owner OFFSET 0) b", owner.column()));
    if reader.sites.is_some() || owner.sort() == BalanceSort::Location {
        sql.push(" CROSS JOIN LATERAL (SELECT l.key, l.body FROM record l");
        sql.push(" WHERE l.org = b.org AND l.kind = 'location' AND l.id = b.location OFFSET 0) l");
    }
    push_where(&mut sql, reader, &filter);
    order.push(&mut sql, page);
    sql.push(") x");
    order.push_outer(&mut sql, page);
    let rows = sql.build().fetch_all(&reader.pool).await?;
    let rows: Result<Vec<_>, sqlx::Error> =
        rows.iter().map(|row| Ok((row.try_get("owner")?, order.key(row)?, balance(row)?))).collect();
    Ok(by_owner(page, rows?))
}

/// How many cells each owner has.
pub async fn balances_of_count(reader: &Reader, owner: Owner, ids: &[Uuid]) -> Result<HashMap<Uuid, i64>, sqlx::Error> {
    let filter = BalanceFilter::default();
    let mut sql = Sql::new("SELECT ");
    sql.push(format_args!("{}, count(*)", owner.column()));
    push_from(&mut sql, reader, &filter, BalanceSort::Item);
    push_where(&mut sql, reader, &filter);
    sql.push(format_args!(" AND {} = ANY(", owner.column())).push_bind(ids).push(")");
    sql.push(format_args!(" GROUP BY {}", owner.column()));
    let counts: Vec<(Uuid, i64)> = sql.build_query_as().fetch_all(&reader.pool).await?;
    Ok(counts.into_iter().collect())
}

/// One cell, if it was ever touched.
pub async fn balance_find(reader: &Reader, cell: &Cell) -> Result<Option<Balance>, sqlx::Error> {
    let filter = BalanceFilter {
        items: Some(vec![cell.item.0]),
        locations: Some(vec![cell.location.0]),
        lots: Some(vec![cell.lot.map_or(Uuid::nil(), |lot| lot.0)]),
        statuses: Some(vec![cell.status.name().to_owned()]),
        zero: true,
        ..BalanceFilter::default()
    };
    let page = Page { limit: 1, ..Page::default() };
    let rows = balances_page(reader, &filter, (BalanceSort::Item, false), &page).await?;
    Ok(rows.rows.into_iter().next().map(|(_, balance)| balance))
}

/// What is on hand of each item, over every place the reader may see.
pub async fn on_hand_of(reader: &Reader, items: &[Uuid]) -> Result<HashMap<Uuid, Quantity>, sqlx::Error> {
    let mut sql = Sql::new("SELECT b.item, sum(b.on_hand)::bigint");
    let filter = BalanceFilter { zero: true, ..BalanceFilter::default() };
    push_from(&mut sql, reader, &filter, BalanceSort::Item);
    push_where(&mut sql, reader, &filter);
    sql.push(" AND b.item = ANY(").push_bind(items).push(") GROUP BY b.item");
    let sums: Vec<(Uuid, i64)> = sql.build_query_as().fetch_all(&reader.pool).await?;
    Ok(sums.into_iter().map(|(item, sum)| (item, Quantity(sum))).collect())
}

fn push_from(sql: &mut Sql, reader: &Reader, filter: &BalanceFilter, sort: BalanceSort) {
    sql.push(" FROM balance b");
    if reader.sites.is_some() || filter.sites.is_some() || sort == BalanceSort::Location {
        sql.push(" JOIN record l ON l.org = b.org AND l.kind = 'location' AND l.id = b.location");
    }
}

fn push_where(sql: &mut Sql, reader: &Reader, filter: &BalanceFilter) {
    sql.push(" WHERE b.org = ").push_bind(reader.org.0);
    for sites in [reader.site_texts(), filter.sites.clone()].into_iter().flatten() {
        sql.push(" AND l.body::jsonb->>'site' = ANY(").push_bind(sites).push(")");
    }
    for (column, ids) in [("b.item", &filter.items), ("b.location", &filter.locations), ("b.lot", &filter.lots)] {
        if let Some(ids) = ids {
            sql.push(format_args!(" AND {column} = ANY(")).push_bind(ids.clone()).push(")");
        }
    }
    if let Some(under) = &filter.under {
        sql.push(" AND b.location IN (WITH RECURSIVE below(id) AS (SELECT unnest(").push_bind(under.clone());
        sql.push("::uuid[]) UNION SELECT c.id FROM record c JOIN below ON c.parent = below.id WHERE c.org = ");
        sql.push_bind(reader.org.0).push(" AND c.kind = 'location') SELECT id FROM below)");
    }
    if let Some(statuses) = &filter.statuses {
        sql.push(" AND b.status = ANY(").push_bind(statuses.clone()).push(")");
    }
    if !filter.zero {
        sql.push(" AND b.on_hand <> 0");
    }
    if let Some(below) = filter.below {
        sql.push(" AND b.on_hand < ").push_bind(below);
    }
    if let Some(above) = filter.above {
        sql.push(" AND b.on_hand > ").push_bind(above);
    }
}

fn balance(row: &PgRow) -> Result<Balance, sqlx::Error> {
    let lot: Uuid = row.try_get("lot")?;
    let status: String = row.try_get("status")?;
    let counted: Option<i64> = row.try_get("counted")?;
    let count_ts: Option<i64> = row.try_get("count_ts")?;
    Ok(Balance {
        cell: Cell {
            item: ItemId(row.try_get("item")?),
            location: LocationId(row.try_get("location")?),
            lot: (!lot.is_nil()).then_some(LotId(lot)),
            status: status_of(&status)?,
        },
        on_hand: Quantity(row.try_get("on_hand")?),
        counted: counted.map(Quantity).zip(count_ts),
    })
}

pub(super) fn status_of(name: &str) -> Result<StockStatus, sqlx::Error> {
    name.parse().map_err(|()| sqlx::Error::Decode(format!("unknown stock status {name}").into()))
}
