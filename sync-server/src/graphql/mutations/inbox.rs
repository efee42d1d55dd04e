//! Inbox rows are answered.

use super::{
    entry::{Entry, id_of},
    payloads::InboxPayload,
};
use crate::graphql::api::{
    fault::Result,
    inbox::{InboxAnswer, InboxRow},
};
use async_graphql::{Context, ID, InputObject, Json, Object};
use serde_json::Value;
use stillage_core::{action::Resolve, id::InboxId, record::Ref, rejection::Rejection};

#[derive(Debug, Clone, InputObject)]
pub struct InboxResolveInput {
    /// 1 to 200 characters; the same key with the same input is done once.
    pub idempotency_key: String,
    pub id: ID,
    /// One of those the row offers.
    pub answer: InboxAnswer,
    /// What shall stand instead, for VALUE.
    pub value: Option<Json<Value>>,
}

#[derive(Debug, Default)]
pub struct InboxMutation;

#[Object]
impl InboxMutation {
    async fn inbox_resolve(&self, ctx: &Context<'_>, input: InboxResolveInput) -> Result<InboxPayload> {
        let mut entry = Entry::open(ctx, "inboxResolve", &input.idempotency_key).await?;
        let id = id_of::<InboxId>("id", &input.id);
        let mut of = id.as_ref().ok().map(|id| Ref::from(*id));
        if let Some(subject) = of
            && !entry.record(subject).await?.is_some_and(|row| InboxRow::is_for(&row, entry.principal.person))
        {
            of = None;
        }
        let settled = match entry.early() {
            Some(settled) => settled,
            None => {
                let asked = match (id, of) {
                    (Ok(inbox), Some(_)) => {
                        let value = input.value.map_or(Value::Null, |value| value.0);
                        Ok(Resolve { inbox, keep: input.answer.into(), value }.into())
                    }
                    (Ok(inbox), None) => Err(vec![entry.refuse(&Rejection::NotFound { subject: inbox.into() })]),
                    (Err(errors), _) => Err(errors),
                };
                entry.settle(asked).await?
            }
        };
        InboxPayload::of(&entry, settled, of).await
    }
}
