//! Brings the schema up to what this build knows, one step a transaction. The number of the last
//! step is the file's `user_version`; a file from a newer build is left alone.

use crate::{Code, Failure};
use rusqlite::Connection;

const STEPS: &[&str] = &[
    include_str!("../../../migrations/client/0001_create_engine.sql"),
    include_str!("../../../migrations/client/0002_number_last_counts.sql"),
    include_str!("../../../migrations/client/0003_index_queued_changes.sql"),
    include_str!("../../../migrations/client/0004_keep_orders.sql"),
    include_str!("../../../migrations/client/0005_follow_snapshots.sql"),
    include_str!("../../../migrations/client/0006_keep_sums.sql"),
    include_str!("../../../migrations/client/0007_say_movements_once.sql"),
    include_str!("../../../migrations/client/0008_note_absent_places.sql"),
];

pub fn migrate(connection: &mut Connection) -> Result<(), Failure> {
    let done: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if done > STEPS.len() {
        return Err(Failure::new(
            Code::UpgradeRequired,
            "The data of this device was written by a newer version.",
            "Start the newer version, or install it.",
        ));
    }
    for (index, step) in STEPS.iter().enumerate().skip(done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", index + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
