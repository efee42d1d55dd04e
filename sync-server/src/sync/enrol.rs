//! How a device, or a program, comes to be known: one-time codes, tokens, and new ids for devices
//! that were found to be copies. Codes and tokens are kept as hashes only.

use crate::{
    app::{App, Principal, PrincipalKind},
    error::ServerError,
    store::{
        Tx,
        devices::{self, Invitation, NewCode, NewDevice},
        log::Heads,
        organisation::{self, OwnWrite, new_record},
    },
};
use serde_json::json;
use std::time::Duration;
use stillage_core::{
    certificate::{Certificate, Membership},
    id::{ChangeId, DeviceId, LocationId, PersonId},
    record::{Fields, Record},
    text,
    wire::{EnrolInput, Enrolled},
};

/// How long a code may wait for its device.
const CODE_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What codes and tokens are kept as.
#[must_use]
pub fn secret_hash(secret: &str) -> Vec<u8> {
    blake3::hash(secret.as_bytes()).as_bytes().to_vec()
}

/// Codes are read aloud and typed: case, spaces and dashes do not matter.
fn code_hash(code: &str) -> Vec<u8> {
    let letters: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    secret_hash(&letters)
}

/// Makes a device known: by a code, as the new id of a device that forked, or by the certificate that it was given
/// before this server lost it.
pub async fn enrol(app: &App, principal: Option<&Principal>, input: EnrolInput) -> Result<Enrolled, ServerError> {
    let name = text::required(&input.name, 200)
        .map_err(|_| ServerError::BadInput("The device's name is empty or too long.".into()))?;
    let token = mint_secret(app.mint.token())?;
    let mut tx = app.store.locked(app.org, true).await?;
    let (invitation, mut heads) = invited(app, &mut tx, principal, &input).await?;
    let (Invitation { person, sites }, before) = invitation;
    let new = NewDevice {
        device: input.device,
        person,
        name: before.as_ref().map_or(name, |known| known.name.clone()),
        kind: PrincipalKind::Desktop,
        may_write: true,
        sites,
        public_key: Some(input.public_key),
        token_hash: secret_hash(&token),
        forked_from: before.as_ref().map_or(input.forked_from, |known| known.forked_from),
        created_at: app.mint.now(),
        returned: before.is_some(),
    };
    if devices::insert(&mut tx, &new).await? {
        heads.extend(write_device(app, &mut tx, &new).await?);
    } else if !devices::renew_token(&mut tx, &new).await? {
        return Err(ServerError::Forbidden("The device's id is taken or was revoked; it needs a new one."));
    }
    let person_name = organisation::person_name(&mut tx, person).await?;
    let certificate = Some(certified(app, &mut tx, (&new, &person_name)).await?);
    tx.commit().await?;
    app.pokes.tell(&heads);
    let (organisation, organisation_name, epoch) = (app.org, app.org_name.to_string(), app.epoch);
    Ok(Enrolled { token, organisation, organisation_name, person, person_name, epoch, certificate })
}

/// What the device is from now on, for the day on which this server has lost it.
async fn certified(app: &App, tx: &mut Tx, (new, person_name): (&NewDevice, &str)) -> Result<Certificate, ServerError> {
    // A device that enrolled again holds what it held before.
    let sites = devices::by_id(tx, new.device).await?.map_or_else(|| new.sites.clone(), |principal| principal.sites);
    Ok(app.seal.certify(&Membership {
        organisation: app.org,
        device: new.device,
        name: new.name.clone(),
        public_key: new.public_key.clone().unwrap_or_default(),
        person: new.person,
        person_name: person_name.to_owned(),
        sites,
        forked_from: new.forked_from,
        issued_at: new.created_at,
    }))
}

/// What grants the device its place, and what it was before if it comes back.
type Invited = (Invitation, Option<Membership>);

async fn invited(
    app: &App,
    tx: &mut Tx,
    principal: Option<&Principal>,
    input: &EnrolInput,
) -> Result<(Invited, Heads), ServerError> {
    let invitation = match (&input.code, input.forked_from, &input.certificate) {
        (Some(code), ..) => {
            devices::take_code(tx, &code_hash(code), app.mint.now()).await?.ok_or(ServerError::CodeInvalid)?
        }
        (None, Some(before), _) => {
            let known = principal.filter(|p| p.device == before && p.kind == PrincipalKind::Desktop);
            let known = known.ok_or(ServerError::SignedOut)?;
            Invitation { person: known.person, sites: known.sites.clone() }
        }
        (None, None, Some(shown)) => {
            let known = app.seal.verified(shown, input, (app.org, app.epoch, app.mint.now()))?;
            let heads = brought_back(app, tx, &known).await?;
            let invitation = Invitation { person: known.person, sites: known.sites.clone() };
            return Ok(((invitation, Some(known)), heads));
        }
        (None, None, None) => return Err(ServerError::CodeInvalid),
    };
    Ok(((invitation, None), Heads::new()))
}

/// The person of a certificate may have been lost too.
async fn brought_back(app: &App, tx: &mut Tx, known: &Membership) -> Result<Heads, ServerError> {
    if !organisation::person_name(tx, known.person).await?.is_empty() {
        return Ok(Heads::new());
    }
    let record = new_record(known.person.into(), Fields::from([("name".to_owned(), json!(known.person_name))]));
    own_write(app, tx, "person.add", (DeviceId(app.org.0), vec![record])).await
}

