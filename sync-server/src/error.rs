//! What goes wrong at the server's edge. The domain's refusals are not here: they are data.
//!
//! The surprise: `ServerError` must not implement `Display`. async-graphql converts everything
//! that does through a blanket `From`, and that conversion throws the code away.

use async_graphql::ErrorExtensions;

tokio::task_local! {
    /// The id of the request that this task answers.
    pub static REQUEST_ID: String;
}

/// Every failure that leaves the process, with its code.
#[derive(Debug)]
pub enum ServerError {
    /// No token, or one that is not known or was revoked.
    SignedOut,
    Forbidden(&'static str),
    /// The caller speaks a protocol this server does not.
    UpgradeRequired,
    /// The enrolment code is unknown, used, or too old.
    CodeInvalid,
    /// What was sent cannot be read.
    BadInput(String),
    /// The server is stopping, or its database cannot be reached.
    Unavailable,
    /// Our fault. Logged once, where it leaves; no text of it goes out.
    Internal(anyhow::Error),
}

impl ServerError {
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SignedOut => "SIGNED_OUT",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::UpgradeRequired => "UPGRADE_REQUIRED",
            Self::CodeInvalid => "CODE_INVALID",
            Self::BadInput(_) => "BAD_INPUT",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal(_) => "INTERNAL",
        }
    }

    /// A sentence with the next step, for people.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::SignedOut => "This needs a valid token; enrol the device or ask an admin for one.".into(),
            Self::Forbidden(why) => (*why).to_owned(),
            Self::UpgradeRequired => "This version is too old or too new for the server; update it.".into(),
            Self::CodeInvalid => "The code is unknown, used or expired; ask an admin for a new one.".into(),
            Self::BadInput(what) => what.clone(),
            Self::Unavailable => "The server is not ready; try again in a moment.".into(),
            Self::Internal(_) => "The server failed; report the request id to whoever runs it.".into(),
        }
    }
}

impl From<sqlx::Error> for ServerError {
    fn from(fault: sqlx::Error) -> Self {
        match fault {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                tracing::warn!(fault = %fault, "the database cannot be reached");
                Self::Unavailable
            }
            other => Self::Internal(other.into()),
        }
    }
}

impl From<anyhow::Error> for ServerError {
    fn from(fault: anyhow::Error) -> Self {
        match fault.downcast::<sqlx::Error>() {
            Ok(fault) => fault.into(),
            Err(fault) => Self::Internal(fault),
        }
    }
}

impl From<ServerError> for async_graphql::Error {
    fn from(error: ServerError) -> Self {
        let request = REQUEST_ID.try_with(Clone::clone).unwrap_or_default();
        if let ServerError::Internal(fault) = &error {
            tracing::error!(request, fault = format!("{fault:#}"), "internal fault");
        }
        Self::new(error.message()).extend_with(|_, extensions| {
            extensions.set("code", error.code());
            extensions.set("requestId", request);
        })
    }
}
