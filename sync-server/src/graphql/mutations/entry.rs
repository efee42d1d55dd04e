//! The way of every mutation: who asks, whether they asked before, and the change it becomes.
//!
//! The surprise: an idempotency key is not stored. The change's id is derived from the caller and
//! the key, and the change's body carries a digest of the input, so the change itself remembers,
//! for as long as there is history. `at` and what the server read meanwhile may differ between two
//! tries; the digest of the input does not. A request refused before it became a change leaves its
//! key free.

use super::user_errors::UserError;
use crate::{
    app::Principal,
    graphql::api::{
        app,
        fault::{ApiFault, Result},
        reader,
    },
    store::queries::{
        Reader,
        changes::{StoredChange, change_find},
        records::records_by_id,
    },
};
use async_graphql::{Context, MaybeUndefined};
use serde_json::{Value, json};
use std::str::FromStr;
use stillage_core::{
    action::Action,
    change::{Act, Change, ChangeResult, Cut, Digest},
    id::{ChangeId, IdFault, LocationId},
    record::{Record, Ref},
    rejection::Rejection,
    text,
};
use uuid::Uuid;

/// What a mutation is turned into, or why it cannot be.
pub type Asked = Result<Action, Vec<UserError>>;

/// The most characters of an idempotency key.
const MAX_KEY: usize = 200;
/// The field of a change's body that remembers the request; `core` passes it on unread.
const REMEMBERED: &str = "request";

/// A mutation that is being answered.
pub struct Entry<'a> {
    ctx: &'a Context<'a>,
    pub principal: &'a Principal,
    pub reader: Reader,
    pub change: ChangeId,
    /// The input without its key, as it was sent.
    pub input: Value,
    request: Value,
    early: Option<Settled>,
}

/// The end of a mutation.
#[derive(Debug, Clone)]
pub struct Settled {
    /// `None` when it never became a change.
    pub result: Option<ChangeResult>,
    pub errors: Vec<UserError>,
}

impl<'a> Entry<'a> {
    /// Checks the caller and the key, and looks whether this was asked before.
    pub async fn open(ctx: &'a Context<'a>, operation: &str, key: &str) -> Result<Entry<'a>> {
        let principal = Principal::of(ctx)?;
        principal.require_write()?;
        let mut input = given(ctx)?;
        if let Some(fields) = input.as_object_mut() {
            fields.remove("idempotencyKey");
        }
        let canonical = text::canonical(&input);
        let digest = Digest::of(&[operation.as_bytes(), &[0], canonical.as_bytes()]);
        let change = ChangeId::derived(principal.device.0, &format!("api/{key}"));
        let request = json!({ "operation": operation, "digest": digest });
        let mut entry = Self { ctx, principal, reader: reader(ctx)?, change, input, request, early: None };
        entry.early = match key_fault(key) {
            Some(error) => Some(Settled::refused(vec![error])),
            None => entry.stored().await?,
        };
        Ok(entry)
    }

    /// The end that is known without doing anything.
    pub fn early(&mut self) -> Option<Settled> {
        self.early.take()
    }

    /// Sends the action, unless it could not be made.
    pub async fn settle(&self, asked: Asked) -> Result<Settled> {
        let action = match asked {
            Ok(action) => action,
            // What stands in the way may be this very request, arrived twice at once.
            Err(errors) => return Ok(self.stored().await?.unwrap_or(Settled::refused(errors))),
        };
        let app = app(self.ctx)?;
        let act = Act { action, at: app.mint.now(), clock_error: 0, cut: Cut::default(), person: None };
        let result = app.pusher.submit(self.principal, self.written(&act)).await?;
        if result.code.as_deref() == Some("CHANGE_ID_REUSED")
            && let Some(settled) = self.stored().await?
        {
            // The same key arrived twice at once, and the other one was first.
            return Ok(settled);
        }
        Ok(self.settled(result))
    }

    fn settled(&self, result: ChangeResult) -> Settled {
        Settled { errors: UserError::of_result(&result, &self.input), result: Some(result) }
    }

    fn written(&self, act: &Act) -> Change {
        let mut change = Change::write(self.change, act);
        if let Ok(Value::Object(mut body)) = serde_json::from_str(&change.body) {
            body.insert(REMEMBERED.into(), self.request.clone());
            change.body = text::canonical(&Value::Object(body));
        }
        change
    }

    async fn stored(&self) -> Result<Option<Settled>> {
        let Some(StoredChange { body, result }) = change_find(&self.reader, self.change).await? else {
            return Ok(None);
        };
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        if body.get(REMEMBERED) == Some(&self.request) {
            return Ok(Some(self.settled(result)));
        }
        Ok(Some(Settled::refused(vec![UserError::new(
            "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
            "idempotencyKey",
            "This key was used for another request.",
            "Repeat the first request unchanged, or take a new key.",
        )])))
    }

    /// The domain's refusal, foreseen: nothing is stored and the key stays free.
    #[must_use]
    pub fn refuse(&self, rejection: &Rejection) -> UserError {
        UserError::of(rejection, &self.input)
    }

    /// The record of an id as it stands.
    pub async fn record(&self, of: Ref) -> Result<Option<Record>> {
        Ok(records_by_id(&self.reader, &[of]).await?.remove(&of))
    }

    /// Whether the caller may book stock in all of these places.
    pub async fn may_book(&self, locations: &[LocationId]) -> Result<()> {
        let Some(sites) = &self.reader.sites else { return Ok(()) };
        let refs: Vec<Ref> = locations.iter().map(|id| Ref::from(*id)).collect();
        let records = records_by_id(&self.reader, &refs).await?;
        let site = |record: &Record| record.reference("site").map(LocationId);
        let outside = records.values().any(|record| site(record).is_none_or(|site| !sites.contains(&site)));
        if outside {
            return Err(crate::error::ServerError::Forbidden("This token may not book stock in that site.").into());
        }
        Ok(())
    }
}

