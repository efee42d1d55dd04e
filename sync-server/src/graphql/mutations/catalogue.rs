//! Locations are made and edited; barcodes, categories and reasons are made.

use super::{
    entry::{Asked, Entry, id_of, new_id},
    inputs::{Direction, NegativeStock, NewLocationRole, Patch, direction_value, id_value, negative_value},
    items::{create, expected, save, standing},
    payloads::{BarcodePayload, CategoryPayload, LocationPayload, ReasonPayload},
    user_errors::UserError,
};
use crate::graphql::api::{
    fault::Result,
    scalars::{Quantity, Seq},
};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use serde_json::json;
use stillage_core::{
    id::{BarcodeId, CategoryId, LocationId, ReasonId},
    record::Ref,
};

#[derive(Debug, Clone, InputObject)]
pub struct LocationCreateInput {
    /// 1 to 200 characters; the same key with the same input is done once.
    pub idempotency_key: String,
    /// The id it shall have, `loc_` and a UUID; made by the server when left out.
    pub id: Option<ID>,
    pub code: String,
    pub name: Option<String>,
    /// A site stands at the root; everything else is in something.
    #[graphql(default_with = "NewLocationRole::Storage")]
    pub role: NewLocationRole,
    /// What it is in; left out for a site.
    pub parent_id: Option<ID>,
    pub negative_stock: Option<NegativeStock>,
}

/// What is left out stays; an explicit null clears.
#[derive(Debug, Clone, InputObject)]
pub struct LocationUpdateInput {
    pub idempotency_key: String,
    pub id: ID,
    /// The version you saw. An explicit null overwrites whatever stands; leaving it out is an error.
    pub expected_version: MaybeUndefined<Seq>,
    pub code: MaybeUndefined<String>,
    pub name: MaybeUndefined<String>,
    /// Within its site.
    pub parent_id: MaybeUndefined<ID>,
    pub negative_stock: MaybeUndefined<NegativeStock>,
}

#[derive(Debug, Clone, InputObject)]
pub struct BarcodeCreateInput {
    pub idempotency_key: String,
    /// The id it shall have, `bar_` and a UUID; made by the server when left out.
    pub id: Option<ID>,
    pub item_id: ID,
    pub code: String,
    /// What one scan stands for; the base unit when left out.
    pub unit: Option<String>,
    /// Base units of one scan; 1 when left out.
    pub units_per_scan: Option<Quantity>,
}

#[derive(Debug, Clone, InputObject)]
pub struct CategoryCreateInput {
    pub idempotency_key: String,
    /// The id it shall have, `cat_` and a UUID; made by the server when left out.
    pub id: Option<ID>,
    pub name: String,
    pub parent_id: Option<ID>,
}

#[derive(Debug, Clone, InputObject)]
pub struct ReasonCreateInput {
    pub idempotency_key: String,
    /// The id it shall have, `rsn_` and a UUID; made by the server when left out.
    pub id: Option<ID>,
    pub code: String,
    pub name: Option<String>,
    #[graphql(default_with = "Direction::Both")]
    pub direction: Direction,
    #[graphql(default = false)]
    pub note_required: bool,
}

#[derive(Debug, Default)]
pub struct CatalogueMutation;

#[Object]
impl CatalogueMutation {
    async fn location_create(&self, ctx: &Context<'_>, input: LocationCreateInput) -> Result<LocationPayload> {
        let mut entry = Entry::open(ctx, "locationCreate", &input.idempotency_key).await?;
        let id = new_id::<LocationId>(entry.change, input.id.as_ref());
        let role = match input.role {
            NewLocationRole::Site => "site",
            NewLocationRole::Storage => "storage",
        };
        let patch = Patch::new(None)
            .set("code", json!(input.code))
            .maybe("name", input.name, |text| json!(text))
            .set("role", json!(role))
            .maybe("parent", input.parent_id, id_value)
            .maybe("negative", input.negative_stock, negative_value);
        let (settled, of) = settle_new(&mut entry, id, patch).await?;
        LocationPayload::of(&entry, settled, of).await
    }

