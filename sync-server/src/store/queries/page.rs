//! Keyset pages: which part of an ordered list, and the order clause that goes with it.

use super::Sql;
use sqlx::{Row, postgres::PgRow};
use uuid::Uuid;

/// The sort key of one row, the id last, so that no two rows share it.
pub type Key = Vec<KeyPart>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeyPart {
    Text(String),
    Int(i64),
    Id(Uuid),
}

/// What the columns of a key are called; no order has more.
const KEYS: [&str; 5] = ["k0", "k1", "k2", "k3", "k4"];

/// One column of a sort key: its expression, and what it holds.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    Text(&'static str),
    Int(&'static str),
    Id(&'static str),
}

impl Column {
    const fn sql(self) -> &'static str {
        match self {
            Self::Text(sql) | Self::Int(sql) | Self::Id(sql) => sql,
        }
    }

    /// Whether a part from a cursor can stand for this column.
    #[must_use]
    pub const fn takes(self, part: &KeyPart) -> bool {
        matches!(
            (self, part),
            (Self::Text(_), KeyPart::Text(_)) | (Self::Int(_), KeyPart::Int(_)) | (Self::Id(_), KeyPart::Id(_))
        )
    }
}

/// An order: its columns all go the same way, so that one row comparison cuts the list.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub columns: &'static [Column],
    pub descending: bool,
}

/// The part of a list that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Page {
    pub limit: i64,
    /// The last rows before `before` rather than the first after `after`.
    pub backward: bool,
    pub after: Option<Key>,
    pub before: Option<Key>,
}

/// The rows of a page in the order of the list, each with its key.
#[derive(Debug, Clone)]
pub struct Rows<T> {
    pub rows: Vec<(Key, T)>,
    /// There are rows beyond, in the direction of the page.
    pub more: bool,
}

impl<T> Rows<T> {
    /// From rows read with `Page::push` and one more than was asked for.
    #[must_use]
    pub fn cut(page: &Page, mut rows: Vec<(Key, T)>) -> Self {
        let limit = usize::try_from(page.limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        if page.backward {
            rows.reverse();
        }
        Self { rows, more }
    }
}

impl Order {
    /// Selects the key columns as k0, k1, …
    pub fn push_keys(&self, sql: &mut Sql) {
        for (name, column) in KEYS.iter().zip(self.columns) {
            sql.push(format_args!(", {} AS {name}", column.sql()));
        }
    }

    /// Ends a statement with the conditions, the order and the limit of the page.
    pub fn push(&self, sql: &mut Sql, page: &Page) {
        if let Some(key) = &page.after {
            self.push_side(sql, key, !self.descending);
        }
        if let Some(key) = &page.before {
            self.push_side(sql, key, self.descending);
        }
        self.push_order(sql, page, |column, _| column.sql().to_owned());
        sql.push(" LIMIT ").push_bind(page.limit + 1);
    }

    /// The order clause again, for a statement around one that selected the keys.
    pub fn push_outer(&self, sql: &mut Sql, page: &Page) {
        self.push_order(sql, page, |_, index| KEYS[index].to_owned());
    }

    fn push_order(&self, sql: &mut Sql, page: &Page, name: impl Fn(&Column, usize) -> String) {
        let way = if self.descending == page.backward { "ASC" } else { "DESC" };
        for (index, column) in self.columns.iter().enumerate() {
            sql.push(if index == 0 { " ORDER BY " } else { ", " });
            sql.push(format_args!("{} {way}", name(column, index)));
        }
    }

    fn push_side(&self, sql: &mut Sql, key: &Key, above: bool) {
        let names: Vec<&str> = self.columns.iter().map(|column| column.sql()).collect();
        sql.push(format_args!(" AND ({}) {} (", names.join(", "), if above { ">" } else { "<" }));
        for (index, part) in key.iter().enumerate() {
            if index > 0 {
                sql.push(", ");
            }
            match part {
                KeyPart::Text(text) => sql.push_bind(text.clone()),
                KeyPart::Int(number) => sql.push_bind(*number),
                KeyPart::Id(id) => sql.push_bind(*id),
            };
        }
        sql.push(")");
    }

    /// Reads the key that `push_keys` selected.
    pub fn key(&self, row: &PgRow) -> Result<Key, sqlx::Error> {
        let part = |(index, column): (usize, &Column)| {
            let name = KEYS[index];
            Ok(match column {
                Column::Text(_) => KeyPart::Text(row.try_get(name)?),
                Column::Int(_) => KeyPart::Int(row.try_get(name)?),
                Column::Id(_) => KeyPart::Id(row.try_get(name)?),
            })
        };
        self.columns.iter().enumerate().map(part).collect()
    }
}

/// Adds the pages of several owners, read in one statement with an `owner` column.
pub fn by_owner<T>(page: &Page, rows: Vec<(Uuid, Key, T)>) -> std::collections::HashMap<Uuid, Rows<T>> {
    let mut owners: std::collections::HashMap<Uuid, Vec<(Key, T)>> = std::collections::HashMap::new();
    for (owner, key, row) in rows {
        owners.entry(owner).or_default().push((key, row));
    }
    owners.into_iter().map(|(owner, rows)| (owner, Rows::cut(page, rows))).collect()
}
