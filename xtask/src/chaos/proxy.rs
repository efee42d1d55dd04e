//! The network between a desktop and the two servers. Each exchange goes to either of them, and may be lost, cut,
//! delayed, sent twice or answered by somebody else.
//!
//! The surprise: an exchange has a connection of its own on both sides. A whole answer is then whatever came until
//! the server closed, and no framing has to be understood but that of a request.

use anyhow::{Context, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// What a lying network does to an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// The request never arrives.
    Drop,
    /// The answer breaks off.
    Truncate,
    Delay,
    /// The request arrives two times; the second answer comes back.
    Duplicate,
    /// A page of somebody else's, after the server did what was asked, or without asking it.
    BadGateway,
}

struct Line {
    servers: Mutex<Vec<SocketAddr>>,
    lie: Mutex<Option<Lie>>,
    draws: Mutex<ChaCha8Rng>,
    closed: AtomicBool,
}

pub struct Proxy {
    pub url: String,
    address: SocketAddr,
    line: Arc<Line>,
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    pub fn start(servers: Vec<SocketAddr>, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let line = Arc::new(Line {
            servers: Mutex::new(servers),
            lie: Mutex::new(None),
            draws: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
            closed: AtomicBool::new(false),
        });
        let own = Arc::clone(&line);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if own.closed.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), line) = (stream, Arc::clone(&own)) else { continue };
                // A connection that breaks is what this is for.
                thread::spawn(move || line.exchange(stream).ok());
            }
        });
        Ok(Self { url: format!("http://{address}"), address, line })
    }

    /// From here on about every second exchange goes wrong in this way; or none does.
    pub fn lie(&self, lie: Option<Lie>) {
        *held(&self.line.lie) = lie;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.line.closed.store(true, Ordering::Relaxed);
        // It waits for a connection: one more lets it look.
        let _ = TcpStream::connect(self.address);
    }
}

impl Line {
    fn draw(&self, below: u32) -> u32 {
        held(&self.draws).next_u32() % below
    }

    fn server(&self) -> Result<TcpStream> {
        let servers = held(&self.servers).clone();
        let first = self.draw(servers.len() as u32) as usize;
        let stream = TcpStream::connect(servers[first]).or_else(|_| TcpStream::connect(servers[1 - first]))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn exchange(&self, mut desktop: TcpStream) -> Result<()> {
        desktop.set_nodelay(true)?;
        let request = read_request(&mut desktop)?;
        let lie = held(&self.lie).filter(|_| self.draw(2) == 0);
        if is_upgrade(&request) {
            return if lie.is_some() { Ok(()) } else { through(desktop, self.server()?, &request) };
        }
        let request = closing(&request);
        match lie {
            Some(Lie::Drop) => return Ok(()),
            Some(Lie::Delay) => thread::sleep(Duration::from_millis(u64::from(self.draw(400)))),
            Some(Lie::Duplicate) => drop(ask(self.server()?, &request)?),
            Some(Lie::BadGateway) if self.draw(2) == 0 => return bad_gateway(&mut desktop),
            _ => {}
        }
        let answer = ask(self.server()?, &request)?;
        match lie {
            Some(Lie::BadGateway) => bad_gateway(&mut desktop),
            Some(Lie::Truncate) => {
                let end = self.draw(answer.len().max(1) as u32) as usize;
                Ok(desktop.write_all(&answer[..end])?)
            }
            _ => Ok(desktop.write_all(&answer)?),
        }
    }
}

/// Head and body, as far as the head says how long that is.
fn read_request(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut part = [0; 16 * 1024];
    loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            let length = header(&bytes[..end], "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Ok(bytes);
            }
        }
        let read = stream.read(&mut part)?;
        anyhow::ensure!(read > 0, "the desktop went away");
        bytes.extend_from_slice(&part[..read]);
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let head = std::str::from_utf8(head).ok()?;
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn is_upgrade(request: &[u8]) -> bool {
    let end = find(request, b"\r\n\r\n").unwrap_or(request.len());
    header(&request[..end], "upgrade").is_some()
}

/// The request with the wish that the server close afterwards, after which the desktop's own wish has no say.
fn closing(request: &[u8]) -> Vec<u8> {
    let line = find(request, b"\r\n").map_or(0, |at| at + 2);
    [&request[..line], b"Connection: close\r\n", &request[line..]].concat()
}

fn ask(mut server: TcpStream, request: &[u8]) -> Result<Vec<u8>> {
    server.set_read_timeout(Some(Duration::from_secs(30)))?;
    server.write_all(request)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).context("the server's answer broke off")?;
    Ok(answer)
}

fn bad_gateway(desktop: &mut TcpStream) -> Result<()> {
    let page = "<!doctype html><title>502</title><h1>Bad gateway</h1>";
    let head = format!("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: {}\r\n", page.len());
    Ok(write!(desktop, "{head}Connection: close\r\n\r\n{page}")?)
}

/// A socket stays open both ways until either side ends it.
fn through(desktop: TcpStream, mut server: TcpStream, request: &[u8]) -> Result<()> {
    server.write_all(request)?;
    let (from, to) = (desktop.try_clone()?, server.try_clone()?);
    let up = thread::spawn(move || pipe(from, to));
    pipe(server, desktop);
    up.join().ok();
    Ok(())
}

fn pipe(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
