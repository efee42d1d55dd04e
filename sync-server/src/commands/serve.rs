//! `serve`: answers until SIGTERM or SIGINT, then finishes what it accepted.

use super::report::{Exit, Report};
use crate::{
    app::App,
    config::Server,
    error::ServerError,
    http::{self, HttpOptions},
    store::{audit, canary::Canary, horizon, sums},
};
use axum::serve::ListenerExt;
use serde_json::json;
use std::{future::IntoFuture, io::Write, net::SocketAddr, time::Duration};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// How long open requests may take to end once the server was told to stop.
const LAST_WAIT: Duration = Duration::from_secs(20);

pub async fn serve(server: Server, listen: SocketAddr, options: &HttpOptions, report: Report) -> Exit {
    let exit = match answer(&server, listen, options).await {
        Ok(()) => Exit::Done,
        Err(fault) if fault.kind() == std::io::ErrorKind::AddrInUse => {
            report.failed(&ServerError::BadInput(format!("{listen} is in use; choose another --listen address")))
        }
        Err(fault) => report.failed(&ServerError::Internal(fault.into())),
    };
    server.close().await;
    exit
}

/// How often a server looks whether the daily audit is due.
const AUDIT_LOOK: Duration = Duration::from_secs(600);
/// How often the log is read a second time.
const CANARY_LOOK: Duration = Duration::from_secs(5);

/// Work that nobody waits for.
async fn watch_over(app: App) {
    tokio::join!(audit_daily(&app), tail(&app));
}

/// Reads the log a second way. What it finds is looked into at once.
async fn tail(app: &App) {
    let (mut canary, mut look) = (Canary::default(), tokio::time::interval(CANARY_LOOK));
    loop {
        look.tick().await;
        match canary.look(&app.store, app.org).await {
            Ok(found) if found.is_empty() => {}
            Ok(found) => {
                tracing::error!(violations = %json!(found), "the log is not what was written");
                canary = Canary::default();
                if let Err(fault) = audit::at_once(&app.store, app.org, found, || app.mint.now()).await {
                    tracing::warn!(%fault, "the audit of what was found could not be done");
                }
            }
            Err(fault) => tracing::warn!(%fault, "the log could not be read a second time"),
        }
    }
}

/// Sums that are missing, then once a day an audit and the trimming of logs.
async fn audit_daily(app: &App) {
    match sums::fill(&app.store, app.org).await {
        Ok(0) => {}
        Ok(scopes) => tracing::info!(scopes, "the sums of scopes were added up"),
        Err(fault) => tracing::warn!(%fault, "sums of scopes could not be added up; the next start tries again"),
    }
    let mut look = tokio::time::interval(AUDIT_LOOK);
    loop {
        look.tick().await;
        match audit::daily(&app.store, app.org, || app.mint.now()).await {
            Ok(Some(audit)) if audit.ok => {
                tracing::info!(took_ms = audit.took_ms, "the daily audit found nothing");
                trim(app).await;
            }
            // What may be wrong is looked into as it is.
            Ok(Some(audit)) => tracing::error!(violations = %audit.violations, "the daily audit found violations"),
            Ok(None) => {}
            Err(fault) => tracing::warn!(%fault, "the daily audit could not be done"),
        }
    }
}

async fn trim(app: &App) {
    match horizon::trim(&app.store, app.org, app.mint.now()).await {
        Ok(entries) => tracing::info!(entries, "entries that were written over are given up"),
        Err(fault) => tracing::warn!(%fault, "logs could not be trimmed; tomorrow is another day"),
    }
}

async fn answer(server: &Server, listen: SocketAddr, options: &HttpOptions) -> std::io::Result<()> {
    let watching = tokio::spawn(watch_over(server.app.clone()));
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let listener = TcpListener::bind(listen).await?;
    let ready = json!({ "url": format!("http://{}", listener.local_addr()?), "pid": std::process::id() });
    println!("{ready}");
    std::io::stdout().flush()?;
    let (stop, mut stopped) = watch::channel(());
    let router = http::router(&server.app, options);
    // Answers are small and somebody waits for each: none is held back to fill a packet.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
        let _ = stopped.changed().await;
    });
    let serving = tokio::spawn(serving.into_future());
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    watching.abort();
    tracing::info!("stopping: finishing what was accepted");
    let _ = stop.send(());
    match tokio::time::timeout(LAST_WAIT, serving).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(fault)) => Err(std::io::Error::other(fault)),
        // Sockets that do not close hold nothing that was accepted.
        Err(_) => Ok(()),
    }
}
