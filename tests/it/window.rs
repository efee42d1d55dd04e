//! The window as people have it: the built program on a display of its own, driven by clicks and keys and read from its
//! screens; the engine is never called behind its back. Screenshots of each step stay in target/window-test.

mod driver;
mod person;
mod screen;

use std::future::Future;
use std::time::Duration;

use driver::Window;
use fantoccini::key::Key;
use person::Seen;
use screen::Screen;
use serde_json::{Value, json};

use crate::world::{Desktop, World};

const PASSPHRASE: &str = "correct horse battery";

/// A story that takes longer is stuck; it must end before the test runner ends it, so that nothing stays behind.
fn within_limits(story: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let limit = Duration::from_secs(300);
    runtime.block_on(async { tokio::time::timeout(limit, story).await.expect("the story ends within five minutes") });
}

/// A site with two bins and two items, made by somebody at a third desk.
fn furnished(world: &World) -> Desktop {
    let mut cara = world.desktop("Cara");
    let site = cara.save("locations", json!({ "code": "DC", "name": "Depot", "role": "site" }));
    let bin = |code: &str| json!({ "code": code, "parent": site, "role": "storage" });
    let first = cara.save("locations", bin("A-1"));
    cara.save("locations", bin("A-2"));
    let bolt = json!({ "sku": "BOLT-8", "name": "Bolt M8", "reorder_point": "5" });
    let nut = json!({ "sku": "NUT-8", "name": "Nut M8", "reorder_point": "10" });
    for (item, qty) in [(bolt, "20"), (nut, "50")] {
        let item = cara.save("items", item);
        cara.stock("receive", &item, &first, qty);
    }
    cara.drain();
    cara
}

fn code(world: &World, person: &str) -> String {
    let code: Value = world.server(&["device-code", "--name", person, "--person", person]);
    code["code"].as_str().unwrap().to_owned()
}

/// Ana's computer has no keyring, Ben's has one; both connect with a code. Each has a display, because without a window
/// manager only the newest window of a display has the keyboard.
async fn two_desks(world: &World, screens: &mut [Screen; 2]) -> (Window, Window) {
    let shots = "story";
    let (anas, bens) = (screens[0].seat("ana", false), screens[1].seat("ben", true));
    let ana = Window::open(&mut screens[0], &anas, shots).await;
    ana.find("gate-name").await;
    ana.shot("01-gate").await;
    person::sets_up_with_a_passphrase(&ana, PASSPHRASE).await;
    ana.shot("02-connect").await;
    person::connects(&ana, &world.url, &code(world, "Ana")).await;
    let ben = Window::open(&mut screens[1], &bens, shots).await;
    ben.find("gate-name").await;
    ben.shot("01-gate").await;
    person::sets_up_with_the_keyring(&ben).await;
    person::connects(&ben, &world.url, &code(world, "Ben")).await;
    (ana, ben)
}

#[test]
fn two_windows_offline_on_the_same_stock_agree_and_ask_one_question() {
    within_limits(async {
        let world = World::start();
        let mut cara = furnished(&world);
        let mut screens = ["first", "second"].map(|name| Screen::start(&world.dir.path().join(name)));
        let (ana, ben) = two_desks(&world, &mut screens).await;
        let before = Seen::new("Bolt M8", "20", "5", &[("A-1", "20")]);
        for window in [&ana, &ben] {
            person::sees(window, "BOLT-8", &before).await;
            window.shot("03-connected").await;
            person::pulls_the_network(window).await;
            window.shot("04-offline").await;
        }
        both_work_offline(&ana, &ben).await;
        // Ben's work arrives first: his names stand, and Ana is the one to be asked.
        for window in [&ben, &ana] {
            person::plugs_it_in_again(window).await;
            person::has_sent_everything(window).await;
        }
        both_see(&ana, &ben, "BOLT-8", &Seen::new("Bolt M8 zinc", "20", "5", &[("A-1", "12"), ("A-2", "8")])).await;
        both_see(&ana, &ben, "NUT-8", &Seen::new("Nut M8 zinc", "50", "25", &[("A-1", "50")])).await;
        one_question_is_answered(&ana, &ben).await;
        both_see(&ana, &ben, "BOLT-8", &Seen::new("Hex bolt M8", "20", "5", &[("A-1", "12"), ("A-2", "8")])).await;
        ana.shot("09-agreed").await;
        ben.shot("09-agreed").await;
        in_other_looks(&ana, &ben).await;
        world.check(&mut [&mut cara]);
        ana.close().await;
        ben.close().await;
    });
}

/// The same bin moved from and counted by both; the same item named by both; and a second one shared out.
async fn both_work_offline(ana: &Window, ben: &Window) {
    person::moves(ana, "BOLT-8", "5", "A-2").await;
    person::counts(ana, "BOLT-8", "A-1", "14").await;
    person::renames(ana, "BOLT-8", "Hex bolt M8").await;
    person::renames(ana, "NUT-8", "Nut M8 zinc").await;
    ana.shot("05-worked-offline").await;
    // Ben's count is the later one: what he found in A-1 is what there is, whoever's work arrives first.
    person::moves(ben, "BOLT-8", "3", "A-2").await;
    person::counts(ben, "BOLT-8", "A-1", "12").await;
    person::renames(ben, "BOLT-8", "Bolt M8 zinc").await;
    person::opens(ben, "NUT-8").await;
    person::edits(ben, "item-reorder-point", "25").await;
    ben.shot("05-worked-offline").await;
}

