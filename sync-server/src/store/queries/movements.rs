//! The ledger, movement by movement, newest first.

use super::{
    Key, Page, Reader, Rows, Sql,
    balances::status_of,
    page::{Column, Order, by_owner},
};
use sqlx::{Row, postgres::PgRow};
use std::collections::HashMap;
use stillage_core::{
    id::{ChangeId, ItemId, LocationId, LotId, MovementId, PersonId, ReasonId, SupplierId},
    money::Money,
    quantity::Quantity,
    stock::{MovementKind, Place},
};
use uuid::Uuid;

/// One movement as the ledger has it.
#[derive(Debug, Clone, PartialEq)]
pub struct MovementRow {
    pub id: MovementId,
    pub change: ChangeId,
    pub kind: MovementKind,
    pub item: ItemId,
    pub lot: Option<LotId>,
    pub from: Place,
    pub to: Place,
    pub qty: Quantity,
    /// When it happened, in microseconds since 1970.
    pub at: i64,
    pub recorded_at: i64,
    pub person: Option<PersonId>,
    pub reason: Option<ReasonId>,
    pub note: Option<String>,
    pub reference: Option<String>,
    pub entered: Option<String>,
    pub unit_cost: Option<Money>,
    pub supplier: Option<SupplierId>,
    pub reverses: Option<MovementId>,
}

/// Which movements.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct MovementFilter {
    pub items: Option<Vec<Uuid>>,
    /// At either end.
    pub locations: Option<Vec<Uuid>>,
    pub sites: Option<Vec<Uuid>>,
    pub lots: Option<Vec<Uuid>>,
    pub kinds: Option<Vec<String>>,
    pub reasons: Option<Vec<Uuid>>,
    pub persons: Option<Vec<Uuid>>,
    pub reference: Option<String>,
    pub from: Option<i64>,
    pub before: Option<i64>,
}

const COLUMNS: &str = "m.id, m.change, m.kind, m.item, m.lot, m.from_location, m.from_site, m.from_status, \
     m.to_location, m.to_site, m.to_status, m.qty, m.at, m.recorded_at, m.person, m.reason, m.note, m.reference, \
     m.entered, m.cost_minor, m.cost_currency, m.supplier, m.reverses";

const KEY: &[Column] = &[Column::Int("m.at"), Column::Id("m.id")];

/// Whether a key from a cursor fits the order of movements.
#[must_use]
pub fn key_fits(key: &Key) -> bool {
    KEY.len() == key.len() && KEY.iter().zip(key).all(|(column, part)| column.takes(part))
}

/// One page; `descending` is newest first.
pub async fn movements_page(
    reader: &Reader,
    filter: &MovementFilter,
    descending: bool,
    page: &Page,
) -> Result<Rows<MovementRow>, sqlx::Error> {
    let order = Order { columns: KEY, descending };
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS);
    order.push_keys(&mut sql);
    push_where(&mut sql, reader, filter);
    order.push(&mut sql, page);
    let rows = sql.build().fetch_all(&reader.pool).await?;
    let rows: Result<Vec<_>, sqlx::Error> = rows.iter().map(|row| Ok((order.key(row)?, movement(row)?))).collect();
    Ok(Rows::cut(page, rows?))
}

/// How many movements the filter lets through.
pub async fn movements_count(reader: &Reader, filter: &MovementFilter) -> Result<i64, sqlx::Error> {
    let mut sql = Sql::new("SELECT count(*)");
    push_where(&mut sql, reader, filter);
    sql.build_query_scalar().fetch_one(&reader.pool).await
}

/// A page of the newest movements of each of several items.
pub async fn movements_of(
    reader: &Reader,
    items: &[Uuid],
    page: &Page,
) -> Result<HashMap<Uuid, Rows<MovementRow>>, sqlx::Error> {
    let order = Order { columns: KEY, descending: true };
    let mut sql = Sql::new("SELECT o.owner, x.* FROM unnest(");
    sql.push_bind(items).push(") AS o(owner) CROSS JOIN LATERAL (SELECT ");
    sql.push(COLUMNS);
    order.push_keys(&mut sql);
    push_where(&mut sql, reader, &MovementFilter::default());
    sql.push(" AND m.item = o.owner");
    order.push(&mut sql, page);
    sql.push(") x");
    order.push_outer(&mut sql, page);
    let rows = sql.build().fetch_all(&reader.pool).await?;
    let rows: Result<Vec<_>, sqlx::Error> =
        rows.iter().map(|row| Ok((row.try_get("owner")?, order.key(row)?, movement(row)?))).collect();
    Ok(by_owner(page, rows?))
}

