//! Everything the public API reads. Each function is one statement, also for fifty owners at once.
//!
//! The surprise: lists are keyset pages. A page starts after the sort key of a row and not after a
//! number of rows, so that nothing is skipped or shown twice while others insert.

pub mod balances;
pub mod changes;
pub mod movements;
pub mod page;
pub mod records;
pub mod sums;

use sqlx::{PgPool, Postgres, QueryBuilder};
use stillage_core::id::{LocationId, OrganisationId, PersonId};
use uuid::Uuid;

pub use page::{Key, KeyPart, Page, Rows};

/// Who reads, and what they may see.
#[derive(Debug, Clone)]
pub struct Reader {
    pub pool: PgPool,
    pub org: OrganisationId,
    pub person: PersonId,
    /// The sites whose stock and movements may be seen; `None` is every site.
    pub sites: Option<Vec<LocationId>>,
}

type Sql = QueryBuilder<Postgres>;

impl Reader {
    fn site_ids(&self) -> Option<Vec<Uuid>> {
        self.sites.as_ref().map(|sites| sites.iter().map(|site| site.0).collect())
    }

    fn site_texts(&self) -> Option<Vec<String>> {
        self.sites.as_ref().map(|sites| sites.iter().map(ToString::to_string).collect())
    }
}
