//! Two servers on one Postgres, three to five desktops behind networks of their own, and a little stock to quarrel about.

use super::{
    Report,
    central::Central,
    hand::{self, Drained, Hand, Ids, Mishap, Step},
    judge::{self, Outcomes, bare},
    proxy::Proxy,
    trouble::{Scene, Trouble},
};
use crate::replay::{dump::Dump, fleet::same_cursors, mint::Watch};
use anyhow::{Context, Result, bail, ensure};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::BufReader,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

const PEOPLE: [&str; 3] = ["Ana", "Ben", "Chloe"];
const ITEMS: usize = 6;
const BINS: usize = 3;
/// Items that nobody touches: the catalogue is long enough that whoever joins begins with a snapshot.
const SHELVED: usize = 2_000;
/// Desktops that join a world; more would only make it slower.
const NEWCOMERS: [&str; 2] = ["Dora", "Emil"];
/// What each person does in a cycle.
const STEPS: usize = 8;
/// Longer than any of this takes to come to rest; a desktop that needs more has stalled.
const REST: Duration = Duration::from_secs(30);

pub struct World {
    home: PathBuf,
    stillage: PathBuf,
    /// Where the servers listen, whichever they are.
    addresses: Vec<SocketAddr>,
    ids: Arc<Ids>,
    hands: Vec<Hand>,
    central: Central,
}

/// Somebody who sits down at a new desktop: with which code, and the moments after which it is killed.
struct Newcomer {
    hand: Hand,
    code: String,
    moments: Vec<Duration>,
}

impl World {
    pub fn start(binaries: &Path, home: &Path) -> Result<Self> {
        fs::create_dir_all(home)?;
        let central = Central::start(&binaries.join("stillage-server"), home)?;
        let addresses = central.servers.iter().map(|server| Ok(server.address().parse()?)).collect::<Result<_>>()?;
        let (stillage, ids, hands) = (binaries.join("stillage"), Arc::default(), Vec::new());
        let mut world = Self { home: home.into(), stillage, addresses, ids, hands, central };
        for name in PEOPLE {
            let mut hand = world.hand(name)?;
            hand.connect(&world.central.servers[0].device_code(name, name)?)?;
            world.hands.push(hand);
        }
        world.furnish()?;
        ensure!(world.central.back_up()?, "the first backup failed");
        Ok(world)
    }

    /// A desktop with a network of its own that nobody has connected yet.
    fn hand(&self, name: &str) -> Result<Hand> {
        let proxy = Proxy::start(self.addresses.clone(), self.hands.len() as u64)?;
        let mut hand = Hand::new(name, &self.home, &self.stillage, proxy);
        hand.init()?;
        hand.learn(&self.ids);
        Ok(hand)
    }

    fn furnish(&mut self) -> Result<()> {
        let first = self.hands.first_mut().context("no desktop")?.rpc()?;
        let site = json!({ "kind": "location", "fields": { "code": "SHOP", "name": "Shop", "role": "site" } });
        let site = ids(&first.must("records.import", &json!({ "records": [site] }))?)?;
        let bins: Vec<Value> = (1..=BINS)
            .map(|n| json!({ "kind": "location", "fields": { "code": format!("B-{n}"), "parent": site[0], "role": "storage" } }))
            .collect();
        let items: Vec<Value> = (1..=ITEMS)
            .map(|n| json!({ "kind": "item", "fields": { "sku": format!("SKU-{n}"), "name": format!("Thing {n}"), "base_unit": "EA" } }))
            .collect();
        let bins = ids(&first.must("records.import", &json!({ "records": bins }))?)?;
        let items = ids(&first.must("records.import", &json!({ "records": items }))?)?;
        let shelved: Vec<Value> = (0..SHELVED)
            .map(|n| json!({ "kind": "item", "fields": { "sku": format!("SHELVED-{n}"), "name": "Shelved" } }))
            .collect();
        first.must("records.import", &json!({ "records": shelved }))?;
        let opening: Vec<Value> = items
            .iter()
            .flat_map(|item| {
                bins.iter().map(move |bin| json!({ "verb": "receive", "item": item, "location": bin, "qty": "1000" }))
            })
            .collect();
        first.must("stock.record", &json!({ "entries": opening }))?;
        self.ids = Arc::new(Ids { items, bins });
        self.hands.iter_mut().for_each(|hand| hand.learn(&self.ids));
        let stalled = self.rest()?;
        ensure!(stalled.is_empty(), "the desktops did not come to rest before anything went wrong: {stalled:?}");
        Ok(())
    }

