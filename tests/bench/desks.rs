//! Desktops by the hundred, in this process: each a socket and a connection to the server as a real one has them, and of a
//! desktop's database only its cursors. It takes what the socket brings, or pulls when that does not fit, reads it and forgets
//! the rows; left alone, it asks whether the line still stands, polls, and hangs up, at the times of a real one.

use crate::{device::Device, mint::Mint, server::Server};
use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use stillage_core::{
    scope::Scope,
    wire::{Poke, PullInput},
};
use tokio::{
    net::TcpStream,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig},
};

/// As in `client/src/sync`.
const QUIET: Duration = Duration::from_secs(25);
const POLL: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_secs(10);
const BUFFER: usize = 4096;
const MAX_ROWS: u32 = 5000;

type Socket = WebSocketStream<TcpStream>;

/// All of them, and word of how far each is.
pub struct Desks {
    tasks: JoinSet<Result<()>>,
    word: UnboundedReceiver<(usize, u64)>,
    at: Vec<u64>,
}

/// A desktop without a desk.
struct Desk {
    n: usize,
    device: Device,
    cursors: BTreeMap<Scope, u64>,
    word: UnboundedSender<(usize, u64)>,
}

impl Desks {
    /// So many that have everything, listen, and are told about.
    pub async fn gather(server: &Server, count: usize, mint: &mut Mint) -> Result<Self> {
        let (tell, word) = unbounded_channel();
        let mut tasks = JoinSet::new();
        for (n, code) in server.device_codes("Idle desk", count).await?.into_iter().enumerate() {
            let device = Device::join(server, (&code, &format!("Idle desk {n}")), mint).await?;
            let mut desk = Desk { n, device, cursors: BTreeMap::new(), word: tell.clone() };
            // As if it had pulled all there is.
            let answer = desk.device.pull(&desk.cursors, 1, true).await?;
            desk.cursors = answer.heads.into_iter().map(|head| (head.scope, head.seq)).collect();
            let socket = listen(&server.url, &desk).await?;
            tasks.spawn(desk.keep_in_step(socket));
        }
        Ok(Self { tasks, word, at: vec![0; count] })
    }

    /// Waits until all have come so far in their sites.
    pub async fn until(&mut self, seq: u64) -> Result<()> {
        while self.at.iter().any(|at| *at < seq) {
            tokio::select! {
                word = self.word.recv() => {
                    let (n, at) = word.context("all desks are gone")?;
                    self.at[n] = at;
                }
                Some(ended) = self.tasks.join_next() => {
                    ended??;
                    bail!("a desk is gone");
                }
            }
        }
        Ok(())
    }

    pub async fn go(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Desk {
    async fn keep_in_step(mut self, mut socket: Socket) -> Result<()> {
        // Spread as the desktops of a fleet are.
        let poll = POLL.mul_f64(0.7 + 0.6 * (self.n % 100) as f64 / 100.0);
        let (mut quiet, mut polls) = (Instant::now() + QUIET, Instant::now() + poll);
        let mut idle = Instant::now() + IDLE;
        loop {
            tokio::select! {
                message = socket.next() => {
                    quiet = Instant::now() + QUIET;
                    if self.hears(message.context("the socket was closed")??)? {
                        self.pull().await?;
                        (polls, idle) = (Instant::now() + poll, Instant::now() + IDLE);
                    }
                }
                () = sleep_until(quiet) => {
                    quiet = Instant::now() + QUIET;
                    socket.send(Message::text(json!({ "type": "ping" }).to_string())).await?;
                }
                () = sleep_until(polls) => {
                    self.pull().await?;
                    self.device.hang_up();
                    polls = Instant::now() + poll;
                }
                () = sleep_until(idle), if self.device.is_connected() => self.device.hang_up(),
            }
        }
    }

    /// Takes what a message brings; says whether there is more.
    fn hears(&mut self, message: Message) -> Result<bool> {
        let Message::Text(text) = message else { return Ok(false) };
        let mut message: Value = serde_json::from_str(&text)?;
        if message["type"] != "next" {
            ensure!(message["type"] == "pong", "the socket says {message}");
            return Ok(false);
        }
        let poke: Poke = serde_json::from_value(message["payload"]["data"]["poke"].take())?;
        if let Some(followed) = poke.followed
            && followed.fits(&self.asks())
        {
            self.cursors.extend(followed.answer.pages.iter().map(|page| (page.scope, page.to)));
            self.tell()?;
        }
        Ok(poke.heads.iter().any(|head| self.cursors.get(&head.scope).copied().unwrap_or(0) < head.seq))
    }

    fn asks(&self) -> PullInput {
        self.device.asks(&self.cursors, MAX_ROWS, true)
    }

    async fn pull(&mut self) -> Result<()> {
        loop {
            let answer = self.device.pull(&self.cursors, MAX_ROWS, true).await?;
            self.cursors.extend(answer.pages.iter().map(|page| (page.scope, page.to)));
            if !answer.has_more {
                break;
            }
        }
        self.tell()
    }

    fn tell(&self) -> Result<()> {
        let site = self.cursors.iter().filter(|(scope, _)| matches!(scope, Scope::Site(_))).map(|(_, seq)| *seq);
        self.word.send((self.n, site.max().unwrap_or(0)))?;
        Ok(())
    }
}

async fn listen(url: &str, desk: &Desk) -> Result<Socket> {
    let host = url.strip_prefix("http://").context("the server of a bench speaks plain HTTP")?;
    let mut request = format!("ws://{host}/graphql/ws").into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse()?);
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(BUFFER).write_buffer_size(0);
    let (mut socket, _) = client_async_with_config(request, stream, Some(config)).await?;
    let payload = json!({ "authorization": format!("Bearer {}", desk.device.token()) });
    socket.send(Message::text(json!({ "type": "connection_init", "payload": payload }).to_string())).await?;
    let greeting = socket.next().await.context("the socket was closed")??;
    ensure!(greeting.to_text()?.contains("connection_ack"), "the socket was refused: {greeting}");
    let query = "subscription Poke($follow: SyncJSON) { poke(follow: $follow) }";
    let payload = json!({ "query": query, "variables": { "follow": desk.asks() } });
    let subscribe = json!({ "id": "follow", "type": "subscribe", "payload": payload });
    socket.send(Message::text(subscribe.to_string())).await?;
    Ok(socket)
}