/// How many movements each item has.
pub async fn movements_of_count(reader: &Reader, items: &[Uuid]) -> Result<HashMap<Uuid, i64>, sqlx::Error> {
    let mut sql = Sql::new("SELECT m.item, count(*)");
    push_where(&mut sql, reader, &MovementFilter::default());
    sql.push(" AND m.item = ANY(").push_bind(items).push(") GROUP BY m.item");
    let counts: Vec<(Uuid, i64)> = sql.build_query_as().fetch_all(&reader.pool).await?;
    Ok(counts.into_iter().collect())
}

/// Movements by their ids, as far as the reader may see them.
pub async fn movements_by_id(reader: &Reader, ids: &[Uuid]) -> Result<HashMap<MovementId, MovementRow>, sqlx::Error> {
    let found = by_ids(reader, "m.id", ids).await?;
    Ok(found.into_iter().map(|row| (row.id, row)).collect())
}

/// The movements that reverse these.
pub async fn reversals_of(reader: &Reader, ids: &[Uuid]) -> Result<HashMap<MovementId, MovementRow>, sqlx::Error> {
    let found = by_ids(reader, "m.reverses", ids).await?;
    Ok(found.into_iter().filter_map(|row| Some((row.reverses?, row))).collect())
}

async fn by_ids(reader: &Reader, column: &str, ids: &[Uuid]) -> Result<Vec<MovementRow>, sqlx::Error> {
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS);
    push_where(&mut sql, reader, &MovementFilter::default());
    sql.push(format_args!(" AND {column} = ANY(")).push_bind(ids).push(")");
    sql.build().fetch_all(&reader.pool).await?.iter().map(movement).collect()
}

fn push_where(sql: &mut Sql, reader: &Reader, filter: &MovementFilter) {
    sql.push(" FROM movement m WHERE m.org = ").push_bind(reader.org.0);
    for sites in [reader.site_ids(), filter.sites.clone()].into_iter().flatten() {
        sql.push(" AND (m.from_site = ANY(").push_bind(sites.clone());
        sql.push(") OR m.to_site = ANY(").push_bind(sites).push("))");
    }
    if let Some(locations) = &filter.locations {
        sql.push(" AND (m.from_location = ANY(").push_bind(locations.clone());
        sql.push(") OR m.to_location = ANY(").push_bind(locations.clone()).push("))");
    }
    let ids = [
        ("m.item", &filter.items),
        ("m.lot", &filter.lots),
        ("m.reason", &filter.reasons),
        ("m.person", &filter.persons),
    ];
    for (column, ids) in ids {
        if let Some(ids) = ids {
            sql.push(format_args!(" AND {column} = ANY(")).push_bind(ids.clone()).push(")");
        }
    }
    if let Some(kinds) = &filter.kinds {
        sql.push(" AND m.kind = ANY(").push_bind(kinds.clone()).push(")");
    }
    if let Some(reference) = &filter.reference {
        sql.push(" AND m.reference = ").push_bind(reference.clone());
    }
    if let Some(from) = filter.from {
        sql.push(" AND m.at >= ").push_bind(from);
    }
    if let Some(before) = filter.before {
        sql.push(" AND m.at < ").push_bind(before);
    }
}

fn movement(row: &PgRow) -> Result<MovementRow, sqlx::Error> {
    let kind: String = row.try_get("kind")?;
    let place = |end: &str| -> Result<Place, sqlx::Error> {
        let site: Option<Uuid> = row.try_get(format!("{end}_site").as_str())?;
        let status: String = row.try_get(format!("{end}_status").as_str())?;
        Ok(Place {
            location: LocationId(row.try_get(format!("{end}_location").as_str())?),
            site: site.map(LocationId),
            status: status_of(&status)?,
        })
    };
    let minor: Option<i64> = row.try_get("cost_minor")?;
    let currency: Option<String> = row.try_get("cost_currency")?;
    let id = |name: &str| row.try_get::<Option<Uuid>, _>(name);
    Ok(MovementRow {
        id: MovementId(row.try_get("id")?),
        change: ChangeId(row.try_get("change")?),
        kind: kind.parse().map_err(|()| sqlx::Error::Decode(format!("unknown movement kind {kind}").into()))?,
        item: ItemId(row.try_get("item")?),
        lot: id("lot")?.map(LotId),
        from: place("from")?,
        to: place("to")?,
        qty: Quantity(row.try_get("qty")?),
        at: row.try_get("at")?,
        recorded_at: row.try_get("recorded_at")?,
        person: id("person")?.map(PersonId),
        reason: id("reason")?.map(ReasonId),
        note: row.try_get("note")?,
        reference: row.try_get("reference")?,
        entered: row.try_get("entered")?,
        unit_cost: minor.zip(currency).map(|(minor, currency)| Money { minor, currency }),
        supplier: id("supplier")?.map(SupplierId),
        reverses: id("reverses")?.map(MovementId),
    })
}
