//! What it costs to do nothing: a desktop that is in step, and a server with five hundred of them. And what the server
//! takes beside Postgres while 64 connections keep it busy.

use crate::{
    crowd::{Jobs, connections, pace},
    desks::Desks,
    list,
    machine::Process,
    mint::Watch,
    report::{Goal, Metric, Sample},
    world::World,
};
use anyhow::Result;
use hyper::body::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

pub const METRICS: &[Metric] = &[
    Metric { name: "idle_desktop_cpu", unit: "ms/min", goal: Goal::AtMost(None, None) },
    Metric { name: "idle_desktop_wakeups", unit: "/min", goal: Goal::AtMost(None, None) },
    Metric { name: "idle_desktop_bytes", unit: "B/min", goal: Goal::AtMost(None, None) },
    Metric { name: "idle_server_memory", unit: "KB/desktop", goal: Goal::AtMost(Some(30.0), None) },
    Metric { name: "idle_server_cpu", unit: "s/min", goal: Goal::AtMost(None, None) },
    Metric { name: "busy_server_memory", unit: "MiB", goal: Goal::AtMost(Some(40.0), None) },
];
const DESKS: usize = 500;
const WHILE: Duration = Duration::from_secs(30);
/// Until what a beginning brought has passed, and connections that nobody uses are given back.
const SETTLE: Duration = Duration::from_secs(14);
const BUSY: usize = 64;
const REQUESTS: usize = 4_000;
const LOOK: Duration = Duration::from_millis(50);

pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    let mut samples = desktop(world).await?;
    samples.extend(server(world).await?);
    samples.push(busy(world).await?);
    Ok(samples)
}

/// This process with one desktop in step and nothing else to do.
async fn desktop(world: &mut World) -> Result<Vec<Sample>> {
    let engine = world.desktop().await?;
    engine.start_sync();
    sleep(SETTLE).await;
    let (me, traffic, watch) = (Process::here(), engine.traffic(), Watch::start());
    let (cpu, wakeups) = (me.cpu()?, me.wakeups()?);
    sleep(WHILE).await;
    let minutes = watch.seconds() / 60.0;
    let bytes = engine.traffic().sent + engine.traffic().received - traffic.sent - traffic.received;
    let samples = vec![
        plain("idle_desktop_cpu", (me.cpu()? - cpu) * 1e3 / minutes),
        plain("idle_desktop_wakeups", (me.wakeups()? - wakeups) as f64 / minutes),
        plain("idle_desktop_bytes", bytes as f64 / minutes),
    ];
    world.forget().await;
    Ok(samples)
}

async fn server(world: &mut World) -> Result<Vec<Sample>> {
    let (server, _, mint) = world.shop().await?;
    let process = server.process();
    let desks = Desks::gather(server, DESKS, mint).await?;
    sleep(SETTLE).await;
    let (cpu, watch) = (process.cpu()?, Watch::start());
    sleep(WHILE).await;
    let cpu = (process.cpu()? - cpu) * 60.0 / watch.seconds();
    // What as many more take: the first may sit in memory that was used before and not given back.
    let before = process.memory()?;
    let more = Desks::gather(server, DESKS, mint).await?;
    sleep(SETTLE).await;
    let each = (process.memory()? - before) / DESKS as f64;
    desks.go().await;
    more.go().await;
    Ok(vec![plain("idle_server_memory", each / 1e3), plain("idle_server_cpu", cpu)])
}

/// Pages of fifty items are the largest answers there are. On a server of its own: one that has had a thousand desktops is
/// not what is asked about.
async fn busy(world: &mut World) -> Result<Sample> {
    let mut other = world.other(world.items)?;
    let requests: Arc<[Bytes]> = list::pages(&mut other).await?.into();
    sleep(SETTLE).await;
    let (server, shop, _) = other.shop().await?;
    let process = server.process();
    let callers = connections(server, shop.loader.token(), BUSY).await?;
    let work = pace(callers, Jobs::Shared(REQUESTS), move |caller, n| {
        let request = requests[n % requests.len()].clone();
        Box::pin(async move { caller.post(request).await.map(drop) })
    });
    tokio::pin!(work);
    let mut most: f64 = 0.0;
    loop {
        tokio::select! {
            done = &mut work => {
                done?;
                break;
            }
            () = sleep(LOOK) => most = most.max(process.memory()?),
        }
    }
    other.stop().await?;
    Ok(plain("busy_server_memory", most / 1024.0 / 1024.0))
}

/// There is nothing that it could be compared with.
fn plain(name: &'static str, value: f64) -> Sample {
    Sample { name, value, raw: f64::NAN }
}
