//! `backup` and `restore`. A backup is one consistent file, taken while the server runs; a restore
//! goes into an empty place, begins a new history, and is audited before it is called done.

use super::report::{Exit, Report};
use crate::{
    config::{Config, OpenFault, Server},
    mint::Mint,
    postgres::{ArchiveFault, Archiver, PostgresFault},
    store::{
        backup::{self, Held},
        verify,
    },
};
use serde_json::{Value, json};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};
use stillage_core::id::EpochId;

/// Why there is no backup, or no restored database.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Open(#[from] OpenFault),
    #[error(transparent)]
    Archive(#[from] ArchiveFault),
    #[error(
        "the database holds an organisation's work, or something else, and was left as it is; restore into an empty \
         place: another --data directory, or an empty database as DATABASE_URL"
    )]
    NotEmpty,
    #[error("a server is running on this data ({0}); stop it and restore again")]
    InUse(String),
}

impl From<sqlx::Error> for Fault {
    fn from(fault: sqlx::Error) -> Self {
        Self::Open(fault.into())
    }
}

impl From<PostgresFault> for Fault {
    fn from(fault: PostgresFault) -> Self {
        Self::Open(fault.into())
    }
}

impl Fault {
    /// The stable code, the exit, and a sentence with the next step.
    fn end(&self) -> (&'static str, Exit, String) {
        let said = self.to_string();
        match self {
            Self::Open(fault) => {
                let (code, exit) = fault.end();
                (code, exit, said)
            }
            Self::NotEmpty => ("RESTORE_NOT_EMPTY", Exit::Refused, said),
            Self::InUse(_) => ("BUSY", Exit::Busy, said),
            Self::Archive(ArchiveFault::Tools(fault)) => {
                let (code, exit) = fault.end();
                (code, exit, said)
            }
            Self::Archive(ArchiveFault::Unreadable(_)) => {
                let said = format!("this is not a whole backup of Stillage ({said}); choose another file");
                ("BACKUP_UNREADABLE", Exit::Usage, said)
            }
            Self::Archive(ArchiveFault::DiskFull) => {
                ("DISK_FULL", Exit::Busy, format!("{said}; make room and restore again: nothing was kept"))
            }
            Self::Archive(ArchiveFault::File { source, .. }) => file_end(source.kind(), &said),
        }
    }
}

fn file_end(kind: ErrorKind, said: &str) -> (&'static str, Exit, String) {
    match kind {
        ErrorKind::NotFound => ("FILE_NOT_FOUND", Exit::Usage, format!("{said}; check the path")),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ("DISK_FULL", Exit::Busy, format!("{said}; make room, or write to another disk"))
        }
        ErrorKind::PermissionDenied | ErrorKind::IsADirectory | ErrorKind::NotADirectory | ErrorKind::InvalidInput => {
            ("FILE_UNREADABLE", Exit::Usage, format!("{said}; check that it is a file you may use"))
        }
        _ => ("DISK_FAILED", Exit::Busy, format!("{said}; check the disk")),
    }
}

pub fn ended(result: Result<Exit, Fault>, report: Report) -> Exit {
    result.unwrap_or_else(|fault| {
        let (code, exit, said) = fault.end();
        // What programs say fills lines; the next step is behind the last semicolon.
        let (message, next) = said.rsplit_once("; ").unwrap_or((&said, ""));
        report.refused((code, exit), message, next)
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|fault| OpenFault::Database(fault.into()).into())
}

/// Writes everything as one moment saw it.
pub async fn backup(server: &Server, file: PathBuf, report: Report) -> Result<Exit, Fault> {
    let app = &server.app;
    let mut tx = app.store.snapshot(app.org).await?;
    let (epoch, heads) = backup::history(&mut tx).await?;
    let acks = backup::acks(&mut tx).await?;
    let snapshot = backup::export_snapshot(&mut tx).await?;
    let (url, data, target) = (server.url.clone(), server.data.clone(), file.clone());
    let bytes = blocking(move || Archiver::find(&data)?.write(&url, &snapshot, &target)).await??;
    tx.commit().await?;
    let mut tx = app.store.write(app.org).await?;
    backup::note(&mut tx, &acks, app.mint.now()).await?;
    tx.commit().await?;
    let heads: Value = heads.iter().map(|(scope, head)| (scope.to_string(), json!(head))).collect();
    let file = file.display().to_string();
    let document = json!({ "file": file, "bytes": bytes, "organisation": app.org, "epoch": epoch, "heads": heads });
    Ok(report.done(&document, &format!("{file}: {bytes} bytes.")))
}

/// Fills an empty place from a backup and begins a new history in it.
pub async fn restore(config: &Config, file: PathBuf, report: Report) -> Result<Exit, Fault> {
    // Before anything is touched.
    let (data, checked) = (config.cluster(), file.clone());
    let taken = blocking(move || Archiver::find(&data)?.check(&checked)).await??;
    let place = config.place().await?;
    let store = place.connect().await?;
    let held = backup::held(&store).await;
    store.close().await;
    let place = match (held?, place.is_private()) {
        (Held::Nothing, _) => place,
        (Held::Unused, true) => blocking(move || place.renewed()).await?.map_err(|f| Fault::InUse(f.to_string()))?,
        _ => return Err(Fault::NotEmpty),
    };
    let last = backup::begin_history(EpochId(Mint.uuid()));
    let (url, data, source) = (place.url.clone(), config.cluster(), file.clone());
    blocking(move || Archiver::find(&data)?.restore(&source, &url, &last)).await??;
    let server = place.open(config).await?;
    let audited = audit(&server, (&file, taken.as_deref()), report).await;
    server.close().await;
    audited
}

/// What no desktop has, and an admin must give again.
const GONE: &str = "people, rights, codes, tokens, revocations and what programs wrote";

async fn audit(server: &Server, (file, taken): (&Path, Option<&str>), report: Report) -> Result<Exit, Fault> {
    let app = &server.app;
    let mut tx = app.store.snapshot(app.org).await?;
    let (epoch, heads) = backup::history(&mut tx).await?;
    let violations = verify::verify(&mut tx).await?;
    tx.commit().await?;
    let heads: Value = heads.iter().map(|(scope, head)| (scope.to_string(), json!(head))).collect();
    let verified = violations.is_empty();
    let document = json!({
        "organisation": app.org, "epoch": epoch, "heads": heads, "verified": verified, "violations": violations,
        "taken_at": taken, "gone": GONE.replace(" and ", ", ").split(", ").collect::<Vec<_>>(),
    });
    let plain = match violations.len() {
        0 => {
            format!(
                "{} of {} is restored and agrees with itself. Desktops send what it lacks by themselves; those it does \
                 not know come back by their certificates and are marked in `device list`. Since then, {GONE} are gone \
                 and must be given again.",
                file.display(),
                taken.unwrap_or("an unknown time")
            )
        }
        many => format!("{} is restored, with {many} violations; print them with --json.", file.display()),
    };
    let exit = report.done(&document, &plain);
    Ok(if verified { exit } else { Exit::False })
}
