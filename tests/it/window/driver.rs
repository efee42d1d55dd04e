//! One window and its WebDriver: clicks and keys go in, what stands on the screen comes out. Nothing here knows the
//! engine behind the window. Typing has a person's pace, because the window takes faster keys for a scanner's.

use std::future::Future;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::screen::{Screen, Seat, found};
use crate::programs::{program, root};

/// What a condition may take on a busy machine before it counts as not coming.
const PATIENCE: Duration = Duration::from_secs(40);
const LOOK_EVERY: Duration = Duration::from_millis(60);
/// Slower than the slowest scanner.
const PERSON: Duration = Duration::from_millis(75);
const SCANNER: Duration = Duration::from_millis(4);

pub struct Window {
    pub name: String,
    client: Client,
    shots: PathBuf,
}

/// Looks again and again until there is an answer.
pub async fn until<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    let mut tick = interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < deadline {
        tick.tick().await;
        if let Some(answer) = look().await {
            return Some(answer);
        }
    }
    None
}

impl Window {
    /// Opens the built window at a seat, on a data directory below the seat's home.
    pub async fn open(screen: &mut Screen, seat: &Seat, shots: &str) -> Self {
        let (port, native) = free_ports();
        let native_driver = found("WebKitWebDriver", "webkit2gtk-driver");
        let mut driver = screen.at(seat, "tauri-driver", "tauri-driver");
        driver.args(["--port", &port.to_string(), "--native-port", &native.to_string()]);
        driver.args(["--native-host", "127.0.0.1", "--native-driver"]).arg(native_driver);
        let driver = screen.spawn(&mut driver, &format!("{}-window", seat.name));
        screen.keep(driver);
        for port in [port, native] {
            let connect = || async { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok() };
            until(connect).await.unwrap_or_else(|| panic!("the driver of {} does not listen on {port}", seat.name));
        }
        let application = program("stillage-desktop");
        let data = seat.home.join("data");
        let wanted = json!({
            "browserName": "wry",
            "tauri:options": { "application": application, "args": ["--data", data] },
        });
        let wanted = wanted.as_object().unwrap().clone();
        let url = format!("http://127.0.0.1:{port}");
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let session = builder.capabilities(wanted).connect(&url);
        let session = tokio::time::timeout(PATIENCE, session).await.expect("the window opens in time");
        let client = session.unwrap_or_else(|fault| panic!("{} does not open: {fault}", application.display()));
        let shots = root().join("target/window-test").join(shots);
        std::fs::create_dir_all(&shots).unwrap();
        for old in ["html", "png"] {
            let _ = std::fs::remove_file(shots.join(format!("failed-{}.{old}", seat.name)));
        }
        Self { name: seat.name.clone(), client, shots }
    }

    /// Closes the window as its driver does it, so that it can put its things in order.
    pub async fn close(self) {
        let _ = tokio::time::timeout(PATIENCE, self.client.close()).await;
    }

