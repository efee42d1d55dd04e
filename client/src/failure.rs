//! Why something did not happen, in the form that leaves the engine: a code from one list, a
//! sentence, the next step, and data. Text is never matched; whoever reads a failure reads its code.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::fmt;
use stillage_core::rejection::Rejection;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $exit:literal;)*) => {
        /// Every code that the engine adds to those of the rules of stock.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
            /// The rules of stock say no: the code of a `Rejection`, or one the server gave.
            Rejected(String),
        }

        impl Code {
            /// Names of all codes but the rejections'.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Rejected(name) => name,
                }
            }

            /// The exit code of a command that fails with it.
            #[must_use]
            pub const fn exit(&self) -> i32 {
                match self {
                    $(Self::$variant => $exit,)*
                    Self::Rejected(_) => 4,
                }
            }
        }
    };
}

codes! {
    BadInput = "BAD_INPUT", 2;
    BadQuantity = "BAD_QUANTITY", 2;
    UnknownUnit = "UNKNOWN_UNIT", 2;
    UnknownCommand = "UNKNOWN_COMMAND", 2;
    BadAddress = "BAD_ADDRESS", 2;
    FileNotFound = "FILE_NOT_FOUND", 2;
    FileUnreadable = "FILE_UNREADABLE", 2;
    /// An exported file was cut short or altered.
    FileDamaged = "FILE_DAMAGED", 2;
    /// The headings of a file do not say what it holds.
    FileKindUnknown = "FILE_KIND_UNKNOWN", 2;
    ColumnNotFound = "COLUMN_NOT_FOUND", 2;
    ColumnsMissing = "COLUMNS_MISSING", 2;
    Offline = "OFFLINE", 3;
    /// A sync was given too little time.
    NotDrained = "NOT_DRAINED", 3;
    RateLimited = "RATE_LIMITED", 3;
    NotFound = "NOT_FOUND", 4;
    Forbidden = "FORBIDDEN", 4;
    /// The enrolment code is wrong, used or too old.
    BadCode = "BAD_CODE", 4;
    Locked = "LOCKED", 5;
    BadPassphrase = "BAD_PASSPHRASE", 5;
    NoSecret = "NO_SECRET", 5;
    Busy = "BUSY", 5;
    DiskFull = "DISK_FULL", 5;
    /// The disk could not be read or written.
    DiskFailed = "DISK_FAILED", 5;
    /// The database file cannot be read.
    Damaged = "DAMAGED", 5;
    NeedsSetup = "NEEDS_SETUP", 6;
    NotConnected = "NOT_CONNECTED", 6;
    SignedOut = "SIGNED_OUT", 6;
    UpgradeRequired = "UPGRADE_REQUIRED", 6;
    Internal = "INTERNAL", 70;
}

#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub code: Code,
    pub message: String,
    /// What to do about it.
    pub next: String,
    pub details: Value,
}

