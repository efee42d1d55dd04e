//! The account a private cluster runs under: one's own, or `postgres` (else `nobody`) for root, whom Postgres refuses.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::fault::PostgresFault;

#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Who asks: root when the two differ.
    pub(super) own_uid: u32,
}

impl Account {
    pub(super) fn for_cluster() -> Result<Self, PostgresFault> {
        let own_uid = id(&["-u"]).ok_or(PostgresFault::NoAccount)?;
        if own_uid != 0 {
            return Ok(Self {
                name: own_uid.to_string(),
                uid: own_uid,
                gid: id(&["-g"]).ok_or(PostgresFault::NoAccount)?,
                own_uid,
            });
        }
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| {
                Some(Self { name: (*name).to_owned(), uid: id(&["-u", name])?, gid: id(&["-g", name])?, own_uid })
            })
            .ok_or(PostgresFault::NoAccount)
    }

    /// Makes `command` run as this account. Supplementary groups are dropped with the change.
    pub(super) fn apply(&self, command: &mut Command) {
        if self.uid != self.own_uid {
            command.uid(self.uid).gid(self.gid);
        }
    }

    pub(super) fn check_passage(&self, parent: &Path) -> Result<(), PostgresFault> {
        let meta = fs::metadata(parent).map_err(|e| PostgresFault::io("open", parent, e))?;
        let bit = if meta.uid() == self.uid {
            0o100
        } else if meta.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        // An ordinary account may pass by another of its groups; it would not have got this far otherwise.
        if meta.mode() & bit != 0 || self.uid == self.own_uid {
            return Ok(());
        }
        Err(PostgresFault::NoPassage { account: self.name.clone(), parent: parent.to_owned() })
    }
}

fn id(args: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(args).output().ok()?;
    output.status.success().then_some(())?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
