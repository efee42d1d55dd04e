//! Unsettled changes in a file that somebody carries to where there is a network. Each batch is
//! signed for the server, and the file as a whole for whoever reads it.
//!
//! Back on the device that wrote it the file fills gaps in the outbox. On another one it is handed to
//! the server, which settles it as the first device's own; that one learns of it by its next sync.

mod paper;

use super::{
    held_alone,
    round::{Round, blocking},
};
use crate::{
    Code, Failure,
    engine::{Inner, Opened, Tag},
    store::{Durability, outbox, rebase, search::Stale, settings},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use paper::{Head, Paper};
use rusqlite::Connection;
use serde::Serialize;
use std::{path::PathBuf, sync::Arc};
use stillage_core::{
    change::{Change, Outcome},
    id::OrganisationId,
    wire::{CarriedPush, PushAnswer, PushInput, PushRefusal},
};
use ts_rs::TS;

/// What came of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, TS)]
pub struct Imported {
    pub changes: u64,
    /// Put back into the outbox of the device that recorded them.
    pub queued: u64,
    pub applied: u64,
    pub merged: u64,
    pub rejected: u64,
    pub parked: u64,
    /// Known before.
    pub duplicates: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Exported {
    pub file: String,
    pub changes: u64,
}

/// Seals what is queued and writes everything unsettled to the file.
pub(crate) async fn export(inner: &Arc<Inner>, file: PathBuf) -> Result<Exported, Failure> {
    let opened = inner.opened()?;
    let _alone = held_alone(inner).await?;
    blocking(move || {
        let paper = written(&opened)?;
        let changes = paper.head.changes;
        paper.save(&file, |text| opened.secrets.sign(text))?;
        Ok(Exported { file: file.display().to_string(), changes })
    })
    .await
}

fn written(opened: &Opened) -> Result<Paper, Failure> {
    opened.store.write(Durability::Full, |transaction| outbox::seal_all(transaction))?;
    let public_key = STANDARD.encode(opened.secrets.public_key()?);
    let (head, pushes) = opened.store.read(|conn| unsettled(conn, public_key))?;
    let organisation = head.organisation.unwrap_or(OrganisationId(uuid::Uuid::nil()));
    let sign = |push: PushInput| -> Result<CarriedPush, Failure> {
        let signature = opened.secrets.sign(&push.signed_text(organisation))?;
        Ok(CarriedPush { push, signature: Some(STANDARD.encode(signature)) })
    };
    Ok(Paper { head, pushes: pushes.into_iter().map(sign).collect::<Result<_, _>>()? })
}

fn unsettled(conn: &Connection, public_key: String) -> Result<(Head, Vec<PushInput>), Failure> {
    let (device, epoch) = (settings::device(conn)?, settings::epoch(conn)?);
    let first_seq = outbox::settled_seq(conn, device)? + 1;
    let prev_chain = outbox::chain_at(conn, device, first_seq - 1)?;
    let prev_chain = prev_chain.ok_or_else(|| Failure::internal("the chain has a hole"))?;
    let mut pushes = Vec::new();
    for outbox::Batch { first_seq, prev_chain, changes } in outbox::unsettled(conn)? {
        let orders = outbox::orders(conn, &changes)?;
        pushes.push(PushInput { device, epoch, first_seq, prev_chain, changes, orders });
    }
    let changes = pushes.iter().map(|push| push.changes.len() as u64).sum();
    let organisation = settings::parsed(conn, settings::ORGANISATION)?;
    let head = Head {
        format: paper::FORMAT.to_owned(),
        organisation,
        device,
        device_name: settings::get(conn, settings::DEVICE_NAME)?.unwrap_or_default(),
        person: settings::person(conn)?,
        public_key,
        first_seq,
        prev_chain,
        changes,
    };
    Ok((head, pushes))
}

/// Takes a file in: on the device that wrote it, or on any other that is connected.
pub(crate) async fn import(inner: &Arc<Inner>, file: PathBuf) -> Result<Imported, Failure> {
    let opened = inner.opened()?;
    let (paper, own) = blocking(move || {
        let paper = Paper::open(&file)?;
        let own = opened.store.read(|conn| {
            let organisation: Option<OrganisationId> = settings::parsed(conn, settings::ORGANISATION)?;
            let is_own = settings::device(conn)? == paper.head.device
                || settings::former_devices(conn)?.contains(&paper.head.device);
            if !is_own && organisation.is_some() && paper.head.organisation != organisation {
                return Err(foreign(&paper.head));
            }
            Ok(is_own)
        })?;
        // Anybody can write a device's id into a file; only the device has its key.
        if own && paper.head.public_key != STANDARD.encode(opened.secrets.public_key()?) {
            return Err(paper::damaged("it is not signed with this device's key"));
        }
        Ok((paper, own))
    })
    .await?;
    let imported = if own { take_back(inner, paper).await? } else { hand_over(inner, paper).await? };
    inner.tell(Tag::ALL);
    inner.sync.nudge();
    Ok(imported)
}

async fn take_back(inner: &Arc<Inner>, paper: Paper) -> Result<Imported, Failure> {
    let store = inner.opened()?.store;
    blocking(move || {
        let changes: Vec<Change> = paper.pushes.into_iter().flat_map(|carried| carried.push.changes).collect();
        let queued = store.write(Durability::Full, |transaction| {
            let queued = outbox::take_back(transaction, &changes)?;
            if queued > 0 {
                let mut stale = Stale::default();
                rebase::run_all(transaction, settings::device(transaction)?, &mut stale)?;
                stale.refresh(transaction)?;
            }
            Ok(queued)
        })?;
        let changes = changes.len() as u64;
        Ok(Imported { changes, queued, duplicates: changes - queued, ..Imported::default() })
    })
    .await
}

async fn hand_over(inner: &Arc<Inner>, paper: Paper) -> Result<Imported, Failure> {
    let round = Round::begin(inner, None).await?;
    let mut imported = Imported { changes: paper.head.changes, ..Imported::default() };
    for carried in &paper.pushes {
        let answer = round.transport.carry(carried).await?;
        if let Some(refusal) = answer.refusal {
            return Err(refused(refusal));
        }
        count(&mut imported, &answer);
    }
    Ok(imported)
}

fn count(imported: &mut Imported, answer: &PushAnswer) {
    for result in &answer.results {
        let counter = match result.outcome {
            _ if result.duplicate => &mut imported.duplicates,
            Outcome::Applied => &mut imported.applied,
            Outcome::Merged => &mut imported.merged,
            Outcome::Rejected => &mut imported.rejected,
            Outcome::Parked => &mut imported.parked,
        };
        *counter += 1;
    }
}

fn refused(refusal: PushRefusal) -> Failure {
    let (code, message) = match refusal {
        PushRefusal::DeviceForked => {
            ("DEVICE_FORKED", "The device that wrote this file has gone on in another way since.")
        }
        PushRefusal::EpochChanged => ("EPOCH_CHANGED", "The server was restored since this file was written."),
    };
    let next = "Bring that device itself to a network, or import the file there: nothing arrives twice.";
    Failure::new(Code::Rejected(code.into()), message, next)
}

fn foreign(head: &Head) -> Failure {
    if head.organisation.is_none() {
        let next = "Import it on that device, or connect that device and export again.";
        return Failure::new(Code::Forbidden, "The device that wrote this file was never connected to a server.", next);
    }
    let next = "Import it on a desktop of the organisation it comes from.";
    Failure::new(Code::Forbidden, "This file comes from another organisation.", next)
}
