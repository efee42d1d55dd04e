//! Codes, tokens and devices, for an admin at the server's own machine.

use super::report::{Exit, Report};
use crate::{app::App, error::ServerError, store, sync::enrol};
use clap::{Args, Subcommand};
use serde_json::json;
use stillage_core::id::{DeviceId, LocationId, PersonId};

#[derive(Debug, Args)]
pub struct CodeArgs {
    /// What the device is called.
    #[arg(long)]
    name: String,
    /// Who works with it; added if nobody has that name.
    #[arg(long)]
    person: String,
    /// A site it may hold, by code or id; every site when left out.
    #[arg(long = "site", value_name = "SITE")]
    sites: Vec<String>,
}

#[derive(Debug, Args)]
pub struct TokenArgs {
    /// What the program is called.
    #[arg(long)]
    name: String,
    /// It may also write.
    #[arg(long)]
    write: bool,
}

#[derive(Debug, Subcommand)]
pub enum DeviceVerb {
    List,
    /// Take a device's rights.
    Revoke {
        device: DeviceId,
    },
    /// Give a device sites, by code or id; every site when none is named.
    Grant {
        device: DeviceId,
        #[arg(long = "site", value_name = "SITE")]
        sites: Vec<String>,
    },
    /// Agree that a device which came back by its certificate, after a restore, may stay as it is.
    Adopt {
        device: DeviceId,
    },
}

pub async fn code(app: &App, args: &CodeArgs, report: Report) -> Result<Exit, ServerError> {
    let made = enrol::device_code(app, &args.name, &args.person, &args.sites).await?;
    let document = json!({ "code": made.code, "person": made.person, "expires_at": made.expires_at });
    Ok(report.done(&document, &made.code))
}

pub async fn token(app: &App, args: &TokenArgs, report: Report) -> Result<Exit, ServerError> {
    let made = enrol::token(app, &args.name, args.write).await?;
    let document = json!({ "token": made.token, "device": made.device, "person": made.person });
    Ok(report.done(&document, &made.token))
}

pub async fn device(app: &App, verb: DeviceVerb, report: Report) -> Result<Exit, ServerError> {
    let known = "There is no device";
    let (device, found, missing) = match verb {
        DeviceVerb::List => return list(app, report).await,
        DeviceVerb::Revoke { device } => (device, enrol::revoke(app, device).await?, known),
        DeviceVerb::Grant { device, sites } => (device, enrol::grant(app, device, &sites).await?, known),
        DeviceVerb::Adopt { device } => {
            (device, enrol::adopt(app, device).await?, "There is no active device that came back by its certificate as")
        }
    };
    if !found {
        return Err(ServerError::BadInput(format!("{missing} {device}; see `device list`.")));
    }
    Ok(report.done(&json!({ "ok": true, "device": device }), "Done."))
}

async fn list(app: &App, report: Report) -> Result<Exit, ServerError> {
    let mut tx = app.store.snapshot(app.org).await?;
    let rows = store::devices::list(&mut tx).await?;
    tx.commit().await?;
    let mut lines = Vec::new();
    let mut documents = Vec::new();
    for row in rows {
        let id = DeviceId(row.device);
        let state = if row.revoked_at.is_some() { "revoked" } else { "active" };
        let returned = match (row.returned_at, row.adopted_at) {
            (None, _) => "",
            (Some(_), None) => "  (returned by certificate: adopt or revoke it)",
            (Some(_), Some(_)) => "  (returned by certificate, adopted)",
        };
        lines.push(format!("{id}  {state:8} {:8} {}{returned}", row.kind, row.name));
        let sites: Vec<LocationId> = row.sites.into_iter().map(LocationId).collect();
        documents.push(json!({
            "device": id, "name": row.name, "person": PersonId(row.person), "kind": row.kind,
            "may_write": row.may_write, "sites": (!row.every_site).then_some(sites), "ack_seq": row.ack_seq,
            "revoked_at": row.revoked_at, "returned_at": row.returned_at, "adopted_at": row.adopted_at,
            "seen_at": row.seen_at,
        }));
    }
    Ok(report.done(&json!({ "devices": documents }), &lines.join("\n")))
}
