//! One server, many desktops, and a network to cut: the built binaries as real processes, spoken
//! to as a script would. What is acknowledged is remembered here, outside of them.

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};
use stillage_server::postgres::TrialDatabase;
use tempfile::TempDir;

/// A binary of this workspace, built beside the tests.
pub fn binary(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(name);
    assert!(path.exists(), "{} is not built: cargo build --workspace", path.display());
    path
}

pub struct World {
    pub dir: TempDir,
    pub url: String,
    server: Option<Child>,
    /// What the server uses instead of a private Postgres.
    pub database: Option<TrialDatabase>,
    /// Or what DATABASE_URL says.
    pub database_url: Option<String>,
}

impl World {
    /// A server on a private Postgres of its own.
    pub fn start() -> Self {
        Self::begin(None, None)
    }

    /// A server on the database that DATABASE_URL names.
    pub fn at(url: String) -> Self {
        Self::begin(None, Some(url))
    }

    /// A server on a database that may hold something already.
    pub fn on(database: TrialDatabase) -> Self {
        Self::begin(Some(database), None)
    }

    fn begin(database: Option<TrialDatabase>, database_url: Option<String>) -> Self {
        let dir = tempfile::Builder::new().prefix("stillage-it-").tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let mut world = Self { dir, url: String::new(), server: None, database, database_url };
        world.start_server("127.0.0.1:0");
        world
    }

    fn program(&self) -> Command {
        let mut program = Command::new(binary("stillage-server"));
        program.arg("--data").arg(self.dir.path().join("server")).env_remove("DATABASE_URL");
        program.envs(self.database.iter().map(|database| ("DATABASE_URL", database.url())));
        program.envs(self.database_url.iter().map(|url| ("DATABASE_URL", url)));
        program
    }

    fn start_server(&mut self, listen: &str) {
        let mut server = self
            .program()
            .args(["--json", "serve", "--listen", listen])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).expect("the server says where it is");
        self.url = ready["url"].as_str().unwrap().to_owned();
        self.server = Some(server);
    }

    /// SIGKILL, and a new one on the same address and data.
    pub fn kill_and_restart_server(&mut self) {
        let mut old = self.server.take().unwrap();
        old.kill().unwrap();
        old.wait().unwrap();
        let address = self.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        self.start_server(&address);
    }

    /// SIGTERM: it finishes what it accepted, and stops its Postgres.
    pub fn stop_server(&mut self) {
        if let Some(mut server) = self.server.take() {
            let pid = server.id().to_string();
            let _ = Command::new("kill").args(["-TERM", &pid]).status();
            let _ = server.wait();
        }
    }

    pub fn server(&self, args: &[&str]) -> Value {
        last_json(&self.program().arg("--json").args(args).output().unwrap().stdout)
    }

    /// A verb of the server with the number it exits with.
    pub fn server_exit(&self, args: &[&str]) -> (Value, i32) {
        let output = self.program().arg("--json").args(args).output().unwrap();
        (last_json(&output.stdout), output.status.code().unwrap())
    }

    /// The same, with no file growing past `bytes`.
    pub fn server_exit_within(&self, bytes: u64, args: &[&str]) -> (Value, i32) {
        let program = self.program();
        let mut limited = Command::new("prlimit");
        limited.arg(format!("--fsize={bytes}:{bytes}")).arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => limited.env(name, value),
                None => limited.env_remove(name),
            };
        }
        let output = limited.arg("--json").args(args).output().unwrap();
        (last_json(&output.stdout), output.status.code().unwrap())
    }

    /// The machine is gone, and all data with it.
    pub fn lose_server(&mut self) {
        self.stop_server();
        std::fs::remove_dir_all(self.dir.path().join("server")).unwrap();
    }

    /// A server on what was restored, at the old address.
    pub fn restore(&mut self, file: &str) -> Value {
        let restored = self.server(&["restore", file]);
        self.start_again();
        restored
    }

    /// A server on what lies there, at the old address.
    pub fn start_again(&mut self) {
        let address = self.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        self.start_server(&address);
    }

    pub fn server_dump(&self) -> Vec<u8> {
        self.program().args(["dump", "--canonical"]).output().unwrap().stdout
    }

    /// A desktop that has never met a server.
    pub fn lone_desktop(&self, name: &str) -> Desktop {
        let desktop = Desktop { dir: self.dir.path().join(name), process: None };
        let made = desktop.cli(&["init", "--name", name]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        desktop
    }

    /// A desktop of `person`, connected.
    pub fn desktop(&self, person: &str) -> Desktop {
        let mut desktop = self.lone_desktop(person);
        self.connect(&mut desktop, person);
        desktop
    }

    pub fn connect(&self, desktop: &mut Desktop, person: &str) {
        let code = self.server(&["device-code", "--name", person, "--person", person]);
        let code = code["code"].as_str().unwrap().to_owned();
        desktop.call("app.connect", json!({ "url": self.url, "code": code }));
        desktop.drain();
    }

    /// What must hold whenever everybody has synced.
    pub fn check(&self, desktops: &mut [&mut Desktop]) {
        for _ in 0..2 {
            for desktop in desktops.iter_mut() {
                desktop.drain();
            }
        }
        let verified = self.server(&["verify"]);
        assert_eq!(verified["ok"], true, "{verified}");
        let server = self.server_dump();
        assert!(!server.is_empty());
        for desktop in desktops.iter_mut() {
            let own = desktop.cli(&["dump", "--canonical"]).stdout;
            if own != server {
                panic!("{} differs from the server: {}", desktop.dir.display(), first_difference(&own, &server));
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop_server();
    }
}

pub struct Desktop {
    pub dir: PathBuf,
    process: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
}

impl Desktop {
    /// A desktop whose data lies there already.
    pub const fn at(dir: PathBuf) -> Self {
        Self { dir, process: None }
    }

    /// One run of the command line.
    pub fn cli(&self, args: &[&str]) -> std::process::Output {
        stillage(&self.dir).args(args).output().unwrap()
    }

    fn rpc(&mut self) -> &mut (Child, ChildStdin, BufReader<ChildStdout>) {
        let dir = self.dir.clone();
        self.process.get_or_insert_with(|| {
            let mut child = stillage(&dir)
                .arg("rpc")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
            (child, stdin, BufReader::new(stdout))
        })
    }

    /// Calls a command of the list and gives its answer or its failure.
    pub fn try_call(&mut self, name: &str, args: Value) -> Result<Value, Value> {
        let (_, stdin, stdout) = self.rpc();
        writeln!(stdin, "{}", json!({ "name": name, "args": args })).unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line).expect("one JSON line for each call");
        match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["ok"].take()),
        }
    }

    pub fn call(&mut self, name: &str, args: Value) -> Value {
        self.try_call(name, args.clone()).unwrap_or_else(|error| panic!("{name} {args}: {error}"))
    }

    pub fn cut(&mut self, cut: bool) {
        self.call("app.cut", json!({ "cut": cut }));
    }

    /// Syncs until nothing is left to send and nothing is left to fetch.
    pub fn drain(&mut self) -> Value {
        let report = self.call("sync.drain", json!({ "timeout_s": 60 }));
        assert_eq!(report["outbox"], 0, "{report}");
        report
    }

    /// SIGKILL; the next call opens it again.
    pub fn kill(&mut self) {
        if let Some((mut child, ..)) = self.process.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn save(&mut self, noun: &str, fields: Value) -> String {
        let saved = self.call(&format!("{noun}.save"), json!({ "id": null, "fields": fields }));
        saved["id"].as_str().unwrap().to_owned()
    }

    /// On hand of an item in a location, available and without lot.
    pub fn on_hand(&mut self, item: &str, location: &str) -> String {
        let card = self.call("items.get", json!({ "id": item }));
        let cells = card["cells"].as_array().unwrap();
        let here = cells.iter().find(|cell| cell["location"]["id"] == location && cell["lot"].is_null());
        here.map_or("0".into(), |cell| cell["on_hand"].as_str().unwrap().to_owned())
    }

    pub fn stock(&mut self, verb: &str, item: &str, location: &str, qty: &str) -> Value {
        self.call(&format!("stock.{verb}"), json!({ "item": item, "location": location, "qty": qty }))
    }

    pub fn rename(&mut self, item: &str, name: &str) {
        self.call("items.save", json!({ "id": item, "fields": { "name": name } }));
    }

    pub fn inbox(&mut self) -> Vec<Value> {
        self.call("inbox.list", json!({ "state": "open" })).as_array().unwrap().clone()
    }
}

