//! One statement that inserts into many tables, each with many rows: an array for each column. Every statement is a
//! round trip, and a round trip costs as much as some twenty rows.
//!
//! The surprise: a column that no row of the batch has is left out. Postgres takes an array of nulls apart like any
//! other, and half of what a movement may say is seldom said.

use super::Tx;
use sqlx::{Arguments, AssertSqlSafe, Encode, Error, Postgres, Type, error::BoxDynError, postgres::PgArguments};
use stillage_core::id::OrganisationId;

/// The columns of one table so far.
#[derive(Debug, Default)]
pub struct Columns {
    names: Vec<&'static str>,
    constants: Vec<String>,
    arrays: Vec<String>,
}

/// A statement in the making. `$1` is the organisation, which leads every row.
#[derive(Debug)]
pub struct Inserts {
    arguments: PgArguments,
    failed: Option<BoxDynError>,
    columns: Columns,
    parts: Vec<String>,
}

impl Inserts {
    #[must_use]
    pub fn of(org: OrganisationId) -> Self {
        let arguments = PgArguments::default();
        let mut inserts = Self { arguments, failed: None, columns: Columns::default(), parts: Vec::new() };
        inserts.bind(org.0);
        inserts
    }

    /// One more argument; this is how it is named in the statement.
    pub fn bind<'t, T: Encode<'t, Postgres> + Type<Postgres>>(&mut self, value: T) -> String {
        if let Err(fault) = self.arguments.add(value) {
            self.failed.get_or_insert(fault);
        }
        format!("${}::{}", self.arguments.len(), T::type_info())
    }

    /// What every row says alike; before all other columns.
    pub fn constant<'t, T: Encode<'t, Postgres> + Type<Postgres>>(&mut self, name: &'static str, value: T) {
        let argument = self.bind(value);
        self.columns.names.push(name);
        self.columns.constants.push(argument);
    }

    pub fn column<'t, T>(&mut self, name: &'static str, values: impl Iterator<Item = T>)
    where
        Vec<T>: Encode<'t, Postgres> + Type<Postgres>,
    {
        let array = self.bind(values.collect::<Vec<T>>());
        self.columns.names.push(name);
        self.columns.arrays.push(array);
    }

    /// A column that many rows say nothing in.
    pub fn optional<'t, T>(&mut self, name: &'static str, values: impl Iterator<Item = Option<T>>)
    where
        Vec<Option<T>>: Encode<'t, Postgres> + Type<Postgres>,
    {
        let values: Vec<Option<T>> = values.collect();
        if values.iter().any(Option::is_some) {
            self.column(name, values.into_iter());
        }
    }

    /// Leaves a table until more is known of it.
    #[must_use]
    pub fn put_aside(&mut self) -> Columns {
        std::mem::take(&mut self.columns)
    }

    pub fn take_up(&mut self, columns: Columns) {
        self.columns = columns;
    }

    /// The columns so far are those of this table.
    pub fn end_table(&mut self, table: &str, on_conflict: &str) {
        let Columns { names, constants, arrays } = self.put_aside();
        let (names, arrays) = (names.join(", "), arrays.join(", "));
        let constants: String = constants.iter().map(|argument| format!(", {argument}")).collect();
        self.and(format!(
            "INSERT INTO {table} (org, {names}) SELECT $1{constants}, * FROM UNNEST({arrays}) {on_conflict}"
        ));
    }

    /// Something else to do in the same statement, told in names and in what `bind` calls its arguments.
    pub fn and(&mut self, part: String) {
        self.parts.push(part);
    }

    /// All of it at once, if there is anything. No part sees what the others do.
    pub async fn run(mut self, tx: &mut Tx) -> Result<(), Error> {
        let Some(last) = self.parts.pop() else { return Ok(()) };
        if let Some(fault) = self.failed {
            return Err(Error::Encode(fault));
        }
        let parts = self.parts.iter().enumerate().map(|(n, part)| format!("part_{n} AS ({part})"));
        let parts: Vec<String> = parts.collect();
        let with = if parts.is_empty() { String::new() } else { format!("WITH {} ", parts.join(", ")) };
        // No value is in the text.
        let sql = AssertSqlSafe(with + &last);
        sqlx::query_with(sql, self.arguments).execute(tx.conn()).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_no_row_has_is_left_out() {
        let mut to = Inserts::of(OrganisationId(uuid::Uuid::nil()));
        to.constant("at", 5_i64);
        to.column("qty", [1_i64, 2].into_iter());
        to.optional("note", [None::<&str>, None].into_iter());
        to.optional("lot", [None, Some(3_i64)].into_iter());
        to.end_table("movement", "");
        let insert =
            "INSERT INTO movement (org, at, qty, lot) SELECT $1, $2::INT8, * FROM UNNEST($3::INT8[], $4::INT8[])";
        assert_eq!(to.parts.iter().map(|part| part.trim_end()).collect::<Vec<_>>(), [insert]);
    }
}
