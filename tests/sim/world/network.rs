//! Rounds and what may befall their messages. A device asks one question at a time and waits for its answer; a question
//! that was given up may still arrive, after the next one.

use super::{ATTEMPTS, Event, World};
use crate::{
    device::{Ask, Reply, Stage},
    plan::Fault,
    server::{Certificate, Known, Limits, Request, Server},
};
use std::collections::BTreeMap;
use stillage_core::{
    absorb::Discard,
    id::DeviceId,
    scope::Scope,
    settle::Settled,
    snapshot::ManifestInput,
    wire::{PullAnswer, PullInput, PushAnswer, PushInput},
};

const TIMEOUT: i64 = 30_000_000;
const POLL: i64 = 30_000_000;

impl World<'_> {
    pub(super) fn poll(&mut self, device: usize) {
        self.nudge(device);
        let delay = POLL * self.dice.between(700, 1300) / 1000;
        self.after(delay, Event::Poll { device });
    }

    /// Begins a round, or notes that another one is to follow.
    pub(super) fn nudge(&mut self, at: usize) {
        let device = &mut self.devices[at];
        if !device.online {
            return;
        }
        if device.stage != Stage::Idle {
            device.again = true;
            return;
        }
        (device.again, device.pulling) = (false, false);
        (device.refusals, device.discards) = (0, 0);
        (device.meeting, device.returning) = (None, None);
        device.beginning = Default::default();
        self.finish_new_id(at);
        self.ask(at);
    }

    pub(super) fn ask(&mut self, at: usize) {
        if self.crashes(at) {
            return;
        }
        if let Some(ask) = self.ask_of_epoch(at) {
            return self.send(at, ask);
        }
        if let Some(ask) = self.ask_of_snapshot(at) {
            return self.send(at, ask);
        }
        let push = self.plan.push;
        let device = &mut self.devices[at];
        let ask = if device.forked {
            Ask::Enrol { new: DeviceId(self.dice.uuid()), before: device.disk.device }
        } else if !device.pulling && device.disk.has_unsent() {
            let Some(input) = device.disk.seal(push) else { return };
            self.flush(at);
            if self.crashes(at) {
                return;
            }
            Ask::Push(input)
        } else {
            device.beginning.offered &= device.pulling;
            device.pulling = true;
            Ask::Pull(device.disk.pull_input())
        };
        self.send(at, ask);
    }

    pub(super) fn send(&mut self, at: usize, what: Ask) {
        self.asked += 1;
        let ask = self.asked;
        let device = &mut self.devices[at];
        device.stage = Stage::Asked(ask);
        self.asking.insert((at, ask), device.machine.moment(self.now));
        self.after(TIMEOUT, Event::TimedOut { device: at, ask });
        if self.fire(Fault::Duplicate) {
            let delay = self.way();
            self.after(delay, Event::Request { device: at, ask, what: what.clone() });
        }
        if !self.fire(Fault::Drop) {
            let delay = self.way();
            self.after(delay, Event::Request { device: at, ask, what });
        }
    }

    /// How long a message is under way.
    fn way(&mut self) -> i64 {
        let mut delay = self.dice.between(500, self.plan.latency);
        if self.fire(Fault::Delay) {
            delay += self.dice.between(TIMEOUT / 2, 3 * TIMEOUT);
        }
        if self.fire(Fault::Reorder) {
            delay += self.dice.between(10_000, 5_000_000);
        }
        delay
    }

    /// At the server.
    pub(super) fn request(&mut self, device: usize, ask: u64, what: Ask) {
        match what {
            Ask::Push(PushInput { device: who, .. })
            | Ask::Pull(PullInput { device: who, .. })
            | Ask::Manifest(ManifestInput { device: who, .. })
            | Ask::Chunk { device: who, .. }
                if !self.server.devices.contains_key(&who) =>
            {
                self.reply(device, ask, Reply::SignedOut(self.server.epoch));
            }
            Ask::Push(input) if input.epoch.is_some_and(|epoch| epoch != self.server.epoch) => {
                let answer = self.server.other_epoch(input.device, self.now);
                self.reply(device, ask, Reply::Push(answer));
            }
            Ask::Push(input) => {
                self.waiting.push_back((device, ask, Request { input, received_at: self.now }));
                let delay = self.dice.between(1, self.plan.gather);
                self.after(delay, Event::Serve);
            }
            Ask::Pull(input) => {
                let limits = Limits { rows: self.plan.rows, results: self.plan.results };
                let answer = self.server.pull(&input, limits, self.now, &mut self.checks);
                let reply = match answer {
                    Some(answer) => Reply::Pull(self.truncated(answer)),
                    None => Reply::Unavailable,
                };
                self.reply(device, ask, reply);
            }
            Ask::Manifest(input) => {
                let reply = self.manifest_of(&input);
                self.reply(device, ask, reply);
            }
            Ask::Chunk { device: who, name } => {
                let reply = self.chunk_of(who, &name);
                self.reply(device, ask, reply);
            }
            Ask::Enrol { new, before } => {
                let known = self.server.devices.get(&before).cloned();
                let reply = match known {
                    Some(known) => {
                        let known = Known { links: Vec::new(), first: false, ..known };
                        self.server.enrol(new, known, self.dice.uuid(), &mut self.checks);
                        self.certified(new)
                    }
                    None => Reply::SignedOut(self.server.epoch),
                };
                self.reply(device, ask, reply);
            }
            Ask::Return { certificate, epoch } => {
                let reply = self.take_back(certificate, epoch);
                self.reply(device, ask, reply);
            }
        }
    }

    /// Cut on the way: an entry is missing, or the page ends too early or begins too late.
    fn truncated(&mut self, mut answer: PullAnswer) -> PullAnswer {
        let pages: Vec<usize> = (0..answer.pages.len()).filter(|at| !answer.pages[*at].entries.is_empty()).collect();
        if !pages.is_empty() && self.fire(Fault::Truncate) {
            let page = &mut answer.pages[pages[self.dice.index(pages.len())]];
            let at = self.dice.index(page.entries.len());
            match self.dice.below(4) {
                0 => page.entries.truncate(at),
                1 => drop(page.entries.remove(at)),
                // As many rows as it says, but one twice and one not at all.
                2 if page.entries.len() > 1 => {
                    let other = if at == 0 { 1 } else { at - 1 };
                    page.entries[at] = page.entries[other].clone();
                }
                // Well-formed, but not the one that was asked for.
                _ => {
                    page.entries.drain(..=at);
                    page.from += at as u64 + 1;
                }
            }
        }
        answer
    }

    fn reply(&mut self, device: usize, ask: u64, reply: Reply) {
        if self.fire(Fault::Drop) {
            return;
        }
        let delay = self.way();
        self.after(delay, Event::Answer { device, ask, reply });
    }

    /// A writer takes what waits: one push of a device at a time.
    pub(super) fn serve(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        if self.fire(Fault::ServerCrashBefore) {
            self.waiting.clear();
            return;
        }
        let most = 1 + self.dice.index(8);
        let mut batch: Vec<(usize, u64, Request)> = Vec::new();
        for job in std::mem::take(&mut self.waiting) {
            let twice = batch.iter().any(|(_, _, taken)| taken.input.device == job.2.input.device);
            if twice || batch.len() >= most { self.waiting.push_back(job) } else { batch.push(job) }
        }
        if !self.waiting.is_empty() {
            self.after(1000, Event::Serve);
        }
        let requests: Vec<Request> = batch.iter().map(|(_, _, request)| request.clone()).collect();
        let settled = self.settled(&requests);
        self.check_links(&requests, &settled);
        if self.fire(Fault::ServerCrashAfter) {
            return;
        }
        for ((device, ask, _), settled) in batch.into_iter().zip(settled) {
            let reply = match settled {
                Some(settled) => Reply::Push(self.server.answer(settled, self.now)),
                None => Reply::Unavailable,
            };
            self.reply(device, ask, reply);
        }
        self.poke_all();
    }

    fn settled(&mut self, requests: &[Request]) -> Vec<Option<Settled>> {
        if requests.len() > 1 && self.fire(Fault::TwoServers) {
            let (ours, theirs) = requests.split_at(requests.len() / 2);
            let mut mine = self.server.attempt(ours);
            let other = self.server.attempt(theirs);
            if self.commit(&other) | Server::crosses(&mine, &other) {
                mine = self.server.attempt(ours);
            }
            self.commit(&mine);
            return self.finished(requests, mine.settled.into_iter().chain(other.settled).collect());
        }
        let attempt = self.server.attempt(requests);
        if self.fire(Fault::Abort) {
            // The joint transaction failed: each push is tried alone.
            let mut settled = Vec::new();
            for request in requests {
                let alone = self.server.attempt(std::slice::from_ref(request));
                self.commit(&alone);
                settled.extend(alone.settled);
            }
            return self.finished(requests, settled);
        }
        self.commit(&attempt);
        self.finished(requests, attempt.settled)
    }

    /// After a commit, everybody whose scopes grew is told.
    pub(super) fn poke_all(&mut self) {
        for at in 0..self.devices.len() {
            let disk = &self.devices[at].disk;
            let Some(known) = self.server.devices.get(&disk.device) else { continue };
            let behind = |(scope, log): (&Scope, &Vec<_>)| {
                known.holds(*scope) && disk.cursors.get(scope).copied().unwrap_or(0) < log.len() as u64
            };
            if self.server.logs.iter().any(behind) && !self.fire(Fault::LostPoke) {
                let delay = self.way();
                self.after(delay, Event::Poke { device: at });
            }
        }
    }

    pub(super) fn timed_out(&mut self, device: usize, ask: u64) {
        self.asking.remove(&(device, ask));
        if self.devices[device].stage == Stage::Asked(ask) {
            self.give_up(device);
        }
    }

    /// The round has failed; another one is tried a little later.
    pub(super) fn give_up(&mut self, at: usize) {
        let device = &mut self.devices[at];
        (device.stage, device.pulling) = (Stage::Idle, false);
        let delay = self.dice.between(1_000_000, 5_000_000);
        self.after(delay, Event::Poke { device: at });
    }

    /// At the device.
    pub(super) fn answer(&mut self, at: usize, ask: u64, reply: Reply) {
        let now = self.now;
        let device = &mut self.devices[at];
        if !device.online || device.stage != Stage::Asked(ask) {
            return;
        }
        device.stage = Stage::Idle;
        let asked = self.asking.remove(&(at, ask));
        let server_time = match &reply {
            Reply::Push(answer) => Some(answer.server_time),
            Reply::Pull(answer) => Some(answer.server_time),
            Reply::Manifest(manifest) => Some(manifest.server_time),
            _ => None,
        };
        if let (Some(asked), Some(server)) = (asked, server_time) {
            device.disk.sample(asked, device.machine.moment(now), server);
        }
        if self.crashes(at) {
            return;
        }
        match reply {
            Reply::Push(answer) if self.devices[at].meeting.is_some() => self.met(at, &answer),
            Reply::Push(answer) => self.pushed(at, &answer),
            Reply::Pull(answer) => self.pulled(at, &answer),
            Reply::Manifest(manifest) => self.manifest(at, &manifest),
            Reply::Chunk(bytes) => self.chunk(at, &bytes),
            Reply::Gone => self.gone(at),
            Reply::Enrolled(certificate) if self.devices[at].returning.is_some() => self.returned(at, certificate),
            Reply::Enrolled(certificate) => self.enrolled(at, certificate),
            Reply::SignedOut(epoch) => self.signed_out(at, epoch),
            Reply::Unavailable => self.give_up(at),
        }
    }

    fn pushed(&mut self, at: usize, answer: &PushAnswer) {
        self.told(answer.epoch, &answer.results);
        let device = &mut self.devices[at];
        match answer.refusal {
            Some(refusal) => {
                device.refusals += 1;
                if device.refusals > ATTEMPTS {
                    return self.give_up(at);
                }
                self.refused(at, refusal, answer);
            }
            None if !device.disk.is_own(answer.ack) => device.forked = true,
            None => {
                device.disk.pushed_to(answer.ack.seq);
                let id = device.disk.device;
                self.acknowledged(answer.epoch, (id, answer.ack.seq));
            }
        }
        self.ask(at);
    }

    fn pulled(&mut self, at: usize, answer: &PullAnswer) {
        if self.instead(at, answer) {
            return self.ask(at);
        }
        let device = &mut self.devices[at];
        if answer.epoch != device.disk.epoch {
            device.meeting = Some(answer.epoch);
            device.discards += 1;
            return if device.discards > ATTEMPTS - 1 { self.give_up(at) } else { self.ask(at) };
        }
        // Cursors go back when the base is built anew, and only then.
        let before = if device.disk.reset { BTreeMap::new() } else { device.disk.cursors.clone() };
        match device.disk.apply(answer) {
            Ok(applied) => {
                if let Some(ack) = &answer.ack {
                    let id = self.devices[at].disk.device;
                    self.told(answer.epoch, &ack.results);
                    self.acknowledged(answer.epoch, (id, ack.seq));
                }
                self.check_applied(at, answer, (&before, &applied.cells));
                if self.crashes(at) {
                    return;
                }
                if answer.has_more || applied.new_scope {
                    return self.ask(at);
                }
                if let Some(ask) = self.history(at) {
                    return self.send(at, ask);
                }
                let device = &mut self.devices[at];
                device.pulling = false;
                if device.again || device.disk.has_unsent() {
                    self.nudge(at);
                }
            }
            Err(discard) => {
                self.say(|| format!("  thrown away: {discard}"));
                let device = &mut self.devices[at];
                device.discards += 1;
                device.forked |= matches!(discard, Discard::ForeignChain { .. });
                if device.discards > ATTEMPTS - 1 { self.give_up(at) } else { self.ask(at) }
            }
        }
    }

    fn enrolled(&mut self, at: usize, certificate: Certificate) {
        let new = certificate.device;
        self.devices[at].keyring = new;
        if self.crashes(at) {
            return;
        }
        let device = &mut self.devices[at];
        device.disk.take_new_device(new);
        device.disk.certificate = Some(certificate);
        device.forked = false;
        device.forks += 1;
        self.flush(at);
        self.say(|| format!("  device {at} goes on as {new}"));
        self.ask(at);
    }
}
