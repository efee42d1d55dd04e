//! What a failed transaction means for the pushes in it.

use crate::error::ServerError;
use sqlx::Error;

#[derive(Debug)]
pub enum Fault {
    /// Another transaction was in the way; the same again may succeed.
    Crossed(anyhow::Error),
    /// The database cannot be reached or cannot write. Nothing is wrong with the pushes.
    Gone(anyhow::Error),
    /// Something in the pushes makes the database or the rules fail.
    Broken(anyhow::Error),
}

impl From<Error> for Fault {
    fn from(fault: Error) -> Self {
        let Error::Database(refused) = &fault else {
            return match fault {
                Error::Io(_)
                | Error::Tls(_)
                | Error::Protocol(_)
                | Error::PoolTimedOut
                | Error::PoolClosed
                | Error::WorkerCrashed => Self::Gone(fault.into()),
                other => Self::Broken(other.into()),
            };
        };
        match refused.code().as_deref().unwrap_or("") {
            // Serialization failure, deadlock, lock not available; and a key that another
            // process took between our look and our write.
            "40001" | "40P01" | "55P03" | "23505" => Self::Crossed(fault.into()),
            "25006" => Self::Gone(fault.into()),
            code if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => Self::Gone(fault.into()),
            _ => Self::Broken(fault.into()),
        }
    }
}

impl Fault {
    pub fn into_inner(self) -> anyhow::Error {
        match self {
            Self::Crossed(fault) | Self::Gone(fault) | Self::Broken(fault) => fault,
        }
    }

    #[must_use]
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Crossed(_) | Self::Gone(_))
    }
}

impl From<Fault> for ServerError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Crossed(_) | Fault::Gone(_) => Self::Unavailable,
            Fault::Broken(fault) => fault.into(),
        }
    }
}
