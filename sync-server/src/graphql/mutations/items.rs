//! Items are made, edited and put away.

use super::{
    catalogue::settle_new,
    entry::{Asked, Entry, expectation, id_of, new_id},
    inputs::{PackInput, Patch, Tracking, id_value, packs_value, too_long, tracking_value},
    payloads::ItemPayload,
    user_errors::UserError,
};
use crate::graphql::api::{
    fault::Result,
    scalars::{Quantity, Seq},
};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use serde_json::json;
use stillage_core::{
    action::{Archive, Save},
    id::ItemId,
    record::{Record, Ref},
    rejection::Rejection,
};

#[derive(Debug, Clone, InputObject)]
pub struct ItemCreateInput {
    /// 1 to 200 characters; the same key with the same input is done once.
    pub idempotency_key: String,
    /// The id it shall have, `item_` and a UUID; made by the server when left out.
    pub id: Option<ID>,
    pub sku: String,
    pub name: Option<String>,
    pub description: Option<String>,
    /// What it is counted in; EA when left out. Fixed afterwards.
    pub base_unit: Option<String>,
    /// Decimal places people see and may type, 0 to 6.
    pub display_scale: Option<i32>,
    pub packs: Option<Vec<PackInput>>,
    /// Fixed afterwards.
    pub tracking: Option<Tracking>,
    pub category_id: Option<ID>,
    pub supplier_id: Option<ID>,
    pub minimum: Option<Quantity>,
    pub reorder_point: Option<Quantity>,
    pub aliases: Option<Vec<String>>,
}

/// What is left out stays; an explicit null clears.
#[derive(Debug, Clone, InputObject)]
pub struct ItemUpdateInput {
    pub idempotency_key: String,
    pub id: ID,
    /// The version you saw. An explicit null overwrites whatever stands; leaving it out is an error.
    pub expected_version: MaybeUndefined<Seq>,
    pub sku: MaybeUndefined<String>,
    pub name: MaybeUndefined<String>,
    pub description: MaybeUndefined<String>,
    pub display_scale: MaybeUndefined<i32>,
    pub packs: MaybeUndefined<Vec<PackInput>>,
    pub category_id: MaybeUndefined<ID>,
    pub supplier_id: MaybeUndefined<ID>,
    pub minimum: MaybeUndefined<Quantity>,
    pub reorder_point: MaybeUndefined<Quantity>,
    pub aliases: MaybeUndefined<Vec<String>>,
}

#[derive(Debug, Clone, InputObject)]
pub struct ItemArchiveInput {
    pub idempotency_key: String,
    pub id: ID,
    /// The version you saw. An explicit null does it whatever stands; leaving it out is an error.
    pub expected_version: MaybeUndefined<Seq>,
    /// False brings it back.
    #[graphql(default = true)]
    pub archived: bool,
}

#[derive(Debug, Default)]
pub struct ItemMutation;

#[Object]
impl ItemMutation {
    async fn item_create(&self, ctx: &Context<'_>, input: ItemCreateInput) -> Result<ItemPayload> {
        let mut entry = Entry::open(ctx, "itemCreate", &input.idempotency_key).await?;
        let id = new_id::<ItemId>(entry.change, input.id.as_ref());
        let (settled, of) = settle_new(&mut entry, id, created(input)).await?;
        ItemPayload::of(&entry, settled, of).await
    }

    async fn item_update(&self, ctx: &Context<'_>, input: ItemUpdateInput) -> Result<ItemPayload> {
        let mut entry = Entry::open(ctx, "itemUpdate", &input.idempotency_key).await?;
        let id = id_of::<ItemId>("id", &input.id);
        let of = id.as_ref().ok().map(|id| Ref::from(*id));
        let settled = match entry.early() {
            Some(settled) => settled,
            None => {
                let asked = match id {
                    Ok(id) => update(&entry, id.into(), input).await?,
                    Err(errors) => Err(errors),
                };
                entry.settle(asked).await?
            }
        };
        ItemPayload::of(&entry, settled, of).await
    }

    async fn item_archive(&self, ctx: &Context<'_>, input: ItemArchiveInput) -> Result<ItemPayload> {
        let mut entry = Entry::open(ctx, "itemArchive", &input.idempotency_key).await?;
        let id = id_of::<ItemId>("id", &input.id);
        let of = id.as_ref().ok().map(|id| Ref::from(*id));
        let settled = match entry.early() {
            Some(settled) => settled,
            None => {
                let asked = match (of, expected(input.expected_version)) {
                    (Some(of), Ok(expected)) => archive(&entry, of, expected, input.archived).await?,
                    (None, _) => Err(id.err().unwrap_or_default()),
                    (_, Err(errors)) => Err(errors),
                };
                entry.settle(asked).await?
            }
        };
        ItemPayload::of(&entry, settled, of).await
    }
}

