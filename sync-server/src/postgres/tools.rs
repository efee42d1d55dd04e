//! Where Postgres is installed, and how its programs are called. Debian keeps the server's programs off PATH, one
//! directory a major version, so those are searched too, newest first.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::fault::PostgresFault;

const NEEDED: [&str; 6] = ["initdb", "pg_ctl", "postgres", "psql", "pg_dump", "pg_isready"];

#[derive(Debug)]
pub(super) struct Tools {
    bin: PathBuf,
}

impl Tools {
    /// The newest installation, or the one of the major version that made `data`.
    pub(super) fn find(data: &Path) -> Result<Self, PostgresFault> {
        let found: Vec<Self> = candidates()
            .into_iter()
            .filter(|bin| NEEDED.iter().all(|tool| bin.join(tool).exists()))
            .map(|bin| Self { bin })
            .collect();
        let version = fs::read_to_string(data.join("PG_VERSION")).ok();
        let made_by: Option<u32> = version.and_then(|text| text.trim().parse().ok());
        match made_by {
            None => found.into_iter().next().ok_or(PostgresFault::ToolsMissing),
            Some(made_by) => found
                .into_iter()
                .find(|tools| tools.major() == Some(made_by))
                .ok_or_else(|| PostgresFault::WrongMajor { dir: data.to_owned(), made_by }),
        }
    }

    /// Those that write and read backups; a server of one's own may run elsewhere.
    pub(super) fn of_backups(data: &Path) -> Result<Self, PostgresFault> {
        let wanted = ["psql", "pg_dump", "pg_restore"];
        let has_all = |bin: &PathBuf| wanted.iter().all(|tool| bin.join(tool).exists());
        let beside = Self::find(data).ok().map(|tools| tools.bin).filter(has_all);
        let bin = beside.or_else(|| candidates().into_iter().rev().find(has_all));
        bin.map(|bin| Self { bin }).ok_or(PostgresFault::BackupToolsMissing)
    }

    pub(super) fn path(&self, tool: &str) -> PathBuf {
        self.bin.join(tool)
    }

    /// A call in a plain environment: no PGHOST or PGDATA of the caller leaks in, and messages are in English.
    pub(super) fn command(&self, tool: &str) -> Command {
        let mut command = Command::new(self.path(tool));
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C.UTF-8").current_dir("/");
        command.stdin(Stdio::null());
        command
    }

    /// A call that connects to `url`. Everybody on a machine can read the arguments of a program, so the password goes
    /// by its environment, which only its own account can.
    pub(super) fn connected(&self, tool: &str, url: &str) -> Command {
        let (url, password) = without_password(url);
        let mut command = self.command(tool);
        command.args(["-d", &url]).envs(password.map(|password| ("PGPASSWORD", password)));
        // It may be there from the call of the server itself.
        command.env_remove("DATABASE_URL");
        command
    }

    /// Runs one statement and returns its bare output.
    pub(super) fn psql(&self, url: &str, sql: &str) -> Result<String, PostgresFault> {
        let mut psql = self.connected("psql", url);
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        run(psql)
    }

    fn major(&self) -> Option<u32> {
        let output = self.command("postgres").arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let number = text.split_whitespace().nth(2)?.to_owned();
        let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    }
}

/// The url and the password that was in it. Cut out of the text rather than written anew: libpq reads a few things
/// otherwise than the standard says.
fn without_password(url: &str) -> (String, Option<OsString>) {
    let (front, query) = url.split_once('?').map_or((url, None), |(front, query)| (front, Some(query)));
    let host_at = front.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = front.split_at(host_at);
    let at = rest[..rest.find('/').unwrap_or(rest.len())].rfind('@');
    let (user, place) = at.map_or((None, rest), |at| (Some(&rest[..at]), &rest[at + 1..]));
    let (user, mut password) = match user.and_then(|user| user.split_once(':')) {
        Some((user, password)) => (Some(user), Some(password)),
        None => (user, None),
    };
    let mut bare = format!("{scheme}{}{place}", user.map(|user| format!("{user}@")).unwrap_or_default());
    let mut mark = '?';
    for pair in query.into_iter().flat_map(|query| query.split('&')) {
        match pair.split_once('=') {
            Some((name, value)) if decoded(name) == "password" => password = Some(value),
            _ => {
                bare.push(mark);
                bare.push_str(pair);
                mark = '&';
            }
        }
    }
    (bare, password.filter(|password| !password.is_empty()).map(decoded))
}

fn decoded(text: &str) -> OsString {
    OsString::from_vec(percent_encoding::percent_decode_str(text).collect())
}

fn candidates() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = env::split_paths(&path).collect();
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_string_lossy().parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    found.extend(versions.into_iter().map(|(_, bin)| bin));
    found
}

/// Runs to the end and returns what was printed; a failure carries both streams.
pub(super) fn run(mut command: Command) -> Result<String, PostgresFault> {
    let name = Path::new(command.get_program()).to_owned();
    let output = command.output().map_err(|e| PostgresFault::io("start", &name, e))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(PostgresFault::Command {
        command: name.display().to_string(),
        output: format!("{} {}", stdout.trim(), stderr.trim()).trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_among_the_arguments_of_a_program() {
        let tools = Tools { bin: PathBuf::from("/bin") };
        for (url, bare) in [
            ("postgres://ana:s3%40cret@h:5432/d?sslmode=require", "postgres://ana@h:5432/d?sslmode=require"),
            ("postgresql://ana@h/d?password=s3%40cret&host=%2Frun%2Fpg", "postgresql://ana@h/d?host=%2Frun%2Fpg"),
            ("postgres://ana:old@h/d?host=%2Frun&password=s3%40cret", "postgres://ana@h/d?host=%2Frun"),
        ] {
            let command = tools.connected("psql", url);
            let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
            assert_eq!(args, ["-d", bare]);
            let password = command.get_envs().find(|(name, _)| *name == "PGPASSWORD").and_then(|(_, value)| value);
            assert_eq!(password.unwrap(), "s3@cret");
        }
    }

    #[test]
    fn a_url_without_a_password_stays_as_it_is() {
        for url in ["postgres://postgres@localhost/d?host=/run/a%20b&port=5432", "postgres:///d", "postgres://h/d?x"] {
            assert_eq!(without_password(url), (url.to_owned(), None));
        }
    }
}