    async fn location_update(&self, ctx: &Context<'_>, input: LocationUpdateInput) -> Result<LocationPayload> {
        let mut entry = Entry::open(ctx, "locationUpdate", &input.idempotency_key).await?;
        let id = id_of::<LocationId>("id", &input.id);
        let of = id.as_ref().ok().map(|id| Ref::from(*id));
        let settled = match entry.early() {
            Some(settled) => settled,
            None => {
                let asked = match id {
                    Ok(id) => update_location(&entry, id.into(), input).await?,
                    Err(errors) => Err(errors),
                };
                entry.settle(asked).await?
            }
        };
        LocationPayload::of(&entry, settled, of).await
    }

    async fn barcode_create(&self, ctx: &Context<'_>, input: BarcodeCreateInput) -> Result<BarcodePayload> {
        let mut entry = Entry::open(ctx, "barcodeCreate", &input.idempotency_key).await?;
        let id = new_id::<BarcodeId>(entry.change, input.id.as_ref());
        let patch = Patch::new(None)
            .set("item", id_value(input.item_id))
            .set("code", json!(input.code))
            .maybe("unit", input.unit, |text| json!(text))
            .maybe("units_per_scan", input.units_per_scan, |quantity| json!(quantity.0));
        let (settled, of) = settle_new(&mut entry, id, patch).await?;
        BarcodePayload::of(&entry, settled, of).await
    }

    async fn category_create(&self, ctx: &Context<'_>, input: CategoryCreateInput) -> Result<CategoryPayload> {
        let mut entry = Entry::open(ctx, "categoryCreate", &input.idempotency_key).await?;
        let id = new_id::<CategoryId>(entry.change, input.id.as_ref());
        let patch = Patch::new(None).set("name", json!(input.name)).maybe("parent", input.parent_id, id_value);
        let (settled, of) = settle_new(&mut entry, id, patch).await?;
        CategoryPayload::of(&entry, settled, of).await
    }

    async fn reason_create(&self, ctx: &Context<'_>, input: ReasonCreateInput) -> Result<ReasonPayload> {
        let mut entry = Entry::open(ctx, "reasonCreate", &input.idempotency_key).await?;
        let id = new_id::<ReasonId>(entry.change, input.id.as_ref());
        let patch = Patch::new(None)
            .set("code", json!(input.code))
            .maybe("name", input.name, |text| json!(text))
            .set("direction", direction_value(input.direction))
            .set("note_required", json!(input.note_required));
        let (settled, of) = settle_new(&mut entry, id, patch).await?;
        ReasonPayload::of(&entry, settled, of).await
    }
}

/// The end of a mutation that makes a record, and the record if it was made.
pub async fn settle_new<T: Into<Ref> + Copy>(
    entry: &mut Entry<'_>,
    id: Result<T, Vec<UserError>>,
    patch: Patch<'_>,
) -> Result<(super::entry::Settled, Option<Ref>)> {
    let of = id.as_ref().ok().map(|id| (*id).into());
    let settled = match entry.early() {
        Some(settled) => settled,
        None => {
            let asked = match id {
                Ok(id) => create(entry, id.into(), patch).await?,
                Err(errors) => Err(errors),
            };
            entry.settle(asked).await?
        }
    };
    let of = of.filter(|_| settled.done());
    Ok((settled, of))
}

async fn update_location(entry: &Entry<'_>, of: Ref, input: LocationUpdateInput) -> Result<Asked> {
    let expected = match expected(input.expected_version) {
        Ok(expected) => expected,
        Err(errors) => return Ok(Err(errors)),
    };
    let record = match standing(entry, of, expected).await? {
        Ok(record) => record,
        Err(errors) => return Ok(Err(errors)),
    };
    let patch = Patch::new(Some(&record.fields))
        .edit("code", input.code, |text| json!(text))
        .edit("name", input.name, |text| json!(text))
        .edit("parent", input.parent_id, id_value)
        .edit("negative", input.negative_stock, negative_value);
    Ok(save(&record, expected, patch))
}
