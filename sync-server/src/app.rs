//! What every request can reach, and who it comes from.

use crate::{
    error::ServerError,
    mint::Mint,
    store::Store,
    sync::{Cursors, Followers, Pokes, Pusher, Snapshots, certificate::Seal},
};
use sqlx::PgPool;
use stillage_core::id::{DeviceId, EpochId, LocationId, OrganisationId, PersonId};

/// Cheap to clone: handles all the way down.
#[derive(Debug, Clone)]
pub struct App {
    /// For reading; writes go through the pusher.
    pub pool: PgPool,
    pub(crate) store: Store,
    pub org: OrganisationId,
    pub org_name: std::sync::Arc<str>,
    pub epoch: EpochId,
    pub seal: Seal,
    pub pusher: Pusher,
    pub pokes: Pokes,
    pub followers: Followers,
    pub cursors: Cursors,
    pub snapshots: Snapshots,
    pub mint: Mint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A desktop, whose changes form a chain.
    Desktop,
    /// A program with a token.
    Api,
}

/// Whoever holds the bearer token of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub device: DeviceId,
    pub person: PersonId,
    pub kind: PrincipalKind,
    pub may_write: bool,
    /// The sites it may see; `None` is every site.
    pub sites: Option<Vec<LocationId>>,
}

impl Principal {
    /// The principal of a request, or the error that says there is none.
    pub fn of<'a>(context: &async_graphql::Context<'a>) -> Result<&'a Self, ServerError> {
        context.data_opt::<Self>().ok_or(ServerError::SignedOut)
    }

    /// What a device asks, it asks for itself.
    pub fn require_device(&self, device: DeviceId) -> Result<(), ServerError> {
        let own = self.device == device;
        if own { Ok(()) } else { Err(ServerError::Forbidden("The token belongs to another device.")) }
    }

    pub fn require_write(&self) -> Result<(), ServerError> {
        if self.may_write { Ok(()) } else { Err(ServerError::Forbidden("This token may only read.")) }
    }
}
