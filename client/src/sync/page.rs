//! Long pages of a pull come as chunks of columns, as snapshots do. They are entries again before anybody looks at them.

use crate::Failure;
use base64::{Engine, engine::general_purpose::STANDARD};
use stillage_core::{
    snapshot::{Chunk, MAX_UNPACKED},
    wire::{LogEntry, PullAnswer},
};

/// The answer with all its entries.
pub(super) fn unpacked(mut answer: PullAnswer) -> Result<PullAnswer, Failure> {
    for page in &mut answer.pages {
        if let Some(chunk) = page.chunk.take() {
            let read = entries(&chunk);
            page.entries = read.map_err(|fault| Failure::offline(format!("a page cannot be read: {fault}")))?;
        }
    }
    Ok(answer)
}

fn entries(chunk: &str) -> Result<Vec<LogEntry>, Box<dyn std::error::Error>> {
    let bytes = zstd::bulk::decompress(&STANDARD.decode(chunk)?, MAX_UNPACKED)?;
    match Chunk::decode(&bytes)? {
        Chunk::Rows(rows) => Ok(rows.into_iter().map(LogEntry::from).collect()),
        Chunk::Balances(_) => Err("it holds balances".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;
    use stillage_core::{
        change::Outcome,
        id::ChangeId,
        scope::Scope,
        snapshot::Row,
        wire::{ScopePage, entry},
    };

    fn answer(chunk: String) -> PullAnswer {
        let page = ScopePage { scope: Scope::Catalogue, from: 0, to: 1, entries: Vec::new(), chunk: Some(chunk) };
        let (pages, removed, heads, sums) = (vec![page], Vec::new(), Vec::new(), Vec::new());
        let epoch = uuid::Uuid::nil().into();
        PullAnswer { epoch, server_time: 0, pages, removed, heads, has_more: false, ack: None, sums }
    }

    #[test]
    fn a_page_in_columns_is_its_entries_again() {
        let change = ChangeId(uuid::Uuid::from_u128(1));
        let (kind, id, body) = (entry::RECORD.into(), "item_0123".into(), "{}".into());
        let logged = LogEntry { seq: 1, kind, id, version: 7, change, outcome: Outcome::Applied, body };
        let bytes = Chunk::Rows(vec![Row::of(logged.clone(), false)]).encode().unwrap();
        let packed = STANDARD.encode(zstd::bulk::compress(&bytes, 3).unwrap());
        let page = unpacked(answer(packed)).unwrap().pages.remove(0);
        assert_eq!((page.chunk, page.entries), (None, vec![logged]));
    }

    #[test]
    fn a_page_that_cannot_be_read_is_asked_for_again() {
        let balances = zstd::bulk::compress(&Chunk::Balances(Vec::new()).encode().unwrap(), 3).unwrap();
        for chunk in [String::new(), "?".into(), STANDARD.encode(b"no frame"), STANDARD.encode(balances)] {
            assert_eq!(unpacked(answer(chunk)).unwrap_err().code, Code::Offline);
        }
    }
}
