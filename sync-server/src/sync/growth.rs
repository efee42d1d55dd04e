//! Has the planner look again whenever what it knows has doubled. It costs a writer nothing: the tables are sampled
//! beside the work, and nobody waits for it.

use crate::store::{
    Store,
    statistics::{self, Group},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

/// Fewer new rows than this are not worth a look.
const FEW: u64 = 500;

/// One group of tables.
#[derive(Debug)]
struct Watched {
    group: Group,
    /// Rows written since the last look.
    since: AtomicU64,
    /// So many make the next look worth while.
    enough: AtomicU64,
    looking: AtomicBool,
}

impl Watched {
    /// What is known from an earlier process counts once it has been read; until then any growth is news.
    fn new(group: Group) -> Arc<Self> {
        let (since, enough) = (AtomicU64::new(0), AtomicU64::new(FEW));
        Arc::new(Self { group, since, enough, looking: AtomicBool::new(false) })
    }

    fn wrote(self: &Arc<Self>, rows: usize, store: &Store) {
        let since = self.since.fetch_add(rows as u64, Relaxed) + rows as u64;
        if since < self.enough.load(Relaxed) || self.looking.swap(true, Relaxed) {
            return;
        }
        let (this, store) = (Arc::clone(self), store.clone());
        tokio::spawn(async move {
            this.look(&store, since).await;
            this.looking.store(false, Relaxed);
        });
    }

    async fn look(&self, store: &Store, seen: u64) {
        let known = match statistics::believed(store, self.group).await {
            Ok(known) if seen < known => Ok(known),
            _ => statistics::refresh(store, self.group).await,
        };
        match known {
            Ok(known) => {
                self.since.fetch_sub(seen, Relaxed);
                self.enough.store(known.max(FEW), Relaxed);
            }
            // A role that may not analyse leaves it to the autovacuum.
            Err(fault) => tracing::debug!(%fault, "the tables were not analysed"),
        }
    }
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Growth {
    store: Store,
    records: Arc<Watched>,
    ledger: Arc<Watched>,
}

impl Growth {
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, records: Watched::new(Group::Records), ledger: Watched::new(Group::Ledger) }
    }

    /// Takes note of what a batch wrote.
    pub fn wrote(&self, records: usize, movements: usize) {
        self.records.wrote(records, &self.store);
        self.ledger.wrote(movements, &self.store);
    }
}
