//! What people do at the window, in their words. Each step ends when the screen says that it is done.

use fantoccini::key::Key;

use super::driver::Window;

/// A fresh window on a computer without a keyring: a name, and the passphrase twice.
pub async fn sets_up_with_a_passphrase(window: &Window, passphrase: &str) {
    window.writes("gate-name", &format!("{}'s desk", window.name)).await;
    window.writes("gate-passphrase", passphrase).await;
    window.writes("gate-passphrase-again", passphrase).await;
    window.click("gate-create").await;
    window.find("connect-url").await;
}

/// A fresh window on a computer that keeps the key itself asks for a name and nothing else.
pub async fn sets_up_with_the_keyring(window: &Window) {
    window.writes("gate-name", &format!("{}'s desk", window.name)).await;
    assert_eq!(window.how_many("gate-passphrase").await, 0, "there is a keyring; no passphrase is asked for");
    window.key(Key::Enter).await;
    window.find("connect-url").await;
}

pub async fn connects(window: &Window, url: &str, code: &str) {
    window.writes("connect-url", url).await;
    window.writes("connect-code", code).await;
    window.click("connect-connect").await;
    window.shows("status-connection", "data-state", "online").await;
}

/// The switch in the status bar's menu.
pub async fn pulls_the_network(window: &Window) {
    window.click("status-menu").await;
    window.click("status-cut").await;
    window.shows("status-connection", "data-state", "offline").await;
}

pub async fn plugs_it_in_again(window: &Window) {
    window.click("status-menu").await;
    window.click("status-cut").await;
    window.shows("status-connection", "data-state", "online").await;
}

pub async fn has_sent_everything(window: &Window) {
    window.shows("status-waiting", "data-count", "0").await;
}

/// Opens the card of an item from the stock list.
pub async fn opens(window: &Window, sku: &str) {
    window.click("nav-stock").await;
    window.click(&row(sku)).await;
    window.shows("item-panel", "data-sku", sku).await;
}

pub async fn renames(window: &Window, sku: &str, name: &str) {
    opens(window, sku).await;
    edits(window, "item-name", name).await;
}

/// Edits a value where it stands.
pub async fn edits(window: &Window, field: &str, value: &str) {
    window.click(field).await;
    let input = format!("{field}-input");
    window.focused(&input).await;
    window.chord(Key::Control, 'a').await;
    window.types(value).await;
    window.key(Key::Enter).await;
    window.says(field, value).await;
}

/// Moves an item that lies in one place only; the form then asks for the rest, field by field.
pub async fn moves(window: &Window, sku: &str, qty: &str, to: &str) {
    opens(window, sku).await;
    window.click("item-action-move").await;
    window.shows("entry-panel", "data-kind", "move").await;
    window.focused("entry-qty").await;
    window.types(qty).await;
    window.key(Key::Enter).await;
    window.focused("entry-to").await;
    window.types(to).await;
    window.shot("moving").await;
    window.key(Key::Enter).await;
    window.shows("entry-result", "data-state", "waiting").await;
    window.click("entry-close").await;
}

/// Counts an item that lies in several places.
pub async fn counts(window: &Window, sku: &str, place: &str, qty: &str) {
    opens(window, sku).await;
    window.key(Key::F2).await;
    window.shows("entry-panel", "data-kind", "count").await;
    window.focused("entry-location").await;
    window.types(place).await;
    window.key(Key::Enter).await;
    window.focused("entry-qty").await;
    window.types(qty).await;
    window.shot("counting").await;
    window.key(Key::Enter).await;
    window.shows("entry-result", "data-state", "waiting").await;
    window.shot("counted").await;
    window.click("entry-close").await;
}

/// Everything the screens say of an item: its line in the list, and the facts of its card.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    pub name: String,
    pub on_hand: String,
    pub reorder_point: String,
    pub cells: Vec<(String, String)>,
}

impl Seen {
    pub fn new(name: &str, on_hand: &str, reorder_point: &str, cells: &[(&str, &str)]) -> Self {
        let cells = cells.iter().map(|(place, qty)| ((*place).to_owned(), (*qty).to_owned())).collect();
        Self { name: name.into(), on_hand: on_hand.into(), reorder_point: reorder_point.into(), cells }
    }
}

/// Waits until list and card of an item show what is expected, then reads it all once more.
pub async fn sees(window: &Window, sku: &str, expected: &Seen) -> Seen {
    opens(window, sku).await;
    let line = |part: &str| format!("{} [data-testid=\"{part}\"]", row(sku));
    window.says(&line("stock-row-name"), &expected.name).await;
    window.says("item-name", &expected.name).await;
    window.says("item-reorder-point", &expected.reorder_point).await;
    window.shows("item-on-hand", "data-value", &expected.on_hand).await;
    let mut cells = Vec::new();
    for (place, qty) in &expected.cells {
        let cell = format!("item-cell[data-code=\"{place}\"] [data-testid=\"item-cell-qty\"]");
        window.shows(&cell, "data-value", qty).await;
        cells.push((place.clone(), window.attribute(&cell, "data-value").await));
    }
    assert_eq!(window.how_many("item-cell").await, cells.len(), "{sku} lies in no other place");
    Seen {
        name: window.words("item-name").await,
        on_hand: window.attribute("item-on-hand", "data-value").await,
        reorder_point: window.words("item-reorder-point").await,
        cells,
    }
}

pub fn row(sku: &str) -> String {
    format!("stock-row[data-sku=\"{sku}\"]")
}

/// Chooses one of the settings that are written as a row of words.
pub async fn chooses(window: &Window, setting: &str, value: &str) {
    window.click("nav-settings").await;
    window.click(&format!("{setting} input[value=\"{value}\"] + label")).await;
    window.find(&format!("{setting} input[value=\"{value}\"]:checked")).await;
}
