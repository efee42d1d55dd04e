//! What goes wrong, by name, and how it is made to.

use super::{
    central::Central,
    proxy::{Lie, Proxy},
    sql::OURS,
};
use anyhow::Result;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Pid, Signal, kill_process};
use std::{sync::Arc, thread, time::Duration};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// SIGKILL to a server, which is started again at the same address.
    ServerKill,
    /// SIGSTOP for a second, then SIGCONT.
    ServerPause,
    /// SIGKILL to a desktop while it records.
    ClientKill,
    /// A desktop may not write another page for a while.
    DiskFull,
    /// SIGKILL to a process of Postgres that works for a server: all of them start over.
    BackendKill,
    /// SIGKILL to Postgres itself, which one of the servers must start again.
    PostgresKill,
    /// A session of a server is ended by an administrator, if it can be while it commits.
    CommitCut,
    /// Rows locked in another order than the writer's.
    Deadlock,
    /// Nobody can write for longer than any connection is waited for.
    PoolExhausted,
    Drop,
    Truncate,
    Delay,
    Duplicate,
    BadGateway,
    /// A backup is made while everybody works.
    Backup,
    /// The servers and their Postgres are lost; others begin in their place with the newest backup.
    Restore,
    /// Somebody new begins with a snapshot while everybody works, and is killed while it loads.
    Join,
}

impl Trouble {
    pub const ALL: [Self; 17] = [
        Self::ServerKill,
        Self::ServerPause,
        Self::ClientKill,
        Self::DiskFull,
        Self::BackendKill,
        Self::PostgresKill,
        Self::CommitCut,
        Self::Deadlock,
        Self::PoolExhausted,
        Self::Drop,
        Self::Truncate,
        Self::Delay,
        Self::Duplicate,
        Self::BadGateway,
        Self::Backup,
        Self::Restore,
        Self::Join,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServerKill => "server_kill",
            Self::ServerPause => "server_pause",
            Self::ClientKill => "client_kill",
            Self::DiskFull => "disk_full",
            Self::BackendKill => "backend_kill",
            Self::PostgresKill => "postgres_kill",
            Self::CommitCut => "commit_cut",
            Self::Deadlock => "deadlock",
            Self::PoolExhausted => "pool_exhausted",
            Self::Drop => "drop",
            Self::Truncate => "truncate",
            Self::Delay => "delay",
            Self::Duplicate => "duplicate",
            Self::BadGateway => "bad_gateway",
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::Join => "join",
        }
    }

    /// How the network lies, if it is the network.
    #[must_use]
    pub const fn lie(self) -> Option<Lie> {
        match self {
            Self::Drop => Some(Lie::Drop),
            Self::Truncate => Some(Lie::Truncate),
            Self::Delay => Some(Lie::Delay),
            Self::Duplicate => Some(Lie::Duplicate),
            Self::BadGateway => Some(Lie::BadGateway),
            _ => None,
        }
    }

    /// Whether it happens to one desktop, by its own hand.
    #[must_use]
    pub const fn is_at_hand(self) -> bool {
        matches!(self, Self::ClientKill | Self::DiskFull | Self::Join)
    }

    /// Three different ones.
    pub fn draw(draws: &mut ChaCha8Rng) -> Vec<Self> {
        let mut drawn = Vec::new();
        while drawn.len() < 3 {
            let one = Self::ALL[(draws.next_u32() as usize) % Self::ALL.len()];
            if !drawn.contains(&one) {
                drawn.push(one);
            }
        }
        drawn
    }
}

/// What trouble is made with.
pub struct Scene<'a> {
    pub central: &'a mut Central,
    pub proxies: &'a [Arc<Proxy>],
}

