//! How a verb ends: what it prints and the number it exits with.

use crate::{config::OpenFault, error::ServerError};
use serde_json::{Value, json};
use std::process::ExitCode;

/// The exit numbers that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// The verdict is false.
    False,
    Usage,
    Offline,
    Refused,
    /// Somebody else has what is needed, or there is no room for it.
    Busy,
    NeedsSetup,
    OurFault,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::False => 1,
            Exit::Usage => 2,
            Exit::Offline => 3,
            Exit::Refused => 4,
            Exit::Busy => 5,
            Exit::NeedsSetup => 6,
            Exit::OurFault => 70,
        })
    }
}

/// Prints results and errors, for people or as JSON.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    pub json: bool,
}

impl Report {
    pub fn done(self, document: &Value, plain: &str) -> Exit {
        if self.json {
            println!("{document}")
        } else {
            println!("{plain}")
        }
        Exit::Done
    }

    pub fn failed(self, error: &ServerError) -> Exit {
        let exit = match error {
            ServerError::BadInput(_) => Exit::Usage,
            ServerError::Unavailable => Exit::Offline,
            ServerError::Internal(fault) => {
                tracing::error!(fault = format!("{fault:#}"), "internal fault");
                Exit::OurFault
            }
            _ => Exit::Refused,
        };
        self.error(error.code(), &error.message());
        exit
    }

    pub fn cannot_open(self, fault: &OpenFault) -> Exit {
        let (code, exit) = fault.end();
        self.error(code, &fault.to_string());
        exit
    }

    /// Messages end with the next step, after a semicolon.
    fn error(self, code: &str, message: &str) {
        let (message, next) = message.split_once("; ").unwrap_or((message, ""));
        self.print(code, message, next);
    }

    pub fn refused(self, (code, exit): (&str, Exit), message: &str, next: &str) -> Exit {
        self.print(code, message, next);
        exit
    }

    fn print(self, code: &str, message: &str, next: &str) {
        if self.json {
            let error = json!({ "code": code, "message": message, "next": next, "details": null });
            println!("{}", json!({ "error": error }));
        } else {
            eprintln!("{code}: {message}; {next}");
        }
    }
}
