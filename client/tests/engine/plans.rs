//! The queries that run for every action and every keystroke find their rows by an index. Views
//! over two tables lose it easily: one column of another affinity is enough.

use crate::world::Desk;
use rusqlite::types::Null;

const HOT: &[&str] = &[
    "SELECT body FROM record_now WHERE kind = ?1 AND id = ?2",
    "SELECT id FROM record_now WHERE kind = ?1 AND key = ?2 LIMIT 1",
    "SELECT id FROM record_now WHERE kind = 'item' AND key >= ?1 AND key < ?2 LIMIT 200",
    "SELECT key FROM record_now WHERE kind = 'barcode' AND parent = ?1",
    "SELECT item, location, lot, status FROM balance_now WHERE item = ?1",
    "SELECT item, location, lot, status FROM balance_now WHERE lot = ?1 AND lot <> x''",
    "SELECT 1 FROM balance_now WHERE location = ?1 AND on_hand <> 0 LIMIT 1",
    "SELECT sum(on_hand) FROM balance_now WHERE item = ?1 AND location = ?2",
    "SELECT qty FROM entry WHERE item = ?1 AND location = ?2 AND order_ts >= ?3 AND (?4 OR n IS NULL)",
    "SELECT n FROM outbox WHERE change = ?1 AND state IN ('queued', 'sealed') AND outcome IS NULL",
    "SELECT change FROM outbox WHERE device = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    "SELECT change FROM outbox WHERE state = 'queued' ORDER BY n LIMIT ?1",
    "SELECT 1 FROM outbox WHERE device = ?1 AND seq > ?2 AND state = 'sealed'",
    "DELETE FROM movement WHERE n = ?1",
    "DELETE FROM pending_balance WHERE n = ?1",
];

#[test]
fn hot_queries_find_their_rows_by_an_index() {
    let desk = Desk::new();
    for sql in HOT {
        let plan = plan(&desk, sql);
        let whole = plan.iter().any(|step| {
            let few = ["_now", "outbox_pending", "outbox_queued"].iter().any(|name| step.ends_with(name));
            let scans = step.starts_with("SCAN") && !few;
            scans && step != "SCAN entry" || step.ends_with("(kind=?)")
        });
        assert!(!whole, "{sql}\n  {}", plan.join("\n  "));
    }
}

fn plan(desk: &Desk, sql: &str) -> Vec<String> {
    let steps = desk.store.read(|conn| {
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let nothing = vec![Null; statement.parameter_count()];
        let steps = statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3))?;
        Ok(steps.collect::<Result<_, _>>()?)
    });
    steps.unwrap()
}
