//! How a verb fails: an exit code, a sentence and the next step.

use serde_json::json;

#[derive(Debug)]
pub struct Fault {
    pub exit: u8,
    pub code: &'static str,
    pub message: String,
    pub next: String,
}

impl Fault {
    /// The verdict is false: a test failed, a file is out of date, something differs.
    pub fn verdict(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { exit: 1, code: "VERDICT", message: message.into(), next: next.into() }
    }

    /// The machine lacks something only its owner can add.
    pub fn setup(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { exit: 6, code: "SETUP", message: message.into(), next: next.into() }
    }

    pub fn ours(error: impl Into<anyhow::Error>) -> Self {
        Self {
            exit: 70,
            code: "INTERNAL",
            message: format!("{:#}", error.into()),
            next: "Run it again; if it fails again, open an issue with this output.".to_owned(),
        }
    }

    pub fn report(&self, json: bool) {
        eprintln!("error: {}", self.message);
        eprintln!("next:  {}", self.next);
        if json {
            let error = json!({
                "code": self.code, "message": self.message, "next": self.next, "details": {},
            });
            println!("{}", json!({ "error": error }));
        }
    }
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::ours(error)
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::ours(error)
    }
}