/// Nobody speaks to it any more, so it ends by itself, and well.
impl Drop for Desktop {
    fn drop(&mut self) {
        if let Some((mut process, stdin, _stdout)) = self.process.take() {
            drop(stdin);
            let ended = process.wait().unwrap();
            assert!(ended.success() || std::thread::panicking(), "a desktop ended with {ended}");
        }
    }
}

fn stillage(dir: &Path) -> Command {
    let mut command = Command::new(binary("stillage"));
    command.args(["--json", "--data"]).arg(dir).env("STILLAGE_PASSPHRASE", "it");
    command
}

fn last_json(stdout: &[u8]) -> Value {
    let text = String::from_utf8_lossy(stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {text}"))
}

pub fn first_difference(own: &[u8], server: &[u8]) -> String {
    let (own, server) = (String::from_utf8_lossy(own), String::from_utf8_lossy(server));
    let mut pairs = own.lines().zip(server.lines());
    pairs.find(|(a, b)| a != b).map_or_else(
        || format!("{} lines against {}", own.lines().count(), server.lines().count()),
        |(a, b)| format!("\n  desktop {a}\n  server  {b}"),
    )
}

/// A site with one bin and one item, made on `desktop`.
pub struct Shelf {
    pub item: String,
    pub bin: String,
}

pub fn furnish(desktop: &mut Desktop) -> Shelf {
    let site = desktop.save("locations", json!({ "code": "DC", "name": "Depot", "role": "site" }));
    let bin = desktop.save("locations", json!({ "code": "A-1", "parent": site, "role": "storage" }));
    let item = desktop.save("items", json!({ "sku": "BOLT-8", "name": "Bolt", "reorder_point": "5" }));
    desktop.stock("receive", &item, &bin, "20");
    Shelf { item, bin }
}

/// Ana's and Ben's desktops, connected, with one shelf that both of them know.
pub fn two_in_step() -> (World, Desktop, Desktop, Shelf) {
    let world = World::start();
    let (mut ana, mut ben) = (world.desktop("Ana"), world.desktop("Ben"));
    let shelf = furnish(&mut ana);
    world.check(&mut [&mut ana, &mut ben]);
    (world, ana, ben, shelf)
}
