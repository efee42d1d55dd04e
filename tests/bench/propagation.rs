//! Somebody acts on one desktop; how long until another one has it on its disk. Both keep themselves in step, woken by
//! the poke. The raw limit is what nobody can leave out: one durable commit of SQLite and one of Postgres.
//!
//! The surprise: a desktop commits what it pulled without waiting for the disk, because the server has it. Here the
//! wait is added, so that the figure means what it says.

use crate::{
    goods::Catalogue,
    mint::Watch,
    raw::sqlite,
    report::{Goal, Metric, Sample, percentile},
    snapshot::sync_files,
    world::{PATIENCE, World},
};
use anyhow::{Context, Result};
use sqlx::PgConnection;
use stillage_client::{Changed, Engine};
use stillage_core::{action::Action, id::ChangeId};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::timeout,
};

pub const METRICS: &[Metric] = &[
    Metric { name: "propagation_p50", unit: "ms", goal: Goal::AtMost(Some(1.5), None) },
    Metric { name: "propagation_p99", unit: "ms", goal: Goal::AtMost(Some(4.0), None) },
];
const ACTS: usize = 200;
/// Until both are connected and poked, and statements are prepared.
const WARM_UP: usize = 20;

pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    let catalogue = world.catalogue().await?;
    let (here, there) = (world.desktop().await?, second(world).await?);
    here.start_sync();
    there.start_sync();
    let mut raw = Raw::open(world, &here).await?;
    let mut changes = there.changes();
    let (mut trips, mut commits) = (Vec::with_capacity(ACTS), Vec::with_capacity(ACTS));
    for n in 0..WARM_UP + ACTS {
        let action = catalogue.receipt(&mut world.mint);
        let trip = trip((&here, &there), &mut changes, action).await.with_context(|| format!("act {n}"))?;
        let commit = raw.commit(&catalogue).await?;
        if n >= WARM_UP {
            trips.push(trip);
            commits.push(commit);
        }
    }
    there.close().await;
    // The first desktop is for others to use, but without a background of its own.
    world.forget().await;
    let sample = |name, part| -> Result<Sample> {
        let at = |times: &[f64]| percentile(times.to_vec(), part).context("nothing was measured");
        Ok(Sample { name, value: at(&trips)?, raw: at(&commits)? })
    };
    Ok(vec![sample("propagation_p50", 0.5)?, sample("propagation_p99", 0.99)?])
}

async fn second(world: &mut World) -> Result<Engine> {
    let engine = world.connected_desktop().await?;
    crate::world::drain(&engine).await?;
    Ok(engine)
}

async fn trip((here, there): (&Engine, &Engine), changes: &mut Receiver<Changed>, action: Action) -> Result<f64> {
    let watch = Watch::start();
    let acted = here.act(vec![action]).await?;
    let change = acted.first().context("nothing was acted")?.change_id;
    timeout(PATIENCE, arrival(there, changes, change)).await.context("it never arrived")??;
    sync_files(there.data_dir())?;
    Ok(watch.ms())
}

async fn arrival(there: &Engine, changes: &mut Receiver<Changed>, change: ChangeId) -> Result<()> {
    while !has(there, change).await? {
        match changes.recv().await {
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => anyhow::bail!("the desktop is closed"),
        }
    }
    Ok(())
}

/// A receipt makes one movement, under the change's own number.
async fn has(engine: &Engine, change: ChangeId) -> Result<bool> {
    let found = engine.read(move |conn| {
        let mut statement = conn.prepare_cached("SELECT 1 FROM movement WHERE id = ?1")?;
        Ok(statement.exists([change.0])?)
    });
    Ok(found.await?)
}

/// Both databases of the raw limit.
struct Raw {
    sqlite: rusqlite::Connection,
    postgres: PgConnection,
}

impl Raw {
    async fn open(world: &mut World, beside: &Engine) -> Result<Self> {
        let name = world.fresh("plain").with_extension("db");
        let sqlite = sqlite::open(&beside.data_dir().join(name.file_name().context("no name")?))?;
        sqlite::prepare_rows(&sqlite)?;
        let mut postgres = world.server().await?.postgres().await?;
        let sql = "CREATE TABLE IF NOT EXISTS raw_row (n bigserial PRIMARY KEY, body text NOT NULL)";
        sqlx::query(sql).execute(&mut postgres).await?;
        Ok(Self { sqlite, postgres })
    }

    async fn commit(&mut self, catalogue: &Catalogue) -> Result<f64> {
        let body = &catalogue.items.first().context("no items")?.name;
        let watch = Watch::start();
        sqlite::commit_row(&self.sqlite, body)?;
        sqlx::query("INSERT INTO raw_row (body) VALUES ($1)").bind(body).execute(&mut self.postgres).await?;
        Ok(watch.ms())
    }
}
