//! A server and N devices, as processes: built, started, furnished, driven through the rounds, and
//! brought to rest.

use crate::replay::{
    brood::Ward,
    device::{Device, Ids},
    plan::{BINS, Plan},
    schedule::{Round, Schedule},
    server::Server,
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

/// How many records or movements the catalogue and the opening stock travel in one transaction.
const LOAD: usize = 500;

const PEOPLE: [&str; 8] = ["Ana", "Ben", "Chloe", "Deniz", "Eva", "Femi", "Grace", "Hugo"];

pub struct Fleet<'a> {
    pub server: Server,
    pub devices: Vec<Device<'a>>,
    pub server_kills: usize,
    pub ids: Arc<Ids>,
    plan: &'a Plan,
}

impl<'a> Fleet<'a> {
    pub fn start(binaries: &Path, folder: &Path, plan: &'a Plan, devices: usize) -> Result<Self> {
        let server = Server::start(&binaries.join("stillage-server"), &folder.join("server"))?;
        let client = binaries.join("stillage");
        let mut fleet = Self { server, devices: Vec::new(), server_kills: 0, ids: Arc::default(), plan };
        for number in 0..devices {
            let mut device = Device::new(format!("D{}", number + 1), folder, &client, plan);
            let code = fleet.server.device_code(&device.name, PEOPLE[number % PEOPLE.len()])?;
            stillage(&client, &device, &["init", "--name", &device.name])?;
            stillage(&client, &device, &["connect", &fleet.server.url, "--code", &code])?;
            device.open()?;
            fleet.devices.push(device);
        }
        Ok(fleet)
    }

    /// The catalogue and the opening stock, typed on the first device and pulled by the others.
    pub fn furnish(&mut self) -> Result<()> {
        let plan = self.plan;
        let first = &mut self.devices[0];
        let site = import(
            first,
            &[json!({ "kind": "location", "fields": { "code": "SHOP", "name": "Shop", "role": "site" } })],
        )?;
        let site = site.first().context("no id for the site")?;
        let bins: Vec<Value> = BINS.iter().map(|bin| json!({ "kind": "location", "fields": { "code": bin, "name": format!("Bin {bin}"), "parent": site, "role": "storage" } })).collect();
        let items: Vec<Value> = plan.items.iter().map(item).collect();
        let mut ids = Ids { bins: import(first, &bins)?, items: import(first, &items)?, reasons: Vec::new() };
        for (at, words) in plan.reasons.iter().enumerate() {
            let name = if words.is_empty() { "no words" } else { words };
            let fields = json!({ "code": format!("CLERK-{}", at + 1), "name": name, "direction": "both" });
            let saved = first.rpc()?.must("reasons.save", &json!({ "fields": fields }))?;
            ids.reasons.push(saved["id"].as_str().context("no id for a reason")?.to_owned());
        }
        let opening = plan.items.iter().enumerate().filter(|(_, item)| item.opening > 0);
        let opening: Vec<Value> = opening
            .map(|(at, item)| json!({ "verb": "receive", "item": ids.items[at], "location": ids.bins[item.bin], "qty": item.opening.to_string(), "reference": opening_reference(&item.sku) }))
            .collect();
        for entries in opening.chunks(LOAD) {
            let answer = first.rpc()?.must("stock.record", &json!({ "entries": entries }))?;
            ensure!(first.acknowledged.take(&answer) == entries.len(), "not all of the opening stock was acknowledged");
        }
        self.ids = Arc::new(ids);
        self.devices.iter_mut().for_each(|device| device.learn(&self.ids));
        self.settle()
    }

    pub fn play(&mut self, schedule: &Schedule) -> Result<()> {
        let mut lines = 0;
        for (at, round) in schedule.rounds.iter().enumerate() {
            for &device in &round.offline {
                self.devices[device].cut(true)?;
            }
            self.round(round).with_context(|| format!("round {}", at + 1))?;
            for &device in &round.offline {
                self.devices[device].cut(false)?;
            }
            lines += round.lines(self.plan);
            if at % 10 == 9 || at + 1 == schedule.rounds.len() {
                eprintln!("round {} of {}: {lines} lines recorded", at + 1, schedule.rounds.len());
            }
        }
        Ok(())
    }

    fn round(&mut self, round: &Round) -> Result<()> {
        let server = &mut self.server;
        let results: Vec<Result<()>> = thread::scope(|scope| {
            let devices = self.devices.iter_mut().zip(&round.steps);
            let threads: Vec<_> = devices.map(|(device, steps)| scope.spawn(move || device.play(steps))).collect();
            let server = if round.server_dies { server.kill_and_restart() } else { Ok(()) };
            let ended = threads.into_iter().map(|t| t.join().unwrap_or_else(|_| bail!("a device's thread panicked")));
            ended.chain([server]).collect()
        });
        self.server_kills += usize::from(round.server_dies);
        results.into_iter().collect()
    }