/// The version a caller saw.
pub fn expected(given: MaybeUndefined<Seq>) -> Result<Option<u64>, Vec<UserError>> {
    Ok(expectation("EXPECTED_VERSION_REQUIRED", "expectedVersion", given)?.map(|seq| seq.0))
}

/// A new record, unless its id is in use.
pub async fn create(entry: &Entry<'_>, record: Ref, patch: Patch<'_>) -> Result<Asked> {
    let patch = match patch.done() {
        Ok(patch) => patch,
        Err(errors) => return Ok(Err(errors)),
    };
    if entry.record(record).await?.is_some() {
        let text = format!("{record} is in use.");
        return Ok(Err(vec![UserError::new("ID_TAKEN", "id", text, "Take a new id, or leave it out.")]));
    }
    Ok(Ok(Save { record, create: true, base_version: 0, expected_version: None, patch }.into()))
}

/// The record to edit at the version the caller saw, or why it cannot be edited.
pub async fn standing(
    entry: &Entry<'_>,
    subject: Ref,
    expected: Option<u64>,
) -> Result<Result<Record, Vec<UserError>>> {
    let Some(record) = entry.record(subject).await? else {
        return Ok(Err(vec![entry.refuse(&Rejection::NotFound { subject })]));
    };
    match expected.filter(|expected| *expected != record.version) {
        Some(expected) => {
            let conflict = Rejection::VersionConflict { subject, expected, current: record.version };
            Ok(Err(vec![entry.refuse(&conflict)]))
        }
        None => Ok(Ok(record)),
    }
}

/// The patch of a record as it stands, sealed with what the caller saw.
pub fn save(record: &Record, expected_version: Option<u64>, patch: Patch<'_>) -> Asked {
    let patch = patch.done()?;
    let base_version = record.version;
    Ok(Save { record: record.of, create: false, base_version, expected_version, patch }.into())
}

/// A record is put away or brought back.
pub async fn archive(entry: &Entry<'_>, of: Ref, expected_version: Option<u64>, archived: bool) -> Result<Asked> {
    let standing = standing(entry, of, expected_version).await?;
    Ok(standing.map(|record| Archive { record: record.of, archived, expected_version }.into()))
}

fn created(input: ItemCreateInput) -> Patch<'static> {
    Patch::new(None)
        .check(too_long("packs", input.packs.as_ref()))
        .check(too_long("aliases", input.aliases.as_ref()))
        .set("sku", json!(input.sku))
        .maybe("name", input.name, |text| json!(text))
        .maybe("description", input.description, |text| json!(text))
        .set("base_unit", json!(input.base_unit.unwrap_or_else(|| "EA".into())))
        .set("display_scale", json!(input.display_scale.unwrap_or(0)))
        .maybe("packs", input.packs, packs_value)
        .set("tracking", tracking_value(input.tracking.unwrap_or(Tracking::None)))
        .maybe("category", input.category_id, id_value)
        .maybe("supplier", input.supplier_id, id_value)
        .maybe("min", input.minimum, |quantity| json!(quantity.0))
        .maybe("reorder_point", input.reorder_point, |quantity| json!(quantity.0))
        .maybe("aliases", input.aliases, |list| json!(list))
}

async fn update(entry: &Entry<'_>, of: Ref, input: ItemUpdateInput) -> Result<Asked> {
    let expected = match expected(input.expected_version) {
        Ok(expected) => expected,
        Err(errors) => return Ok(Err(errors)),
    };
    let record = match standing(entry, of, expected).await? {
        Ok(record) => record,
        Err(errors) => return Ok(Err(errors)),
    };
    let patch = Patch::new(Some(&record.fields))
        .check(too_long("packs", input.packs.value()))
        .check(too_long("aliases", input.aliases.value()))
        .edit("sku", input.sku, |text| json!(text))
        .edit("name", input.name, |text| json!(text))
        .edit("description", input.description, |text| json!(text))
        .edit("display_scale", input.display_scale, |scale| json!(scale))
        .edit("packs", input.packs, packs_value)
        .edit("category", input.category_id, id_value)
        .edit("supplier", input.supplier_id, id_value)
        .edit("min", input.minimum, |quantity| json!(quantity.0))
        .edit("reorder_point", input.reorder_point, |quantity| json!(quantity.0))
        .edit("aliases", input.aliases, |list| json!(list));
    Ok(save(&record, expected, patch))
}