    /// Work and trouble at once; then calm, and the verdict.
    pub fn cycle(&mut self, mut draws: ChaCha8Rng, report: &mut Report) -> Result<()> {
        let mut troubles = Trouble::draw(&mut draws);
        let before: usize = self.hands.iter().map(|hand| hand.said.changes.len()).sum();
        let newcomer = if troubles.contains(&Trouble::Join) { self.newcomer(&mut draws)? } else { None };
        troubles.retain(|trouble| newcomer.is_some() || *trouble != Trouble::Join);
        let joined = self.play(&troubles, newcomer, &mut draws)?;
        troubles.iter().for_each(|trouble| *report.kills.entry(trouble.name()).or_default() += 1);
        self.hands.iter().for_each(|hand| hand.proxy.lie(None));
        if let Some((mut hand, connected)) = joined {
            if !connected {
                self.seat(&mut hand)?;
            }
            self.hands.push(hand);
        }
        let stalled = self.rest()?;
        report.stalls += stalled.len() as u64;
        report.broken.extend(stalled);
        let after: usize = self.hands.iter().map(|hand| hand.said.changes.len()).sum();
        report.acknowledged += (after - before) as u64;
        self.judge(report)?;
        if !report.held() {
            report.broken.push(format!("after {troubles:?}"));
        }
        Ok(())
    }

    /// The next one who joins, if somebody still may.
    fn newcomer(&self, draws: &mut ChaCha8Rng) -> Result<Option<Newcomer>> {
        let Some(name) = NEWCOMERS.get(self.hands.len() - PEOPLE.len()) else { return Ok(None) };
        let (hand, code) = (self.hand(name)?, self.central.servers[0].device_code(name, name)?);
        let moments = (0..3).map(|_| Duration::from_millis(draws.random_range(5..150))).collect();
        Ok(Some(Newcomer { hand, code, moments }))
    }

    /// Connects somebody whom trouble kept from it. The servers may still be coming back.
    fn seat(&self, hand: &mut Hand) -> Result<()> {
        let watch = Watch::start();
        loop {
            let code = self.central.servers[0].device_code(&hand.name, &hand.name);
            match code.and_then(|code| hand.connect(&code)) {
                Err(_) if watch.elapsed() < REST => {}
                connected => return connected,
            }
        }
    }

    /// Gives whoever joined, and whether the server said yes.
    fn play(
        &mut self,
        troubles: &[Trouble],
        newcomer: Option<Newcomer>,
        draws: &mut ChaCha8Rng,
    ) -> Result<Option<(Hand, bool)>> {
        let at_hand = (troubles.contains(&Trouble::ClientKill), troubles.contains(&Trouble::DiskFull));
        let victim = (draws.next_u32() as usize) % self.hands.len();
        let mut plans: Vec<(Vec<Step>, Mishap)> = Vec::new();
        for (at, hand) in self.hands.iter().enumerate() {
            let steps = hand.draw(draws, STEPS);
            let own = if at == victim { at_hand } else { (false, false) };
            plans.push((steps, Mishap::draw(draws, STEPS, own)));
        }
        let mut fate = draws.clone();
        let proxies: Vec<Arc<Proxy>> = self.hands.iter().map(|hand| Arc::clone(&hand.proxy)).collect();
        let mut scene = Scene { central: &mut self.central, proxies: &proxies };
        thread::scope(|scope| {
            let players = self.hands.iter_mut().zip(plans);
            let working: Vec<_> =
                players.map(|(hand, (steps, mishap))| scope.spawn(move || hand.play(&steps, mishap))).collect();
            let joining = newcomer.map(|Newcomer { mut hand, code, moments }| {
                scope.spawn(move || hand.join(&code, &moments).map(|connected| (hand, connected)))
            });
            for trouble in troubles.iter().filter(|trouble| !trouble.is_at_hand()) {
                scene.make(*trouble, &mut fate).with_context(|| format!("making {trouble:?}"))?;
            }
            let ended =
                working.into_iter().map(|one| one.join().unwrap_or_else(|_| bail!("a person's thread panicked")));
            ended.collect::<Result<Vec<()>>>()?;
            joining.map(|one| one.join().unwrap_or_else(|_| bail!("a person's thread panicked"))).transpose()
        })
    }