async fn both_see(ana: &Window, ben: &Window, sku: &str, expected: &Seen) {
    let anas = person::sees(ana, sku, expected).await;
    let bens = person::sees(ben, sku, expected).await;
    assert_eq!(anas, bens);
    assert_eq!(&anas, expected);
}

async fn one_question_is_answered(ana: &Window, ben: &Window) {
    ana.shows("status-inbox", "data-count", "1").await;
    assert_eq!(ben.how_many("status-inbox").await, 0, "nobody is asked twice");
    ana.shot("06-merged").await;
    ben.shot("06-merged").await;
    ana.click("nav-inbox").await;
    ana.shows("inbox-card", "data-kind", "conflict").await;
    assert_eq!(ana.how_many("inbox-card").await, 1);
    ana.says("inbox-base", "Bolt M8").await;
    ana.says("inbox-mine", "Hex bolt M8").await;
    ana.says("inbox-theirs", "Bolt M8 zinc").await;
    ana.shot("07-question").await;
    ana.click("inbox-keep-mine").await;
    ana.find("inbox-empty").await;
    ana.gone("status-inbox").await;
    ana.shot("08-answered").await;
    person::has_sent_everything(ana).await;
}

/// For the eye: the same screens in dark, and in German.
async fn in_other_looks(ana: &Window, ben: &Window) {
    person::chooses(ana, "settings-theme", "dark").await;
    ana.shot("10-settings-dark").await;
    person::opens(ana, "BOLT-8").await;
    ana.shot("11-stock-dark").await;
    ana.click("nav-inbox").await;
    ana.click("inbox-tab-resolved").await;
    ana.find("inbox-card").await;
    ana.shot("12-resolved-dark").await;
    person::chooses(ben, "settings-language", "de").await;
    ben.shot("10-settings-german").await;
    person::opens(ben, "BOLT-8").await;
    ben.shot("11-stock-german").await;
    ben.click("nav-locations").await;
    ben.shot("12-locations-german").await;
    ben.key(Key::F4).await;
    ben.find("entry-panel").await;
    ben.shot("13-move-german").await;
}

/// A device that was set up and furnished before anybody opened its window.
fn lone_and_furnished(data: std::path::PathBuf) -> Desktop {
    let mut desktop = Desktop::at(data);
    let made = desktop.cli(&["init", "--name", "Goods in"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let site = desktop.save("locations", json!({ "code": "DC", "name": "Depot", "role": "site" }));
    desktop.save("locations", json!({ "code": "A-1", "parent": site, "role": "storage" }));
    for (sku, name, barcode) in [("BOLT-8", "Bolt M8", "4006381333931"), ("NUT-8", "Nut M8", "5901234123457")] {
        let item = desktop.save("items", json!({ "sku": sku, "name": name }));
        desktop.save("barcodes", json!({ "item": item, "code": barcode }));
    }
    desktop
}

#[test]
fn the_keyboard_alone_receives_goods_and_a_scan_into_nowhere_opens_the_item() {
    within_limits(async {
        let dir = tempfile::Builder::new().prefix("stillage-window-").tempdir().unwrap();
        let mut screen = Screen::start(&dir.path().join("screen"));
        let seat = screen.seat("dora", false);
        drop(lone_and_furnished(seat.home.join("data")));
        let dora = Window::open(&mut screen, &seat, "keyboard").await;
        unlocks_at_the_second_try(&dora).await;
        receives_by_keys(&dora).await;
        // Twice back: the entry closes, then the card; nothing has the focus now.
        dora.key(Key::Escape).await;
        dora.says("item-name", "Bolt M8").await;
        dora.shows("item-on-hand", "data-value", "12").await;
        dora.key(Key::Escape).await;
        dora.gone("item-panel").await;
        dora.scans("5901234123457").await;
        dora.shows("item-panel", "data-sku", "NUT-8").await;
        dora.shot("04-scanned").await;
        dora.close().await;
    });
}

async fn unlocks_at_the_second_try(window: &Window) {
    window.find("gate-unlock").await;
    window.focused("gate-passphrase").await;
    window.types("wrong").await;
    window.key(Key::Enter).await;
    window.find("gate-fault").await;
    window.shot("01-locked").await;
    window.writes("gate-passphrase", "it").await;
    window.key(Key::Enter).await;
    window.find("status-bar").await;
}

/// From the empty desk to the recorded receipt: F3, what, where, how much.
async fn receives_by_keys(window: &Window) {
    window.find(&person::row("BOLT-8")).await;
    window.key(Key::F3).await;
    window.focused("entry-item").await;
    window.types("BOLT-8").await;
    window.find("[role=\"option\"]").await;
    window.key(Key::Enter).await;
    window.focused("entry-location").await;
    window.types("A-1").await;
    window.key(Key::Enter).await;
    window.focused("entry-qty").await;
    window.types("12").await;
    window.shot("02-receiving").await;
    window.key(Key::Enter).await;
    window.shows("entry-result", "data-state", "waiting").await;
    window.focused("entry-qty").await;
    window.shot("03-received").await;
}
