//! A bad line to a server: the first part of a snapshot that is asked for is cut off, the second one comes with a wrong
//! byte, and from then on it only passes things on.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    thread,
};

/// Of the first part so much comes.
const COMES: usize = 3000;
const ASKED: &[u8] = b"GET /snapshots/";

#[derive(Clone, Copy, PartialEq)]
enum Trick {
    None,
    Cut,
    Flip,
}

pub struct BadLine {
    pub url: String,
    /// How often a part of a snapshot was asked for, and from which byte on.
    pub asked: Arc<AtomicU32>,
    pub ranges: Arc<Mutex<Vec<String>>>,
}

impl BadLine {
    pub fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = server.trim_start_matches("http://").to_owned();
        let line = Self { url, asked: Arc::default(), ranges: Arc::default() };
        let (asked, ranges) = (Arc::clone(&line.asked), Arc::clone(&line.ranges));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&server) else { continue };
                join(client, server, (Arc::clone(&asked), Arc::clone(&ranges)));
            }
        });
        line
    }
}

type Seen = (Arc<AtomicU32>, Arc<Mutex<Vec<String>>>);

fn join(client: TcpStream, server: TcpStream, (asked, ranges): Seen) {
    let trick = Arc::new(Mutex::new(Trick::None));
    let (up, down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let noted = Arc::clone(&trick);
    thread::spawn(move || {
        pass(up, server, |request| {
            if request.starts_with(ASKED) {
                let text = String::from_utf8_lossy(request).to_lowercase();
                let range = text.lines().find(|line| line.starts_with("range:")).unwrap_or_default().to_owned();
                ranges.lock().unwrap().push(range);
                *noted.lock().unwrap() = match asked.fetch_add(1, SeqCst) {
                    0 => Trick::Cut,
                    1 => Trick::Flip,
                    _ => Trick::None,
                };
            }
            true
        });
    });
    thread::spawn(move || {
        let mut come = 0;
        pass(down, client, |answer| {
            let mut trick = trick.lock().unwrap();
            if *trick == Trick::Cut {
                come += answer.len();
                return come < COMES;
            }
            if *trick == Trick::Flip && answer.len() > COMES {
                let last = answer.len() - 1;
                answer[last] ^= 1;
                *trick = Trick::None;
            }
            true
        });
    });
}

/// Passes on what comes until `look` says that it was the last.
fn pass(mut from: TcpStream, mut to: TcpStream, mut look: impl FnMut(&mut [u8]) -> bool) {
    let mut buffer = vec![0; 1 << 14];
    while let Ok(length) = from.read(&mut buffer) {
        let on = length > 0 && look(&mut buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() || !on {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