    /// Keeps what is on screen now: a picture shows the last painted frame, so one more is painted first.
    pub async fn shot(&self, name: &str) {
        let painted = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))";
        let _ = tokio::time::timeout(PATIENCE, self.client.execute_async(painted, Vec::new())).await;
        let picture = tokio::time::timeout(PATIENCE, self.client.screenshot()).await;
        let picture = picture.expect("a screenshot does not take for ever").unwrap();
        let file = self.shots.join(format!("{name}-{}.png", self.name));
        std::fs::write(file, picture).unwrap();
    }

    async fn give_up(&self, what: &str) -> ! {
        let html = self.client.source().await.unwrap_or_default();
        std::fs::write(self.shots.join(format!("failed-{}.html", self.name)), html).unwrap();
        self.shot("failed").await;
        panic!("{}'s window: {what}; see {}/failed-{0}.png", self.name, self.shots.display());
    }

    /// The element of a test id, or of a longer selector.
    pub async fn find(&self, what: &str) -> Element {
        let css = selector(what);
        match until(|| async { self.client.find(Locator::Css(&css)).await.ok() }).await {
            Some(element) => element,
            None => self.give_up(&format!("{css} does not appear")).await,
        }
    }

    pub async fn gone(&self, what: &str) {
        let css = selector(what);
        let look = || async { self.client.find_all(Locator::Css(&css)).await.ok()?.is_empty().then_some(()) };
        if until(look).await.is_none() {
            self.give_up(&format!("{css} does not go away")).await;
        }
    }

    pub async fn how_many(&self, what: &str) -> usize {
        self.client.find_all(Locator::Css(&selector(what))).await.unwrap().len()
    }

    /// Clicks once it is there and can be clicked. A page that has just changed may have replaced it in between.
    pub async fn click(&self, what: &str) {
        let css = selector(what);
        let look = || async {
            let element = self.client.find(Locator::Css(&css)).await.ok()?;
            if !element.is_enabled().await.ok()? {
                return None;
            }
            match element.click().await {
                Ok(()) => Some(()),
                Err(CmdError::Standard(_)) => None,
                Err(fault) => panic!("{css}: {fault}"),
            }
        };
        if until(look).await.is_none() {
            self.give_up(&format!("{css} cannot be clicked")).await;
        }
    }

    /// Waits until what `read` finds is what is expected; both are shown when it does not come.
    async fn agrees<F: Future<Output = Option<String>>>(&self, what: &str, expected: &str, read: impl Fn() -> F) {
        let look = || async { (read().await.as_deref() == Some(expected)).then_some(()) };
        if until(look).await.is_none() {
            let seen = read().await;
            self.give_up(&format!("{what} is {seen:?}, expected {expected:?}")).await;
        }
    }

    /// Waits for the words of an element.
    pub async fn says(&self, what: &str, expected: &str) {
        let css = selector(what);
        let read = || async { words_of(&self.client.find(Locator::Css(&css)).await.ok()?).await };
        self.agrees(&css, expected, read).await;
    }

    /// Waits for an attribute of an element, such as `data-state`.
    pub async fn shows(&self, what: &str, attribute: &str, expected: &str) {
        let css = selector(what);
        let read = || async { self.client.find(Locator::Css(&css)).await.ok()?.attr(attribute).await.ok()? };
        self.agrees(&format!("{attribute} of {css}"), expected, read).await;
    }

    /// Waits until the keyboard works on this element.
    pub async fn focused(&self, what: &str) {
        let css = format!("{}:focus", selector(what));
        if until(|| async { self.client.find(Locator::Css(&css)).await.ok() }).await.is_none() {
            let element = self.client.active_element().await.ok();
            let html = match element {
                Some(element) => element.html(false).await.unwrap_or_default(),
                None => "nothing".into(),
            };
            self.give_up(&format!("{what} does not have the focus; {html} has")).await;
        }
    }

    pub async fn words(&self, what: &str) -> String {
        words_of(&self.find(what).await).await.unwrap()
    }

    pub async fn attribute(&self, what: &str, name: &str) -> String {
        self.find(what).await.attr(name).await.unwrap().unwrap_or_default()
    }

    /// Types as a person does, into whatever has the focus.
    pub async fn types(&self, text: &str) {
        self.strike(text, PERSON).await;
    }

    /// One burst of a scanner, ended by Enter.
    pub async fn scans(&self, code: &str) {
        let burst = format!("{code}{}", char::from(Key::Enter));
        self.strike(&burst, SCANNER).await;
    }

    async fn strike(&self, text: &str, pace: Duration) {
        let mut keys = KeyActions::new("keyboard".into());
        for value in text.chars() {
            keys = keys.then(KeyAction::Down { value }).then(KeyAction::Up { value });
            keys = keys.then(KeyAction::Pause { duration: pace });
        }
        self.client.perform_actions(keys).await.unwrap();
    }

    pub async fn key(&self, key: Key) {
        self.types(&char::from(key).to_string()).await;
    }

    /// A key while another one is held.
    pub async fn chord(&self, held: Key, value: char) {
        let held = char::from(held);
        let keys = KeyActions::new("keyboard".into())
            .then(KeyAction::Down { value: held })
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value })
            .then(KeyAction::Up { value: held })
            .then(KeyAction::Pause { duration: PERSON });
        self.client.perform_actions(keys).await.unwrap();
    }

    /// Clicks into a field and replaces what it holds.
    pub async fn writes(&self, what: &str, text: &str) {
        self.click(what).await;
        self.focused(what).await;
        self.chord(Key::Control, 'a').await;
        self.types(text).await;
    }
}

/// The words as laid out. WebDriver's own reading takes what a clipped, shifted row holds for hidden.
async fn words_of(element: &Element) -> Option<String> {
    let text = element.prop("innerText").await.ok()??;
    Some(text.trim().to_owned())
}

/// A word stands for the element with that test id; what follows it, or a selector without one, is taken as it is.
fn selector(what: &str) -> String {
    if what.starts_with('[') {
        return what.to_owned();
    }
    let end = what.find(|letter: char| !(letter.is_ascii_lowercase() || letter == '-')).unwrap_or(what.len());
    let (id, rest) = what.split_at(end);
    format!("[data-testid=\"{id}\"]{rest}")
}

/// Two ports that are free now; both are held until both are known.
fn free_ports() -> (u16, u16) {
    let first = TcpListener::bind("127.0.0.1:0").unwrap();
    let second = TcpListener::bind("127.0.0.1:0").unwrap();
    (first.local_addr().unwrap().port(), second.local_addr().unwrap().port())
}