impl Failure {
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code, message: message.into(), next: next.into(), details: json!({}) }
    }

    #[must_use]
    pub fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    #[must_use]
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(Code::BadInput, message, "Correct it and try again.")
    }

    #[must_use]
    pub fn needs_setup() -> Self {
        Self::new(Code::NeedsSetup, "This device is not set up yet.", "Run `stillage init --name NAME` first.")
    }

    #[must_use]
    pub fn not_connected() -> Self {
        Self::new(
            Code::NotConnected,
            "This device is not connected to a server yet.",
            "Run `stillage connect URL --code CODE`. Everything recorded until then is kept.",
        )
    }

    #[must_use]
    pub fn offline(reason: impl Into<String>) -> Self {
        let next = "What was recorded is kept and sent when the server can be reached.";
        Self::new(Code::Offline, "The server cannot be reached.", next).with(json!({ "reason": reason.into() }))
    }

    #[must_use]
    pub fn not_drained() -> Self {
        let next = "What was done so far stays. Sync again, or give it more time with --timeout.";
        Self::new(Code::NotDrained, "The time was over before everything was handed over and fetched.", next)
    }

    #[must_use]
    pub fn locked() -> Self {
        Self::new(Code::Locked, "The data is locked.", "Give the passphrase, or set STILLAGE_PASSPHRASE.")
    }

    /// A damaged database is being built anew.
    #[must_use]
    pub fn mending() -> Self {
        Self::new(Code::Busy, "The damaged database is being built anew.", "Try again in a moment.")
            .with(json!({ "mending": true }))
    }

    fn damaged(fault: &rusqlite::Error) -> Self {
        Self::new(
            Code::Damaged,
            "The database file is damaged.",
            "Start Stillage again: a new one is made, and what was recorded here is put back into it.",
        )
        .with(json!({ "reason": fault.to_string() }))
    }

    /// Our own fault. The chain goes to the log once, here; people see no more than the code.
    #[must_use]
    pub fn internal(fault: impl fmt::Display) -> Self {
        tracing::error!(%fault, "internal fault");
        Self::new(
            Code::Internal,
            "Something went wrong on our side.",
            "What was recorded before is safe. Try again; if it stays, send the log to support.",
        )
    }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({ "code": self.code.name(), "message": self.message, "next": self.next, "details": self.details })
            .serialize(serializer)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.code.name(), self.message, self.next)
    }
}

impl std::error::Error for Failure {}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let (message, next) = rejection.explain();
        Self::new(Code::Rejected(rejection.code()), message, next).with(rejection.details())
    }
}

fn is_stopped(fault: &rusqlite::Error) -> bool {
    matches!(fault, rusqlite::Error::SqliteFailure(fault, said)
        if fault.extended_code == 1 && said.as_deref().is_none_or(|said| said == "SQL logic error"))
}

impl From<rusqlite::Error> for Failure {
    fn from(fault: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase, SystemIoFailure,
        };
        match fault.sqlite_error_code() {
            Some(DiskFull) => Self::new(
                Code::DiskFull,
                "The disk is full. Nothing was recorded.",
                "Make room on the disk and try again.",
            ),
            Some(SystemIoFailure) => Self::new(
                Code::DiskFailed,
                "The disk could not be read or written. Nothing was recorded.",
                "Check the disk and the room on it, then try again.",
            )
            .with(json!({ "reason": fault.to_string() })),
            Some(DatabaseBusy | DatabaseLocked) => {
                Self::new(Code::Busy, "The data is in use by another program.", "Try again in a moment.")
            }
            Some(DatabaseCorrupt | NotADatabase) => Self::damaged(&fault),
            Some(CannotOpen) => Self::new(
                Code::FileUnreadable,
                "The database file cannot be opened.",
                "Check that the data directory exists and that you may write in it.",
            )
            .with(json!({ "reason": fault.to_string() })),
            // SQLCipher stops a connection with it that met a page with a wrong signature.
            _ if is_stopped(&fault) => Self::damaged(&fault),
            _ => Self::internal(format_args!("sqlite: {fault}")),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(fault: std::io::Error) -> Self {
        match fault.kind() {
            std::io::ErrorKind::StorageFull => {
                Self::new(Code::DiskFull, "The disk is full.", "Make room on the disk and try again.")
            }
            std::io::ErrorKind::NotFound => {
                Self::new(Code::FileNotFound, "There is no such file.", "Check the path and try again.")
            }
            std::io::ErrorKind::PermissionDenied => Self::new(
                Code::FileUnreadable,
                "The file may not be opened.",
                "Check who may read and write it, and try again.",
            ),
            _ => Self::internal(format_args!("io: {fault}")),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(fault: serde_json::Error) -> Self {
        Self::internal(format_args!("json: {fault}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_travels_as_four_fields() {
        let failure = Failure::from(Rejection::SameCell);
        let value = serde_json::to_value(&failure).unwrap();
        assert_eq!(value["code"], "SAME_CELL");
        assert!(value["message"].is_string() && value["next"].is_string() && value["details"].is_object());
        assert_eq!(failure.code.exit(), 4);
    }
}
