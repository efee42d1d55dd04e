//! What is wrong with a request as a whole: the top-level errors of the API. What the business
//! refuses is not here; it is `userErrors` in the payload.
//!
//! The surprise: it must not implement `Display`, for the reason that `ServerError` must not.

use crate::error::{REQUEST_ID, ServerError};
use async_graphql::ErrorExtensions;
use std::sync::Arc;
use stillage_core::id::IdFault;

/// A failure that leaves as a GraphQL error with `extensions.code`.
#[derive(Debug)]
pub enum ApiFault {
    Server(ServerError),
    /// The request cannot be answered as it stands.
    Request {
        code: &'static str,
        message: String,
        next: &'static str,
    },
}

/// Named so that async-graphql knows a fallible field by it.
pub type Result<T, E = ApiFault> = std::result::Result<T, E>;

impl ApiFault {
    #[must_use]
    pub fn request(code: &'static str, message: impl Into<String>, next: &'static str) -> Self {
        Self::Request { code, message: message.into(), next }
    }

    #[must_use]
    pub fn internal(what: &'static str) -> Self {
        Self::Server(ServerError::Internal(anyhow::anyhow!(what)))
    }

    /// The id of an argument that cannot be read.
    #[must_use]
    pub fn id(argument: &str, fault: &IdFault) -> Self {
        Self::request("INVALID_ID", format!("{argument}: {fault}."), "Use an id that this API gave you.")
    }
}

impl From<ServerError> for ApiFault {
    fn from(fault: ServerError) -> Self {
        Self::Server(fault)
    }
}

impl From<sqlx::Error> for ApiFault {
    fn from(fault: sqlx::Error) -> Self {
        Self::Server(fault.into())
    }
}

/// A loader's fault is shared by everybody who waited for it.
impl From<Arc<sqlx::Error>> for ApiFault {
    fn from(fault: Arc<sqlx::Error>) -> Self {
        match &*fault {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::Server(ServerError::Unavailable)
            }
            _ => Self::Server(ServerError::Internal(fault.into())),
        }
    }
}

impl From<ApiFault> for async_graphql::Error {
    fn from(fault: ApiFault) -> Self {
        match fault {
            ApiFault::Server(fault) => fault.into(),
            ApiFault::Request { code, message, next } => Self::new(message).extend_with(|_, extensions| {
                extensions.set("code", code);
                extensions.set("nextStep", next);
                extensions.set("requestId", REQUEST_ID.try_with(Clone::clone).unwrap_or_default());
            }),
        }
    }
}
