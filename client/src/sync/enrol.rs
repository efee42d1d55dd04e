//! Joining a server, and going on under a new id when this database was found to be a copy.

use super::{
    ConnectionState,
    round::{Round, blocking},
    transport::{Transport, address},
};
use crate::{
    Code, Failure,
    engine::{Inner, Opened},
    secrets::Token,
    store::{Durability, fingerprint, reset, settings},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rusqlite::Connection;
use std::sync::Arc;
use stillage_core::{
    certificate::{Certificate, Membership, Shown},
    id::{DeviceId, EpochId},
    wire::{EnrolInput, Enrolled, Hello, PROTOCOL, PROTOCOL_MIN},
};

pub(super) async fn connect(inner: &Arc<Inner>, url: &str, code: Option<String>) -> Result<(), Failure> {
    let opened = inner.opened()?;
    let url = address(url)?;
    let (store, data_dir, mint) = (Arc::clone(&opened.store), inner.data_dir.clone(), Arc::clone(&inner.mint));
    let joins = code.is_some();
    let (device, name, former) = blocking(move || {
        store.write(Durability::Full, |transaction| {
            // A copy that has a token already is found by its first round.
            if joins && fingerprint::is_copy(transaction, &data_dir, &mint)? {
                reset::take_new_device(transaction, reset::new_device(&mint))?;
            }
            let name = settings::get(transaction, settings::DEVICE_NAME)?.unwrap_or_default();
            Ok((settings::device(transaction)?, name, settings::former_devices(transaction)?))
        })
    })
    .await?;
    let token = opened.secrets.token();
    if code.is_none() && token.is_none() {
        return Err(Failure::new(
            Code::BadCode,
            "The first connection needs a code.",
            "Ask for one: `stillage-server device-code --name NAME --person NAME`.",
        ));
    }
    // A code speaks for itself; an old token beside it could only be refused.
    let bearer = token.filter(|_| code.is_none()).map(|token| token.bearer);
    let transport = Transport::new(inner, url.clone(), device, bearer)?;
    let hello = transport.hello().await?;
    compatible(&hello)?;
    let enrolled = match code {
        Some(code) => {
            let mut input = request(&opened, device, name, Some(code))?;
            input.forked_from = former.last().copied();
            Some(transport.enrol(&input).await?)
        }
        None => None,
    };
    let mint = Arc::clone(&inner.mint);
    blocking(move || joined(&opened, &mint, (device, url.as_str()), enrolled.as_ref())).await?;
    inner.enter(ConnectionState::Online { since: inner.mint.now() });
    Ok(())
}

fn compatible(hello: &Hello) -> Result<(), Failure> {
    if hello.protocol >= PROTOCOL_MIN && hello.protocol_min <= PROTOCOL {
        return Ok(());
    }
    Err(Failure::new(
        Code::UpgradeRequired,
        "This version and the server's do not understand each other.",
        "Update the older of both; what was recorded is kept.",
    ))
}

fn request(opened: &Opened, device: DeviceId, name: String, code: Option<String>) -> Result<EnrolInput, Failure> {
    let public_key = STANDARD.encode(opened.secrets.public_key()?);
    Ok(EnrolInput { code, device, name, public_key, forked_from: None, certificate: None })
}

/// Puts the token away first: what the settings say can be asked again, the token cannot.
fn joined(
    opened: &Opened,
    mint: &crate::Mint,
    (device, url): (DeviceId, &str),
    enrolled: Option<&Enrolled>,
) -> Result<(), Failure> {
    if let Some(enrolled) = enrolled {
        opened.store.read(|conn| same_organisation(conn, enrolled))?;
        opened.secrets.set_token(Token { device, bearer: enrolled.token.clone() }, mint)?;
    }
    opened.store.write(Durability::Full, |transaction| {
        settings::set(transaction, settings::SERVER, url)?;
        enrolled.map_or(Ok(()), |enrolled| note(transaction, enrolled))
    })
}

fn same_organisation(conn: &Connection, enrolled: &Enrolled) -> Result<(), Failure> {
    match settings::get(conn, settings::ORGANISATION)? {
        Some(known) if known != enrolled.organisation.to_string() => Err(Failure::new(
            Code::Forbidden,
            "That server belongs to another organisation than the data of this device.",
            "Set up a data directory of its own for it.",
        )),
        _ => Ok(()),
    }
}

fn note(conn: &Connection, enrolled: &Enrolled) -> Result<(), Failure> {
    settings::set(conn, settings::ORGANISATION, &enrolled.organisation.to_string())?;
    settings::set(conn, settings::ORGANISATION_NAME, &enrolled.organisation_name)?;
    settings::set(conn, settings::PERSON, &enrolled.person.to_string())?;
    settings::set(conn, settings::PERSON_NAME, &enrolled.person_name)?;
    certify(conn, enrolled)?;
    // A known history stays: that the server's is another one is found out by the first exchange.
    let known: Option<EpochId> = settings::epoch(conn)?;
    if known.is_none() {
        settings::set(conn, settings::EPOCH, &enrolled.epoch.to_string())?;
    }
    Ok(())
}

/// A server of an older version gives no certificate, and one under another id is of no use.
fn certify(conn: &Connection, enrolled: &Enrolled) -> Result<(), Failure> {
    match &enrolled.certificate {
        Some(certificate) => settings::set(conn, settings::CERTIFICATE, &serde_json::to_string(certificate)?),
        None => settings::unset(conn, settings::CERTIFICATE),
    }
}

/// Signed out by a server whose history is another one: it was restored from before this device joined, and takes the
/// device back by the certificate of then. Says whether it did.
pub(super) async fn come_back(round: &mut Round) -> Result<bool, Failure> {
    let opened = round.opened.clone();
    let kept = blocking(move || opened.store.read(kept_certificate)).await?;
    let Some((certificate, name, known)) = kept else { return Ok(false) };
    let nobody = round.transport.without_token();
    let hello = nobody.hello().await?;
    compatible(&hello)?;
    if known == Some(hello.epoch) {
        return Ok(false);
    }
    // Under the id that it was given with: when a change of id was cut short, or an image with an older one was put back,
    // that is a former id, and the next round goes on from there.
    let device = serde_json::from_str::<Membership>(&certificate.body)?.device;
    let mut input = request(&round.opened, device, name, None)?;
    let proof = round.opened.secrets.sign(&certificate.challenge(hello.epoch, hello.server_time))?;
    input.certificate = Some(Shown { certificate, at: hello.server_time, proof: STANDARD.encode(proof) });
    let enrolled = match nobody.enrol(&input).await {
        Ok(enrolled) => enrolled,
        // It was revoked, or this is another organisation's server, or one that knows no certificates.
        Err(failure) if matches!(failure.code, Code::Forbidden | Code::SignedOut | Code::BadCode) => {
            tracing::warn!(%failure, "the restored server does not take this device back");
            return Ok(false);
        }
        Err(failure) => return Err(failure),
    };
    tracing::warn!(epoch = %hello.epoch, "the restored server took this device back by its certificate");
    let (inner, opened) = (Arc::clone(&round.inner), round.opened.clone());
    blocking(move || {
        opened.store.read(|conn| same_organisation(conn, &enrolled))?;
        opened.secrets.set_token(Token { device, bearer: enrolled.token.clone() }, &inner.mint)?;
        opened.store.write(Durability::Full, |transaction| certify(transaction, &enrolled))
    })
    .await?;
    Ok(true)
}

/// The certificate of this device, its name, and the history it knows.
type Kept = (Certificate, String, Option<EpochId>);

fn kept_certificate(conn: &Connection) -> Result<Option<Kept>, Failure> {
    let Some(text) = settings::get(conn, settings::CERTIFICATE)? else { return Ok(None) };
    let name = settings::get(conn, settings::DEVICE_NAME)?.unwrap_or_default();
    Ok(Some((serde_json::from_str(&text)?, name, settings::epoch(conn)?)))
}

/// The chains parted: asks for a new id, then numbers what waits anew under it.
pub(super) async fn fork(round: &mut Round) -> Result<(), Failure> {
    let old = round.device;
    let opened = round.opened.clone();
    let new = reset::new_device(&round.inner.mint);
    tracing::warn!(%old, %new, "this database is a copy or was restored: it goes on under a new id");
    let store = Arc::clone(&opened.store);
    let name = blocking(move || store.read(|conn| settings::get(conn, settings::DEVICE_NAME))).await?;
    let mut input = request(&opened, new, name.unwrap_or_default(), None)?;
    input.forked_from = Some(old);
    let enrolled = round.transport.enrol(&input).await?;
    let mint = Arc::clone(&round.inner.mint);
    blocking(move || {
        opened.secrets.set_token(Token { device: new, bearer: enrolled.token.clone() }, &mint)?;
        opened.store.write(Durability::Full, |transaction| {
            reset::take_new_device(transaction, new)?;
            certify(transaction, &enrolled)
        })
    })
    .await?;
    round.reopen().await
}