    /// Until every device has handed over everything and pulled everything the others handed over.
    pub fn settle(&mut self) -> Result<()> {
        for device in &mut self.devices {
            device.cut(false)?;
        }
        for attempt in 1..=5 {
            let handed_over = self.drain_all()?;
            let pulled = self.drain_all()?;
            if [&handed_over, &pulled].iter().all(|round| round.iter().all(is_drained))
                && same_cursors(pulled.iter().map(|sync| &sync["cursors"]))
            {
                return Ok(());
            }
            eprintln!("not at rest yet after attempt {attempt}: {}", json!(pulled));
        }
        bail!("the devices did not come to rest")
    }

    fn drain_all(&mut self) -> Result<Vec<Value>> {
        thread::scope(|scope| {
            let threads: Vec<_> =
                self.devices.iter_mut().map(|device| scope.spawn(move || device.drain(240))).collect();
            threads.into_iter().map(|t| t.join().unwrap_or_else(|_| bail!("a device's thread panicked"))).collect()
        })
    }

    pub fn bytes(&mut self) -> Result<u64> {
        self.devices.iter_mut().map(Device::bytes).sum()
    }

    /// What needs a person, of all devices, once each.
    pub fn inbox(&mut self) -> Result<BTreeMap<String, Value>> {
        let mut cards = BTreeMap::new();
        for device in &mut self.devices {
            for card in
                device.rpc()?.must("inbox.list", &json!({ "state": "open" }))?.as_array().cloned().unwrap_or_default()
            {
                let id = card["id"].as_str().context("an inbox card without id")?.to_owned();
                cards.insert(id, card);
            }
        }
        Ok(cards)
    }

    /// Closes the devices and writes each dump, and the server's, into the folder.
    pub fn dump(&mut self, folder: &Path, client: &Path) -> Result<Vec<(String, PathBuf)>> {
        let mut dumps = Vec::new();
        let mut dump = |name: &str, command: &mut Command| -> Result<()> {
            let path = folder.join(format!("{name}.dump"));
            let mut ward = Ward::start(
                command.args(["dump", "--canonical"]).stdin(Stdio::null()).stdout(File::create(&path)?),
                None,
            )?;
            ward.wait(Duration::from_secs(900))?;
            let status = ward.child.wait()?;
            ensure!(status.success(), "the dump of {name} ended with {status}");
            dumps.push((name.to_owned(), path));
            Ok(())
        };
        dump("server", &mut self.server.command())?;
        for device in &mut self.devices {
            device.close()?;
            let mut command = Command::new(client);
            command.env("STILLAGE_PASSPHRASE", super::PASSPHRASE).arg("--data").arg(&device.data).arg("--json");
            dump(&device.name, &mut command)?;
        }
        Ok(dumps)
    }
}

#[must_use]
pub fn opening_reference(sku: &str) -> String {
    format!("opening/{sku}")
}

fn item(item: &crate::replay::plan::Item) -> Value {
    let fields = json!({
        "sku": item.sku, "name": item.name, "aliases": item.aliases,
        "reorder_point": item.reorder_point.to_string(), "base_unit": "EA",
    });
    json!({ "kind": "item", "fields": fields })
}

fn import(device: &mut Device<'_>, records: &[Value]) -> Result<Vec<String>> {
    let mut ids = Vec::with_capacity(records.len());
    for records in records.chunks(LOAD) {
        let answer = device.rpc()?.must("records.import", &json!({ "records": records }))?;
        ensure!(device.acknowledged.take(&answer) == records.len(), "not all of the catalogue was acknowledged");
        ids.extend(answer["ids"].as_array().context("no ids")?.iter().filter_map(|id| id.as_str().map(str::to_owned)));
    }
    ensure!(ids.len() == records.len(), "{} ids for {} records", ids.len(), records.len());
    Ok(ids)
}

fn stillage(client: &Path, device: &Device<'_>, args: &[&str]) -> Result<()> {
    let mut command = Command::new(client);
    command.env("STILLAGE_PASSPHRASE", super::PASSPHRASE).arg("--data").arg(&device.data).arg("--json").args(args);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {}", client.display()))?;
    let said = || String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned();
    ensure!(output.status.success(), "stillage {} ended with {}: {}", args.join(" "), output.status, said());
    Ok(())
}

fn is_drained(sync: &Value) -> bool {
    let outbox = sync["outbox"].as_u64().or_else(|| sync["outbox"]["count"].as_u64());
    outbox == Some(0) && sync["state"] != "refused"
}

/// Scopes that two devices hold must stand at the same number; a person's inbox only that person holds.
pub fn same_cursors<'a>(devices: impl Iterator<Item = &'a Value>) -> bool {
    let mut seen: BTreeMap<&str, &Value> = BTreeMap::new();
    devices.filter_map(Value::as_object).flatten().all(|(scope, at)| *seen.entry(scope).or_insert(at) == at)
}
