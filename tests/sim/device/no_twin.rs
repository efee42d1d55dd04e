//! A build without the production store: there is no twin, and nothing to tell it.

use super::{Disk, Owed};
use crate::clock::Moment;
use std::rc::Rc;
use stillage_core::{
    absorb::Discard,
    action::Action,
    change::Change,
    decide::Effects,
    id::{ChangeId, DeviceId, EpochId, PersonId},
    rejection::Rejection,
    snapshot::{Chunk, Manifest},
    wire::{Ack, PullAnswer, PushInput},
};

#[derive(Debug, Clone)]
pub enum Twin {}

impl Twin {
    pub fn new(_: DeviceId, _: PersonId, _: EpochId) -> Option<Self> {
        None
    }

    pub fn crash(&mut self) {
        match *self {}
    }

    pub fn act(&self, _: Action, _: ChangeId, _: Moment, _: &Result<Rc<Effects>, Rejection>) {
        match *self {}
    }

    pub fn act_unread(&self, _: u64, _: &Change) {
        match *self {}
    }

    pub fn apply(&self, _: &PullAnswer, _: Result<bool, &Discard>) {
        match *self {}
    }

    pub fn seal(&self, _: usize, _: Option<&PushInput>) {
        match *self {}
    }

    pub fn pushed_to(&self, _: u64) {
        match *self {}
    }

    pub fn is_own(&self, _: Ack, _: bool) {
        match *self {}
    }

    pub fn let_go(&self, _: u64, _: usize) {
        match *self {}
    }

    pub fn begin_epoch(&self, _: EpochId, _: Ack) {
        match *self {}
    }

    pub fn take_new_device(&self, _: DeviceId) {
        match *self {}
    }

    pub fn sample(&self, _: (Moment, Moment), _: i64, _: bool) {
        match *self {}
    }

    pub fn accept(&self, _: &Manifest, _: bool) {
        match *self {}
    }

    pub fn replace(&self, _: &Manifest) {
        match *self {}
    }

    pub fn give_up_snapshots(&self) {
        match *self {}
    }

    pub fn load(&self, _: &Owed, _: &Chunk) {
        match *self {}
    }

    pub fn compared(&self, _: &Disk, _: bool) -> Option<Result<(), String>> {
        match *self {}
    }
}