fn mint_secret(minted: Result<String, getrandom::Error>) -> Result<String, ServerError> {
    minted.map_err(|fault| ServerError::Internal(anyhow::anyhow!("no randomness: {fault}")))
}

async fn write_device(app: &App, tx: &mut Tx, new: &NewDevice) -> Result<Heads, ServerError> {
    let fields = [("name", json!(new.name)), ("person", json!(new.person))];
    let fields: Fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let record = new_record(new.device.into(), fields);
    own_write(app, tx, "device.enrol", (new.device, vec![record])).await
}

async fn own_write(
    app: &App,
    tx: &mut Tx,
    kind: &'static str,
    (device, records): (DeviceId, Vec<Record>),
) -> Result<Heads, ServerError> {
    let own = OwnWrite { change: ChangeId(app.mint.uuid()), kind, device, at: app.mint.now(), records };
    Ok(organisation::write_own(tx, own).await?)
}

/// The person of that name; a new one if nobody has it.
async fn person(app: &App, tx: &mut Tx, name: &str) -> Result<(PersonId, Heads), ServerError> {
    let name = text::required(name, 200)
        .map_err(|_| ServerError::BadInput("The person's name is empty or too long.".into()))?;
    if let Some(known) = organisation::person_named(tx, &name).await? {
        return Ok((known, Heads::new()));
    }
    let person = PersonId(app.mint.uuid());
    let record = new_record(person.into(), Fields::from([("name".to_owned(), json!(name))]));
    let heads = own_write(app, tx, "person.add", (DeviceId(app.org.0), vec![record])).await?;
    Ok((person, heads))
}

/// Sites by code or id; none named is every site.
async fn sites(tx: &mut Tx, named: &[String]) -> Result<Option<Vec<LocationId>>, ServerError> {
    let mut sites = Vec::new();
    for name in named {
        let site = organisation::site_named(tx, name).await?;
        sites.push(site.ok_or_else(|| ServerError::BadInput(format!("There is no site {name:?}.")))?);
    }
    Ok((!sites.is_empty()).then_some(sites))
}

/// A code for one device of one person. It is shown once.
#[derive(Debug)]
pub struct Code {
    pub code: String,
    pub person: PersonId,
    pub expires_at: i64,
}

pub async fn device_code(app: &App, name: &str, owner: &str, named: &[String]) -> Result<Code, ServerError> {
    let code = mint_secret(app.mint.code())?;
    let mut tx = app.store.locked(app.org, true).await?;
    let (person, heads) = person(app, &mut tx, owner).await?;
    let created_at = app.mint.now();
    let expires_at = created_at + i64::try_from(CODE_LIFE.as_micros()).unwrap_or(i64::MAX);
    let sites = sites(&mut tx, named).await?;
    let new = NewCode { hash: code_hash(&code), name: name.to_owned(), person, sites, created_at, expires_at };
    devices::insert_code(&mut tx, &new).await?;
    tx.commit().await?;
    app.pokes.tell(&heads);
    Ok(Code { code, person, expires_at })
}

/// A program and its bearer token. It is shown once.
#[derive(Debug)]
pub struct Token {
    pub token: String,
    pub device: DeviceId,
    pub person: PersonId,
}

pub async fn token(app: &App, name: &str, may_write: bool) -> Result<Token, ServerError> {
    let token = mint_secret(app.mint.token())?;
    let device = DeviceId(app.mint.uuid());
    let mut tx = app.store.locked(app.org, true).await?;
    let (person, mut heads) = person(app, &mut tx, name).await?;
    let new = NewDevice {
        device,
        person,
        name: name.to_owned(),
        kind: PrincipalKind::Api,
        may_write,
        sites: None,
        public_key: None,
        token_hash: secret_hash(&token),
        forked_from: None,
        created_at: app.mint.now(),
        returned: false,
    };
    devices::insert(&mut tx, &new).await?;
    heads.extend(write_device(app, &mut tx, &new).await?);
    tx.commit().await?;
    app.pokes.tell(&heads);
    Ok(Token { token, device, person })
}

/// Lets a device hold more sites; none named is every site.
pub async fn grant(app: &App, device: DeviceId, named: &[String]) -> Result<bool, ServerError> {
    let mut tx = app.store.write(app.org).await?;
    let sites = sites(&mut tx, named).await?;
    let known = devices::set_every_site(&mut tx, device, sites.is_none()).await?;
    if let Some(sites) = sites.filter(|_| known) {
        devices::grant(&mut tx, device, &sites.iter().map(|site| site.0).collect::<Vec<_>>()).await?;
    }
    tx.commit().await?;
    Ok(known)
}

/// Takes a device's rights. What it sends from now on is refused.
pub async fn revoke(app: &App, device: DeviceId) -> Result<bool, ServerError> {
    let mut tx = app.store.write(app.org).await?;
    let known = devices::revoke(&mut tx, device, app.mint.now()).await?;
    tx.commit().await?;
    Ok(known)
}

/// Agrees that a device which came back by its certificate may stay as it is.
pub async fn adopt(app: &App, device: DeviceId) -> Result<bool, ServerError> {
    let mut tx = app.store.write(app.org).await?;
    let came_back = devices::adopt(&mut tx, device, app.mint.now()).await?;
    tx.commit().await?;
    Ok(came_back)
}