    /// Until every desktop has handed over all it had and has all the others handed over; gives the words of those
    /// that never did.
    fn rest(&mut self) -> Result<Vec<String>> {
        let watch = Watch::start();
        loop {
            let handed_over = self.drain()?;
            let pulled = self.drain()?;
            if handed_over.iter().chain(&pulled).all(|sync| sync.done)
                && same_cursors(pulled.iter().map(|sync| &sync.cursors))
            {
                return Ok(Vec::new());
            }
            if watch.elapsed() > REST {
                let undone = pulled.iter().filter(|sync| !sync.done).map(|sync| sync.said.clone());
                let undone: Vec<_> = undone.collect();
                return Ok(if undone.is_empty() { vec![format!("cursors differ: {pulled:?}")] } else { undone });
            }
        }
    }

    fn drain(&mut self) -> Result<Vec<Drained>> {
        thread::scope(|scope| {
            let threads: Vec<_> = self.hands.iter_mut().map(|hand| scope.spawn(move || hand.drain(10))).collect();
            threads.into_iter().map(|t| t.join().unwrap_or_else(|_| bail!("a desktop's thread panicked"))).collect()
        })
    }

    fn judge(&mut self, report: &mut Report) -> Result<()> {
        let server = self.home.join("server.dump");
        let dumps: Vec<PathBuf> = self.hands.iter().map(|hand| hand.data.with_extension("dump")).collect();
        let verify = thread::scope(|scope| {
            let own = scope.spawn(|| hand::dump(&mut self.central.servers[0].command(), &server));
            let others: Vec<_> = self
                .hands
                .iter()
                .zip(&dumps)
                .map(|(hand, to)| (hand.stillage(), to))
                .map(|(mut stillage, to)| scope.spawn(move || hand::dump(&mut stillage, to)))
                .collect();
            let verify = self.central.servers[1].command().arg("verify").output();
            own.join().unwrap_or_else(|_| bail!("the dump's thread panicked"))?;
            others.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| bail!("a dump's thread panicked")))?;
            anyhow::Ok(verify?)
        })?;
        if !verify.status.success() {
            report.broken.push(String::from_utf8_lossy(&verify.stdout).trim().to_owned());
        }
        let text = fs::read(&server)?;
        for (hand, dump) in self.hands.iter().zip(&dumps) {
            if fs::read(dump)? != text {
                report.broken.push(format!("the dump of {} is not the server's", hand.name));
            }
        }
        let dump = Dump::read(BufReader::new(File::open(&server)?)).context("the server's dump")?;
        report.broken.extend(judge::balances(&dump));
        let outcomes = self.outcomes()?;
        for hand in &self.hands {
            let verdict = judge::judge(&hand.said, &outcomes, &dump);
            report.lost += verdict.lost.len() as u64;
            report.twice += verdict.twice.len() as u64;
            report.broken.extend(verdict.lost.into_iter().chain(verdict.twice));
        }
        report.broken.extend(self.central.judge_log()?);
        Ok(())
    }

    fn outcomes(&self) -> Result<Outcomes> {
        let rows = self.central.cluster.session()?.rows("SELECT id, outcome FROM change")?;
        Ok(rows.into_iter().filter_map(|row| Some((bare(row.first()?), row.get(1)?.to_uppercase()))).collect())
    }

    /// Ends everything in order.
    pub fn close(&mut self) -> Result<()> {
        self.hands.iter_mut().try_for_each(Hand::close)?;
        self.central.stop()
    }
}

fn ids(answer: &Value) -> Result<Vec<String>> {
    let ids = answer["ids"].as_array().context("no ids")?;
    Ok(ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect())
}
