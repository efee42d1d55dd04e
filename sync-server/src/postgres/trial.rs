//! A database of its own for each test, in one cluster that all tests of a run share.
//!
//! `STILLAGE_TEST_DATABASE_URL` names a server to use instead; its account must be allowed to create databases. The
//! shared cluster stops by itself two seconds after the last test.

use std::env;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use super::account::Account;
use super::fault::PostgresFault;
use super::tools::{self, Tools};
use super::{Durability, PrivatePostgres};

static MADE: AtomicU32 = AtomicU32::new(0);

/// An empty database, dropped with this value.
#[derive(Debug)]
pub struct TrialDatabase {
    name: String,
    url: String,
    admin: String,
    tools: Tools,
    // Held, not read: the cluster runs as long as somebody holds it.
    _cluster: Option<PrivatePostgres>,
}

impl TrialDatabase {
    /// Blocks for some 50 ms, the first of a run for a second.
    pub fn create() -> Result<Self, PostgresFault> {
        let name = format!("t{}_{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        // Two people on one machine must not meet in one directory.
        let owner = Account::for_cluster()?.own_uid;
        let base = env::temp_dir().join(format!("stillage-tests-{owner}"));
        let tools = Tools::find(&base.join("data"))?;
        let (admin, url, cluster) = match env::var("STILLAGE_TEST_DATABASE_URL") {
            Ok(admin) => {
                let url = with_database(&admin, &name);
                (admin, url, None)
            }
            Err(_) => {
                let cluster = PrivatePostgres::start(&base, Durability::Tests)?;
                (cluster.url(), cluster.url_of(&name), Some(cluster))
            }
        };
        let trial = Self { name, url, admin, tools, _cluster: cluster };
        trial.drop_database()?;
        let create = format!("CREATE DATABASE \"{}\"", trial.name);
        trial.tools.psql(&trial.admin, &create)?;
        Ok(trial)
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The schema as SQL, without owners and grants.
    pub fn dump_schema(&self) -> Result<String, PostgresFault> {
        let mut dump = self.tools.connected("pg_dump", &self.url);
        dump.args(["--schema-only", "--no-owner", "--no-privileges"]);
        tools::run(dump)
    }

    /// Everything in it as SQL that `restore` takes, without owners and grants.
    pub fn dump(&self) -> Result<String, PostgresFault> {
        let mut dump = self.tools.connected("pg_dump", &self.url);
        dump.args(["--inserts", "--rows-per-insert=50", "--no-owner", "--no-privileges"]);
        tools::run(dump)
    }

    /// Everything in it as a file that `stillage-server restore` takes.
    pub fn archive(&self, file: &Path) -> Result<(), PostgresFault> {
        let mut dump = self.tools.connected("pg_dump", &self.url);
        dump.args(["--format=custom", "--no-owner", "--no-privileges", "-f"]).arg(file);
        tools::run(dump).map(drop)
    }

    /// Runs a file of SQL in it: all of it, or nothing.
    pub fn restore(&self, file: &Path) -> Result<(), PostgresFault> {
        let mut psql = self.tools.connected("psql", &self.url);
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-f"]).arg(file);
        tools::run(psql).map(drop)
    }

    fn drop_database(&self) -> Result<(), PostgresFault> {
        let sql = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name);
        self.tools.psql(&self.admin, &sql).map(drop)
    }
}

impl Drop for TrialDatabase {
    fn drop(&mut self) {
        let _ = self.drop_database();
    }
}

/// The same server, another database: everything between the host and the `?` is its name.
fn with_database(url: &str, name: &str) -> String {
    let (front, query) = url.split_once('?').unwrap_or((url, ""));
    let host_at = front.find("://").map_or(0, |at| at + 3);
    let end = front[host_at..].find('/').map_or(front.len(), |at| host_at + at);
    let tail = if query.is_empty() { String::new() } else { format!("?{query}") };
    format!("{}/{name}{tail}", &front[..end])
}
