//! A record is put away, or brought back. Nothing is ever deleted: history points at it.

use super::save::{claim_key, sign};
use crate::{
    decide::{Context, Effects, missing},
    facts::{Facts, Needs},
    record::{Kind, Record, Ref, UNNUMBERED, fields},
    rejection::Rejection,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Archive {
    pub record: Ref,
    /// False brings it back.
    pub archived: bool,
    /// For programs: refuse unless the record still has this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
}

impl Archive {
    pub(super) fn needs(&self, facts: &Facts) -> Needs {
        let mut needs = Needs::default();
        needs.record(self.record);
        if self.archived && may_hold_stock(self.record.kind) {
            needs.stocked.insert(self.record);
        }
        if let Some(record) = facts.record(self.record).filter(|_| !self.archived) {
            let back = Record { archived: false, ..record.clone() };
            needs.keys.extend(back.key().map(|key| (self.record.kind, key)));
        }
        needs
    }

    pub(super) fn decide(&self, context: &Context, facts: &Facts) -> Result<Effects, Rejection> {
        let current = facts.record(self.record).ok_or_else(|| missing(facts, self.record))?;
        let kind = self.record.kind;
        let born = current.text("role") == Some("virtual");
        if born || fields::key_field(kind).is_none() && kind != Kind::Category {
            return Err(Rejection::NotEditable { subject: self.record });
        }
        if let Some(expected) = self.expected_version.filter(|expected| *expected != current.version) {
            return Err(Rejection::VersionConflict { subject: self.record, expected, current: current.version });
        }
        if current.archived == self.archived {
            return Ok(Effects::default());
        }
        if self.archived && facts.holds_stock(self.record) {
            return Err(Rejection::NotEmpty { subject: self.record });
        }
        let mut effects = Effects::default();
        let mut record = Record { archived: self.archived, version: UNNUMBERED, ..current.clone() };
        if !seeded!(RestoredKeyAccepted) {
            claim_key(context, facts, current, &mut record, &mut effects)?;
        }
        sign(context, &mut record);
        effects.records.push(record);
        Ok(effects)
    }
}

const fn may_hold_stock(kind: Kind) -> bool {
    matches!(kind, Kind::Item | Kind::Location)
}

/// Brings `of` back: what "restore" in the inbox does.
pub(super) const fn restore(of: Ref) -> Archive {
    Archive { record: of, archived: false, expected_version: None }
}
