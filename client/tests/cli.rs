//! The command line from end to end, on real files and without a server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use serde_json::{Value, json};
use std::{path::Path, process::Command};
use tempfile::TempDir;

struct Device {
    home: TempDir,
}

struct Ran {
    exit: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// The last line, as programs read it.
    fn json(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {}\n{}", self.stdout, self.stderr))
    }
}

impl Device {
    fn new() -> Self {
        let device = Self { home: TempDir::new().unwrap() };
        device.done(&["init", "--name", "Bench"]);
        device
    }

    fn furnished() -> Self {
        let device = Self::new();
        device.done(&["location-save", "--code", "MAIN"]);
        device.done(&["location-save", "--code", "A1", "--parent", "MAIN"]);
        device.done(&["location-save", "--code", "A2", "--parent", "MAIN", "--negative", "block"]);
        device.done(&["item-save", "--sku", "BOLT-8", "--name", "Bolt M8", "--pack", "BOX=12"]);
        device
    }

    fn run(&self, args: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_stillage"))
            .args(["--json", "--data"])
            .arg(self.home.path().join("data"))
            .args(args)
            .env("STILLAGE_PASSPHRASE", "bench")
            .output()
            .unwrap();
        Ran {
            exit: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn done(&self, args: &[&str]) -> Value {
        let ran = self.run(args);
        assert_eq!(ran.exit, 0, "{args:?}: {}{}", ran.stdout, ran.stderr);
        ran.json()
    }

    fn refused(&self, args: &[&str]) -> (i32, String) {
        let ran = self.run(args);
        (ran.exit, ran.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path_text(&path)
    }
}

fn path_text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn refused(exit: i32, code: &str) -> (i32, String) {
    (exit, code.to_owned())
}

#[test]
fn goods_come_in_move_are_counted_and_a_receipt_is_reversed() {
    let device = Device::furnished();
    let at = |verb: &'static str, qty: &'static str| device.done(&[verb, "bolt-8", qty, "--location", "A1"]);
    assert_eq!(at("receive", "3BOX + 7EA")["on_hand"], "43");
    assert_eq!(at("issue", "3")["state"], "waiting");
    device.done(&["move", "BOLT-8", "5", "--location", "A1", "--to", "A2"]);
    assert_eq!(at("count", "30")["on_hand"], "30");
    let rows = device.done(&["history", "BOLT-8"]);
    let kinds: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["count_variance", "transfer", "issue", "receive"]);
    assert_eq!(rows[3]["entered"], "3 BOX + 7 EA");
    let issue = json!({ "movement": rows[2]["id"] }).to_string();
    device.done(&["call", "stock.reverse", &issue]);
    assert_eq!(device.refused(&["call", "stock.reverse", &issue]), refused(4, "ALREADY_REVERSED"));
    let rows = device.done(&["history", "BOLT-8"]);
    assert!(rows.as_array().unwrap().iter().any(|row| row["kind"] == "issue" && row["reversed"] == true));
}

#[test]
fn every_refusal_has_its_exit_code() {
    let device = Device::furnished();
    assert_eq!(device.refused(&["frobnicate"]), refused(2, "BAD_INPUT"));
    assert_eq!(device.refused(&["call", "items.nothing"]), refused(2, "UNKNOWN_COMMAND"));
    assert_eq!(device.refused(&["call", "items.list", "{\"limit\": \"x\"}"]), refused(2, "BAD_INPUT"));
    assert_eq!(device.refused(&["receive", "BOLT-8", "1,5", "--location", "A1"]), refused(2, "BAD_QUANTITY"));
    assert_eq!(device.refused(&["receive", "BOLT-8", "1 PAL", "--location", "A1"]), refused(2, "UNKNOWN_UNIT"));
    assert_eq!(device.refused(&["receive", "NUT", "1", "--location", "A1"]), refused(4, "NOT_FOUND"));
    assert_eq!(device.refused(&["issue", "BOLT-8", "1", "--location", "A2"]), refused(4, "NOT_ENOUGH_STOCK"));
    assert_eq!(device.refused(&["adjust", "BOLT-8", "-1", "--location", "A1"]), refused(4, "REASON_REQUIRED"));
    assert_eq!(device.refused(&["sync"]).0, 6);
    let fresh = Device { home: TempDir::new().unwrap() };
    assert_eq!(fresh.refused(&["status"]), refused(6, "NEEDS_SETUP"));
}

#[test]
fn every_bad_row_of_a_file_is_named_at_once() {
    let device = Device::new();
    let file = device.file(
        "items.csv",
        "Artikelnummer;Bezeichnung;Mindestbestand;EAN\n\
         BOLT-8;Schraube;12,5;4006381333931\n\
         bolt-8;Schraube M8;;\n\
         NUT;Mutter;5;8,02E+12\n\
         NUT2;Mutter;x;4006381333932\n\
         ;leer;y;8,02E+12\n\
         BOLT-8;nochmal;;\n",
    );
    let checked = device.run(&["import", &file, "--dry-run"]);
    assert_eq!(checked.exit, 4);
    let report = checked.json();
    let bad: Vec<(u64, &str, &str)> = report["bad"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["row"].as_u64().unwrap(), row["column"].as_str().unwrap(), row["code"].as_str().unwrap()))
        .collect();
    let expected = [
        (4, "EAN", "MANGLED_BARCODE"),
        (5, "Mindestbestand", "NOT_A_QUANTITY"),
        (5, "EAN", "MISREAD"),
        (6, "Artikelnummer", "MISSING"),
        (6, "Mindestbestand", "NOT_A_QUANTITY"),
        (6, "EAN", "MANGLED_BARCODE"),
        (7, "Artikelnummer", "DUPLICATE"),
    ];
    assert_eq!(bad, expected);
    assert_eq!((&report["delimiter"], &report["decimal"], &report["recorded"]), (&json!(";"), &json!(","), &json!(0)));
    assert_eq!(device.done(&["items"])["total"], 0);
    assert_eq!(device.run(&["import", &file]).json()["recorded"], 2);
    let item = device.done(&["item", "4006381333931"]);
    assert_eq!((&item["sku"], &item["min"], &item["aliases"]), (&json!("BOLT-8"), &json!("12.5"), &json!(["bolt-8"])));
}

#[test]
fn what_is_exported_comes_back_in_unchanged() {
    let device = Device::new();
    let items = "sku,name,description,base_unit,display_scale,packs,tracking,category,min,reorder_point,aliases,barcode\n\
         BOLT-8,\"Bolt, 8 \"\"mm\"\"\",Zinc,EA,0,BOX=12 | PAL=480,none,Iron > Bolts,5,10,old-8 | x8,4006381333931 | HOUSE-1=BOX\n\
         GLUE,Glue,,KG,3,,lot,,2.5,,,\n\
         PUMP,Pump,,EA,0,,serial,Machines,,,,\n";
    let places =
        "code,name,parent,role,negative\nMAIN,Main,,site,warn\nR1,Rack,MAIN,storage,warn\nR1-A2,,R1,storage,block\n";
    let stock = "sku,location,qty,lot,serial,expiry,status\nGLUE,R1,2.125,L7,,2027-01-31,available\n\
         BOLT-8,R1-A2,40,,,,available\nPUMP,R1-A2,1,,SN1,,quarantine\n";
    for (kind, content) in [("items", items), ("locations", places), ("stock", stock)] {
        let file = device.file(&format!("{kind}.csv"), content);
        let report = device.done(&["import", &file]);
        assert_eq!((&report["kind"], &report["recorded"]), (&json!(kind), &json!(3)), "{report}");
        assert_eq!(device.run(&["export", kind]).stdout, content);
    }
    for kind in ["items", "locations"] {
        let again = device.done(&["import", &path_text(&device.home.path().join(format!("{kind}.csv")))]);
        assert_eq!((&again["good"], &again["recorded"]), (&json!(3), &json!(0)), "{again}");
    }
}

#[test]
fn a_file_touches_only_the_columns_it_has() {
    let device = Device::furnished();
    device.done(&["item-save", "--sku", "BOLT-8", "--unit", "EA", "--min", "5"]);
    let report = device.done(&["import", &device.file("names.csv", "SKU;Bezeichnung\nbolt-8;Hex bolt\n")]);
    assert_eq!(report["recorded"], 1);
    let item = device.done(&["item", "BOLT-8"]);
    assert_eq!(
        (&item["name"], &item["min"], &item["packs"][0]["code"]),
        (&json!("Hex bolt"), &json!("5"), &json!("BOX"))
    );
    let fixed = device.run(&["import", &device.file("units.csv", "sku,unit\nBOLT-8,KG\n"), "--dry-run"]).json();
    assert_eq!(fixed["bad"][0]["code"], "FIXED");
    let mapped = device.file("odd.csv", "Nr,Was\nNUT,Mutter\n");
    assert_eq!(device.refused(&["import", &mapped]), refused(2, "FILE_KIND_UNKNOWN"));
    assert_eq!(device.refused(&["import", &mapped, "--kind", "items"]), refused(2, "COLUMNS_MISSING"));
    assert_eq!(device.refused(&["import", &mapped, "--map", "Nummer=sku"]), refused(2, "COLUMN_NOT_FOUND"));
    device.done(&["import", &mapped, "--map", "nr=sku", "Was=name"]);
    assert_eq!(device.done(&["item", "NUT"])["name"], "Mutter");
}

#[test]
fn a_check_tells_every_heading_and_what_it_was_taken_for() {
    let device = Device::new();
    let file = device.file("items.csv", "Artikel-Nr.;Bezeichnung;Farbe;Beschreibung\nA;Bolt;red;long\n");
    let report = device.done(&["import", &file, "--dry-run"]);
    assert_eq!(report["headings"], json!(["Artikel-Nr.", "Bezeichnung", "Farbe", "Beschreibung"]));
    let places = json!({ "sku": "Artikel-Nr.", "name": "Bezeichnung", "description": "Beschreibung" });
    assert_eq!(report["places"], places);
    let mapped = device.done(&["import", &file, "--map", "Farbe=description", "--map", "Beschreibung="]);
    assert_eq!(mapped["places"]["description"], "Farbe");
    assert_eq!(device.done(&["item", "A"])["description"], "red");
}

#[test]
fn money_is_read_in_the_digits_of_its_currency() {
    let device = Device::furnished();
    let costed = |cost: &str| ["receive", "BOLT-8", "1", "--location", "A1", "--cost", cost].map(str::to_owned);
    let run = |cost: &str| device.run(&costed(cost).iter().map(String::as_str).collect::<Vec<_>>()).exit;
    assert_eq!((run("2.50EUR"), run("300JPY"), run("1.234kwd")), (0, 0, 0));
    assert_eq!((run("0.5JPY"), run("2.505EUR"), run("2.50"), run("2.50EURO")), (2, 2, 2, 2));
}

#[test]
fn locations_come_as_a_tree_in_any_order() {
    let device = Device::new();
    let file =
        device.file("places.csv", "Pfad\tBezeichnung\nHall 1 > Rack A > A1\tFirst\nHall 1\tThe hall\nHall 2 > B1\t\n");
    assert_eq!(device.done(&["import", &file])["good"], 3);
    let rows = device.done(&["call", "locations.list"]);
    let tree: Vec<(u64, &str)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["depth"].as_u64().unwrap(), row["code"].as_str().unwrap()))
        .collect();
    assert_eq!(tree, [(0, "Hall 1"), (1, "Rack A"), (2, "A1"), (0, "Hall 2"), (1, "B1")]);
    assert_eq!(rows[0]["name"], "The hall");
    let bad = device.file("bad.csv", "code,parent\nX,Y\nY,X\nZ,NOWHERE\n");
    let report = device.run(&["import", &bad]).json();
    let codes: Vec<&str> = report["bad"].as_array().unwrap().iter().map(|row| row["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["TREE_LOOP", "TREE_LOOP", "NOT_FOUND"]);
}

#[test]
fn search_puts_the_exact_code_first_and_shows_each_item_once() {
    let device = Device::new();
    let file = device.file(
        "items.csv",
        "sku,name,barcode,aliases\nX9,Bolt M8,4006381333931,\nM8,Something,,\nM80,Else,,\nY1,Nut for bolt m8,,M8X\nZ1,Em8edded,,\n",
    );
    device.done(&["import", &file]);
    let found = |text: &str| {
        let page = device.done(&["items", "--search", text]);
        let skus: Vec<String> =
            page["rows"].as_array().unwrap().iter().map(|row| row["sku"].as_str().unwrap().to_owned()).collect();
        assert_eq!(page["total"], skus.len());
        skus
    };
    assert_eq!(found("m8"), ["M8", "M80", "X9", "Y1", "Z1"]);
    assert_eq!(found("4006381333931"), ["X9"]);
    assert_eq!(found("m8x"), ["Y1"]);
    assert_eq!(found("m8 bolt"), ["X9", "Y1"]);
    assert_eq!(found("dded"), ["Z1"]);
    device.done(&["archive", "item", "Z1"]);
    assert_eq!(found("dded"), Vec::<String>::new());
}

#[test]
fn calls_are_answered_in_order_and_a_document_is_recorded_whole_or_not_at_all() {
    use std::{io::Write, process::Stdio};
    let device = Device::furnished();
    let item = device.done(&["item", "BOLT-8"])["id"].clone();
    let places = device.done(&["call", "locations.list"]);
    let bin = places.as_array().unwrap().iter().find(|row| row["code"] == "A1").unwrap()["id"].clone();
    let line = |verb: &str, qty: &str| json!({ "verb": verb, "item": item, "location": bin, "qty": qty, "reference": "INV-1" });
    let calls = [
        json!({ "name": "stock.record", "args": { "entries": [line("receive", "5"), line("issue", "two")] } }),
        json!({ "name": "stock.find_reference", "args": { "reference": "INV-1" } }),
        json!({ "name": "stock.record", "args": { "entries": [line("receive", "5"), line("issue", "2")] } }),
        json!({ "name": "stock.find_reference", "args": { "reference": "INV-1" } }),
        json!({ "name": "app.traffic" }),
        json!("nonsense"),
    ];
    let mut child = Command::new(env!("CARGO_BIN_EXE_stillage"))
        .arg("--data")
        .arg(device.home.path().join("data"))
        .arg("rpc")
        .env("STILLAGE_PASSPHRASE", "bench")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for call in &calls {
        writeln!(stdin, "{call}").unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let answers: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0]["error"]["code"], "BAD_QUANTITY");
    assert_eq!(answers[0]["error"]["details"]["entry"], 1);
    assert_eq!(answers[1]["ok"]["count"], 0);
    assert_eq!(answers[2]["ok"]["recorded"].as_array().unwrap().len(), 2);
    assert_eq!(answers[3]["ok"]["count"], 2);
    assert_eq!(answers[4]["ok"], json!({ "sent": 0, "received": 0 }));
    assert_eq!(answers[5]["error"]["code"], "UNKNOWN_COMMAND");
}
