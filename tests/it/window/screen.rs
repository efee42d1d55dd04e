//! What a window stands on: a display, a place of its own in the system, and (for one of them) a keyring that is real.
//! Every process started here, and whatever it starts, carries one mark in its environment; when the test ends, however
//! it ends, all that carry it are killed, so that even a window whose driver died first does not stay behind.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

const MARK: &str = "STILLAGE_WINDOW_TEST";
const SETUP: &str = "cargo xtask test";

/// A display of its own, with room for every window at its full size.
pub struct Screen {
    pub dir: PathBuf,
    display: String,
    children: Vec<Child>,
}

impl Screen {
    /// `dir` is a fresh folder and also the mark.
    pub fn start(dir: &Path) -> Self {
        fs::create_dir_all(dir).unwrap();
        let mut screen = Self { dir: dir.to_owned(), display: String::new(), children: Vec::new() };
        let mut xvfb = screen.command("Xvfb", "xvfb");
        xvfb.args(["-displayfd", "1", "-screen", "0", "1440x900x24", "-nolisten", "tcp"]);
        let mut xvfb = screen.spawn(xvfb.stdout(Stdio::piped()), "xvfb");
        screen.display = format!(":{}", first_line(&mut xvfb, "Xvfb"));
        screen.children.push(xvfb);
        screen
    }

    /// A seat at this display: a home and, if wanted, a message bus with an unlocked keyring behind it.
    pub fn seat(&mut self, name: &str, keyring: bool) -> Seat {
        let home = self.dir.join(name);
        let runtime = home.join("run");
        fs::create_dir_all(&runtime).unwrap();
        fs::set_permissions(&runtime, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        // An address nobody listens on: without one, a library would start a bus that outlives the test.
        let bus = format!("unix:path={}", runtime.join("bus").display());
        let seat = Seat { name: name.to_owned(), home, bus };
        if keyring {
            self.start_bus(&seat);
            self.start_keyring(&seat);
        }
        seat
    }

    /// A bus that starts nothing by itself: no service folder is named.
    fn start_bus(&mut self, seat: &Seat) {
        let config = seat.home.join("bus.conf");
        let text = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
             <busconfig><type>session</type><listen>{}</listen><policy context=\"default\">\
             <allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>\n",
            seat.bus
        );
        fs::write(&config, text).unwrap();
        let mut bus = self.at(seat, "dbus-daemon", "dbus");
        bus.arg(format!("--config-file={}", config.display())).args(["--nofork", "--print-address=1"]);
        let mut bus = self.spawn(bus.stdout(Stdio::piped()), &format!("{}-bus", seat.name));
        first_line(&mut bus, "dbus-daemon");
        self.children.push(bus);
    }

    fn start_keyring(&mut self, seat: &Seat) {
        let mut keyring = self.at(seat, "gnome-keyring-daemon", "gnome-keyring");
        keyring.args(["--foreground", "--unlock", "--components=secrets"]);
        let mut keyring = self.spawn(keyring.stdin(Stdio::piped()), &format!("{}-keyring", seat.name));
        let mut password: ChildStdin = keyring.stdin.take().unwrap();
        password.write_all(b"keyring of the window test").unwrap();
        self.children.push(keyring);
    }

    /// A command at a seat of this display.
    pub fn at(&self, seat: &Seat, program: &str, package: &str) -> Command {
        let mut command = self.command(program, package);
        let runtime = seat.home.join("run");
        command
            .env("HOME", &seat.home)
            .env("XDG_RUNTIME_DIR", runtime)
            .env("XDG_CONFIG_HOME", seat.home.join("config"))
            .env("XDG_DATA_HOME", seat.home.join("share"))
            .env("XDG_CACHE_HOME", seat.home.join("cache"))
            .env("DBUS_SESSION_BUS_ADDRESS", &seat.bus);
        command
    }

    fn command(&self, program: &str, package: &str) -> Command {
        let mut command = Command::new(found(program, package));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env(MARK, &self.dir)
            .env("DISPLAY", &self.display)
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            .env("GSETTINGS_BACKEND", "memory")
            .env("LANG", "C.UTF-8")
            .env("LANGUAGE", "en")
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Starts it with its complaints in a file, which stays with the screenshots when the test fails.
    pub fn spawn(&self, command: &mut Command, log: &str) -> Child {
        let log = fs::File::create(self.dir.join(log).with_extension("log")).unwrap();
        command.stderr(log).spawn().unwrap_or_else(|fault| panic!("{command:?}: {fault}"))
    }

    pub fn keep(&mut self, child: Child) {
        self.children.push(child);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A process may be starting another one just now: look until nobody is left.
        let mut left = marked(&self.dir);
        while !left.is_empty() {
            for pid in left {
                let _ = kill_process(pid, Signal::KILL);
            }
            for child in &mut self.children {
                let _ = child.wait();
            }
            left = marked(&self.dir);
        }
    }
}

/// Who sits there: a home folder and a bus address.
pub struct Seat {
    pub name: String,
    pub home: PathBuf,
    bus: String,
}

/// The program in the search path, or what to type to have it.
pub fn found(program: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
    places.find(|place| place.is_file()).unwrap_or_else(|| {
        let package_line = match package {
            "tauri-driver" => "cargo install --locked tauri-driver@2.1.0".to_owned(),
            package => format!("apt-get install -y --no-install-recommends {package}"),
        };
        panic!("{program} is not installed. Type: {package_line}   (or {SETUP}, which installs it)")
    })
}

fn first_line(child: &mut Child, name: &str) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.trim().is_empty(), "{name} ended before it was ready");
    line.trim().to_owned()
}

/// Every living process that carries the mark. A dead one that waits for its parent shows no environment.
fn marked(dir: &Path) -> Vec<Pid> {
    let mark = format!("{MARK}={}", dir.display());
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let carries = |path: &Path| {
        let environment = fs::read(path.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    processes
        .filter(|entry| carries(&entry.path()))
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}
