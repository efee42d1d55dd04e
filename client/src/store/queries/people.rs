//! Names of people, by the ids that movements and conflicts carry.

use super::record;
use rusqlite::Connection;
use std::collections::HashMap;
use stillage_core::id::PersonId;

#[derive(Default)]
pub struct People {
    names: HashMap<PersonId, Option<String>>,
}

impl People {
    /// `None` for a person this device knows nothing of.
    pub fn name(&mut self, conn: &Connection, id: PersonId) -> rusqlite::Result<Option<String>> {
        if let Some(known) = self.names.get(&id) {
            return Ok(known.clone());
        }
        let name = record(conn, id)?.and_then(|record| record.text("name").map(str::to_owned));
        self.names.insert(id, name.clone());
        Ok(name)
    }
}
