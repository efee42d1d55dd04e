//! Somebody acts on one desktop; how long until another one has it on its disk. Both keep themselves in step, woken by
//! the poke. The raw limit is what nobody can leave out: one durable commit of SQLite and one of Postgres.
//!
//! The surprise: a desktop commits what it pulled without waiting for the disk, because the server has it. Here the
//! wait is added, so that the figure means what it says.

use crate::{
    desks::Desks,
    goods::Catalogue,
    mint::Watch,
    raw::sqlite,
    report::{Goal, Metric, Sample, percentile},
    snapshot::sync_database,
    world::{PATIENCE, World},
};
use anyhow::{Context, Result};
use sqlx::PgConnection;
use stillage_client::{Changed, Engine, store::settings};
use stillage_core::{action::Action, id::ChangeId, scope::Scope};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::timeout,
};

pub const METRICS: &[Metric] = &[
    Metric { name: "propagation_p50", unit: "ms", goal: Goal::AtMost(Some(1.5), None) },
    Metric { name: "propagation_p99", unit: "ms", goal: Goal::AtMost(Some(4.0), None) },
];
pub const AMONG_50: &[Metric] = &[
    Metric { name: "propagation_50_p50", unit: "ms", goal: Goal::AtMost(None, None) },
    Metric { name: "propagation_50_p99", unit: "ms", goal: Goal::AtMost(None, None) },
];
pub const AMONG_500: &[Metric] = &[
    Metric { name: "propagation_500_p50", unit: "ms", goal: Goal::AtMost(None, None) },
    Metric { name: "propagation_500_p99", unit: "ms", goal: Goal::AtMost(Some(50.0), None) },
];
const ACTS: usize = 200;
/// Among others, who all pull each of them.
const ACTS_AMONG: usize = 100;
/// Until both are connected and poked, and statements are prepared.
const WARM_UP: usize = 20;

pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    between(world, METRICS, (0, ACTS)).await
}

pub async fn among_50(world: &mut World) -> Result<Vec<Sample>> {
    between(world, AMONG_50, (48, ACTS_AMONG)).await
}

pub async fn among_500(world: &mut World) -> Result<Vec<Sample>> {
    between(world, AMONG_500, (498, ACTS_AMONG)).await
}

/// Between two desktops while so many others are connected, which pull every movement as well. The next one is made when
/// all have this one.
async fn between(world: &mut World, metrics: &[Metric], (others, acts): (usize, usize)) -> Result<Vec<Sample>> {
    let catalogue = world.catalogue().await?;
    let site = Scope::Site(catalogue.site);
    let (here, there) = (world.desktop().await?, second(world).await?);
    let (server, _, mint) = world.shop().await?;
    let mut desks = Desks::gather(server, others, mint).await?;
    here.start_sync();
    there.start_sync();
    let mut raw = Raw::open(world, &here).await?;
    let mut changes = there.changes();
    let (mut trips, mut commits) = (Vec::with_capacity(acts), Vec::with_capacity(acts));
    for n in 0..WARM_UP + acts {
        let action = catalogue.receipt(&mut world.mint);
        let trip = trip((&here, &there), &mut changes, action).await.with_context(|| format!("act {n}"))?;
        let head = there.read(settings::cursors).await?.get(&site).copied().unwrap_or(0);
        timeout(PATIENCE, desks.until(head)).await.context("the others never had it")??;
        let commit = raw.commit(&catalogue).await?;
        if n >= WARM_UP {
            trips.push(trip);
            commits.push(commit);
        }
    }
    desks.go().await;
    there.close().await;
    // The first desktop is for others to use, but without a background of its own.
    world.forget().await;
    let sample = |(metric, part): (&Metric, f64)| -> Result<Sample> {
        let at = |times: &[f64]| percentile(times.to_vec(), part).context("nothing was measured");
        Ok(Sample { name: metric.name, value: at(&trips)?, raw: at(&commits)? })
    };
    metrics.iter().zip([0.5, 0.99]).map(sample).collect()
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
    sync_database(there.data_dir())?;
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