impl Settled {
    #[must_use]
    pub const fn refused(errors: Vec<UserError>) -> Self {
        Self { result: None, errors }
    }

    /// Whether what was asked for was done, now or the first time.
    #[must_use]
    pub const fn done(&self) -> bool {
        self.errors.is_empty()
    }
}

/// The input argument as it was sent, so that a field left out and a null are told apart.
fn given(ctx: &Context<'_>) -> Result<Value> {
    let arguments = ctx.field().arguments();
    let input = arguments.ok().and_then(|list| list.into_iter().find(|(name, _)| name == "input"));
    let input = input.and_then(|(_, value)| value.into_json().ok());
    input.ok_or_else(|| ApiFault::internal("a mutation came without its input"))
}

fn key_fault(key: &str) -> Option<UserError> {
    let length = key.chars().count();
    let bad = length == 0 || length > MAX_KEY || key.chars().any(char::is_control);
    bad.then(|| {
        UserError::new(
            "IDEMPOTENCY_KEY_INVALID",
            "idempotencyKey",
            format!("A key has 1 to {MAX_KEY} characters, none of them control characters; this one has {length}."),
            "Make a new random key for each thing you want done, and repeat it only with the same input.",
        )
    })
}

/// An id of the input, of the kind that belongs there.
pub fn id_of<T: FromStr<Err = IdFault>>(field: &str, id: &str) -> Result<T, Vec<UserError>> {
    id.parse().map_err(|fault: IdFault| {
        vec![UserError::new("INVALID_ID", field, format!("{fault}."), "Use an id that this API gave you.")]
    })
}

/// The same where it may be left out.
pub fn optional_id<T: FromStr<Err = IdFault>>(
    field: &str,
    id: Option<&async_graphql::ID>,
) -> Result<Option<T>, Vec<UserError>> {
    id.map(|id| id_of(field, id)).transpose()
}

/// The id of something new: the caller's, or one that follows from the key.
pub fn new_id<T: FromStr<Err = IdFault> + From<Uuid>>(
    change: ChangeId,
    id: Option<&async_graphql::ID>,
) -> Result<T, Vec<UserError>> {
    match id {
        Some(id) => id_of("id", id),
        None => Ok(T::from(stillage_core::id::derived(change.0, "record"))),
    }
}

/// An expectation: a value, or an explicit null for none. Leaving it out is an error, because a
/// caller who forgot it would overwrite what they never saw.
pub fn expectation<T>(code: &str, field: &str, given: MaybeUndefined<T>) -> Result<Option<T>, Vec<UserError>> {
    match given {
        MaybeUndefined::Value(value) => Ok(Some(value)),
        MaybeUndefined::Null => Ok(None),
        MaybeUndefined::Undefined => Err(vec![UserError::new(
            code,
            field,
            format!("{field} is missing."),
            "Send what you saw, or an explicit null to overwrite whatever stands there.",
        )]),
    }
}