impl Scene<'_> {
    /// Makes it, after a moment, and mends what does not mend itself. Trouble with the network lasts until
    /// somebody ends it.
    pub fn make(&mut self, trouble: Trouble, draws: &mut ChaCha8Rng) -> Result<()> {
        thread::sleep(Duration::from_millis(draws.random_range(5..150)));
        let server = (draws.next_u32() as usize) % self.central.servers.len();
        if let Some(lie) = trouble.lie() {
            self.proxies.iter().for_each(|proxy| proxy.lie(Some(lie)));
            return Ok(());
        }
        match trouble {
            Trouble::ServerKill => self.central.servers[server].kill_and_restart(),
            Trouble::ServerPause => {
                let pid = self.central.servers[server].pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
                let Some(pid) = pid else { return Ok(()) };
                kill_process(pid, Signal::STOP)?;
                thread::sleep(Duration::from_millis(draws.random_range(300..1200)));
                Ok(kill_process(pid, Signal::CONT)?)
            }
            Trouble::BackendKill => self.kill_backend(),
            Trouble::PostgresKill => {
                let pid = self.central.cluster.postmaster().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
                pid.map(|pid| kill_process(pid, Signal::KILL).ok());
                Ok(())
            }
            Trouble::CommitCut => self.central.cluster.disturb(COMMIT_CUT),
            Trouble::Deadlock => self.central.cluster.disturb(DEADLOCK),
            Trouble::PoolExhausted => self.central.cluster.disturb(NOBODY_WRITES),
            // Postgres may have been killed a moment ago; then there is no new backup, and nobody says there is.
            Trouble::Backup => self.central.back_up().map(drop),
            Trouble::Restore => self.central.lose_and_restore(),
            _ => Ok(()),
        }
    }

    /// The kernel takes a backend away, as it does when memory is short.
    fn kill_backend(&self) -> Result<()> {
        let sql = format!(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> '{OURS}' \
             ORDER BY (state = 'active') DESC, xact_start NULLS LAST LIMIT 1"
        );
        // Postgres itself may have been killed a moment ago: then there is none to kill.
        let rows = self.central.cluster.session().and_then(|mut session| session.rows(&sql)).unwrap_or_default();
        let pid = rows.first().and_then(|row| row.first()).and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw);
        // It may have ended in this moment, which is as good.
        pid.map(|pid| kill_process(pid, Signal::KILL).ok());
        Ok(())
    }
}

/// Waits for a session that commits, for a third of a second at most, and ends it; or any that works.
const COMMIT_CUT: &str = "DO $$ DECLARE victim int; BEGIN \
    FOR n IN 1..600 LOOP \
      PERFORM pg_stat_clear_snapshot(); \
      SELECT pid INTO victim FROM pg_stat_activity WHERE application_name <> 'stillage-chaos' \
        AND backend_type = 'client backend' AND state = 'active' \
        AND (query ILIKE 'commit%' OR wait_event IN ('WALSync', 'WALWrite') OR n > 500) LIMIT 1; \
      IF victim IS NOT NULL THEN PERFORM pg_terminate_backend(victim); RETURN; END IF; \
      PERFORM pg_sleep(0.0005); \
    END LOOP; END $$";

/// Heads first and balances after, which is the wrong way round, again and again.
const DEADLOCK: &str = "DO $$ BEGIN FOR n IN 1..12 LOOP BEGIN \
      PERFORM 1 FROM (SELECT 1 FROM scope ORDER BY random() FOR UPDATE) heads; \
      PERFORM pg_sleep(0.02); \
      PERFORM 1 FROM (SELECT 1 FROM balance ORDER BY random() FOR UPDATE) cells; \
      PERFORM pg_sleep(0.02); \
      RAISE EXCEPTION USING ERRCODE = 'raise_exception'; \
    EXCEPTION WHEN raise_exception OR deadlock_detected THEN NULL; END; END LOOP; END $$";

const NOBODY_WRITES: &str = "BEGIN; LOCK TABLE scope, balance IN EXCLUSIVE MODE; SELECT pg_sleep(1.5); ROLLBACK";
