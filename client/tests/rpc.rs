//! Programs that keep `stillage rpc` open and talk to it by lines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};
use tempfile::TempDir;

fn stillage(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stillage"));
    command.arg("--data").arg(data).env("STILLAGE_PASSPHRASE", "bench");
    command
}

struct Rpc {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Rpc {
    fn open(data: &Path) -> Self {
        let mut command = stillage(data);
        let mut child = command.arg("rpc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    fn call(&mut self, name: &str) -> Value {
        writeln!(self.stdin, "{}", json!({ "name": name })).unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

#[test]
fn data_that_could_not_be_opened_is_tried_again_and_the_reason_is_said_meanwhile() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("data");
    assert!(stillage(&data).args(["init", "--name", "Bench"]).output().unwrap().status.success());
    let (file, aside) = (data.join("stillage.db"), data.join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    std::fs::create_dir(&file).unwrap();

    let mut rpc = Rpc::open(&data);
    assert_eq!(rpc.call("items.counts")["error"]["code"], "FILE_UNREADABLE");
    std::fs::remove_dir(&file).unwrap();
    std::fs::rename(&aside, &file).unwrap();
    assert_eq!(rpc.call("items.counts")["ok"]["all"], 0, "what was in the way is gone");

    drop(rpc.stdin);
    rpc.child.wait().unwrap();
}
