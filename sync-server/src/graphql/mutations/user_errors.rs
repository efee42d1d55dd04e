//! What the business refuses: data in the payload, with HTTP 200. Each has a code of the one list
//! (docs/errors.md), the field it is about, a sentence and the next step.

use async_graphql::{Json, SimpleObject};
use serde_json::{Value, json};
use stillage_core::{
    change::{ChangeResult, Outcome},
    record::Kind,
    rejection::Rejection,
};

/// Why a mutation did not do what was asked.
#[derive(Debug, Clone, SimpleObject)]
pub struct UserError {
    /// Stable; see the list of codes.
    pub code: String,
    /// The way to the input field it is about; empty for the whole input.
    pub field: Vec<String>,
    pub message: String,
    pub next_step: String,
    /// What the code comes with.
    pub details: Option<Json<Value>>,
}

impl UserError {
    /// One of the API's own, about a field of the input.
    #[must_use]
    pub fn new(code: &str, field: &str, message: impl Into<String>, next_step: &str) -> Self {
        let field = path(field);
        Self { code: code.into(), field, message: message.into(), next_step: next_step.into(), details: None }
    }

    /// The domain's, in the words of the input it came from.
    #[must_use]
    pub fn of(rejection: &Rejection, input: &Value) -> Self {
        let (message, next_step) = rejection.explain();
        let details = rejection.details();
        Self {
            code: rejection.code(),
            field: field_of(rejection, input),
            message,
            next_step: next_step.into(),
            details: details.as_object().is_some_and(|map| !map.is_empty()).then_some(Json(details)),
        }
    }

    /// The errors that a change's end amounts to.
    #[must_use]
    pub fn of_result(result: &ChangeResult, input: &Value) -> Vec<Self> {
        if matches!(result.outcome, Outcome::Applied | Outcome::Merged) {
            return Vec::new();
        }
        let mut tagged = result.details.clone();
        if !tagged.is_object() {
            tagged = json!({});
        }
        tagged["code"] = json!(result.code);
        vec![serde_json::from_value::<Rejection>(tagged).map_or_else(
            |_| Self {
                code: result.code.clone().unwrap_or_else(|| "INTERNAL".into()),
                field: Vec::new(),
                message: "The server could not decide this; it is kept for an admin.".into(),
                next_step: "Look at the inbox; nothing is lost.".into(),
                details: Some(Json(result.details.clone())),
            },
            |rejection| Self::of(&rejection, input),
        )]
    }
}

fn path(field: &str) -> Vec<String> {
    let inside = field.split('.').filter(|part| !part.is_empty()).map(str::to_owned);
    if field.is_empty() { Vec::new() } else { std::iter::once("input".to_owned()).chain(inside).collect() }
}

fn field_of(rejection: &Rejection, input: &Value) -> Vec<String> {
    use Rejection as R;
    match rejection {
        R::Field { kind, field, .. } => path(input_name(*kind, field)),
        R::KeyTaken { kind: Kind::Item, .. } => path("sku"),
        R::KeyTaken { .. } => path("code"),
        R::VersionConflict { .. } => path("expectedVersion"),
        R::OnHandConflict { .. } => path("expectedOnHand"),
        R::QuantityOutOfRange | R::QuantityTooPrecise { .. } | R::NotEnoughStock { .. } | R::Overflow => {
            let named = ["quantity", "delta", "setTo", "counted"];
            path(named.into_iter().find(|name| input.get(name).is_some_and(|v| !v.is_null())).unwrap_or(""))
        }
        R::LotRequired { .. } | R::LotNotKept { .. } | R::SerialRequired { .. } | R::SerialIsOne { .. } => path("lot"),
        R::ReasonRequired | R::ReasonDirection => path("reasonId"),
        R::NoteRequired => path("note"),
        R::SameCell => path("toLocationId"),
        R::TreeLoop { .. } | R::OtherSite { .. } => path("parentId"),
        R::AnswerNotOffered { .. } => path("answer"),
        R::MovementNotFound { movement } | R::AlreadyReversed { movement, .. } | R::NotReversible { movement } => {
            naming(input, &movement.to_string())
        }
        R::LocationNotStorable { location } => naming(input, &location.to_string()),
        R::NotFound { subject }
        | R::Archived { subject }
        | R::NotEditable { subject }
        | R::NotEmpty { subject }
        | R::AlreadyResolved { subject } => naming(input, &subject.to_string()),
        R::DependsOnRejected { .. } | R::UnknownAction { .. } | R::Malformed { .. } => Vec::new(),
    }
}

/// The field of the input that holds this id.
fn naming(input: &Value, id: &str) -> Vec<String> {
    let fields = input.as_object().into_iter().flatten();
    let mut named = fields.filter(|(_, value)| value.as_str() == Some(id));
    named.next().map(|(name, _)| path(name)).unwrap_or_default()
}

/// What a record's field is called in the input.
fn input_name(kind: Kind, field: &str) -> &str {
    match (kind, field) {
        (Kind::Lot, "code") => "lot.code",
        (Kind::Lot, "expiry") => "lot.expiry",
        (_, "min") => "minimum",
        (_, "base_unit") => "baseUnit",
        (_, "display_scale") => "displayScale",
        (_, "reorder_point") => "reorderPoint",
        (_, "units_per_scan") => "unitsPerScan",
        (_, "note_required") => "noteRequired",
        (_, "unit_cost") => "unitCost",
        (_, "negative") => "negativeStock",
        (_, "category") => "categoryId",
        (_, "supplier") => "supplierId",
        (_, "parent") => "parentId",
        (_, "item") => "itemId",
        _ => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stillage_core::{id::ItemId, quantity::Quantity, rejection::FieldProblem};

    #[test]
    fn a_missing_record_points_at_the_field_that_named_it() {
        let id = ItemId::derived(uuid::Uuid::nil(), "x");
        let input = json!({ "itemId": id.to_string(), "quantity": "1" });
        let error = UserError::of(&Rejection::NotFound { subject: id.into() }, &input);
        assert_eq!((error.code.as_str(), error.field.join(".")), ("NOT_FOUND", "input.itemId".into()));
    }

    #[test]
    fn a_stored_rejection_is_explained_as_the_first_time() {
        let rejection =
            Rejection::Field { kind: Kind::Item, field: "min".into(), problem: FieldProblem::TooLong { max: 3 } };
        let result = ChangeResult {
            id: stillage_core::id::ChangeId(uuid::Uuid::nil()),
            seq: 1,
            outcome: Outcome::Rejected,
            duplicate: true,
            code: Some(rejection.code()),
            details: rejection.details(),
        };
        let again = &UserError::of_result(&result, &json!({}))[0];
        assert_eq!(again.message, UserError::of(&rejection, &json!({})).message);
        assert_eq!(again.field, ["input", "minimum"]);
    }

    #[test]
    fn a_quantity_error_points_at_the_field_that_was_used() {
        let conflict = Rejection::OnHandConflict { expected: Quantity::ZERO, current: Quantity::whole(1) };
        assert_eq!(UserError::of(&conflict, &json!({})).field, ["input", "expectedOnHand"]);
        let input = json!({ "delta": "0" });
        assert_eq!(UserError::of(&Rejection::QuantityOutOfRange, &input).field, ["input", "delta"]);
    }
}
