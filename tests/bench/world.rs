//! What the measurements share, made when the first of them asks: a server with a full catalogue, a device that
//! fills it, and a desktop that has pulled it.

use crate::{
    device::Device,
    goods::Catalogue,
    mint::{Mint, Watch},
    server::Server,
};
use anyhow::{Context, Result, ensure};
use std::{path::PathBuf, sync::Arc, time::Duration};
use stillage_client::{Engine, engine::SyncReport};

/// The desktops of a bench have no keyring; this stands for what a person would type.
const PASSPHRASE: &str = "bench";
/// Longer than anything takes that is not stuck.
pub const PATIENCE: Duration = Duration::from_secs(300);

pub struct World {
    pub folder: PathBuf,
    pub binaries: PathBuf,
    pub mint: Mint,
    pub items: usize,
    server: Option<Server>,
    shop: Option<Shop>,
    desktop: Option<Engine>,
    desktops: u32,
    /// How often the catalogue was edited.
    pub edits: u32,
    /// How many movements a long history has, and how many the server has already.
    pub movements: usize,
    pub moved: usize,
    /// Whether to measure also what takes long to prepare.
    pub full: bool,
}

/// The catalogue as the server has it, and the device that brought it there.
pub struct Shop {
    pub catalogue: Arc<Catalogue>,
    pub loader: Device,
}

impl World {
    pub fn new(folder: PathBuf, binaries: PathBuf, seed: u64, items: usize) -> Self {
        let mint = Mint::new(seed);
        Self {
            folder,
            binaries,
            mint,
            items,
            server: None,
            shop: None,
            desktop: None,
            desktops: 0,
            edits: 0,
            movements: 0,
            moved: 0,
            full: false,
        }
    }

    /// One with a server of its own and so many items, in a folder below.
    pub fn other(&mut self, items: usize) -> Result<Self> {
        let folder = self.fresh("other");
        std::fs::create_dir(&folder)?;
        Ok(Self::new(folder, self.binaries.clone(), items as u64, items))
    }

    pub async fn server(&mut self) -> Result<&mut Server> {
        if self.server.is_none() {
            self.server = Some(Server::start(&self.binaries, &self.folder).await?);
        }
        self.server.as_mut().context("there is no server")
    }

    /// The server with everything in it.
    pub async fn shop(&mut self) -> Result<(&Server, &mut Shop, &mut Mint)> {
        self.server().await?;
        let server = self.server.as_ref().context("there is no server")?;
        if self.shop.is_none() {
            let watch = Watch::start();
            let catalogue = Arc::new(Catalogue::new(self.items, &mut self.mint));
            let mut loader = Device::enrol(server, "Loader", &mut self.mint).await?;
            loader.hand_over(catalogue.saves(), &mut self.mint).await.context("loading the catalogue")?;
            eprintln!("{} items handed over to the server in {:.1} s", self.items, watch.seconds());
            self.shop = Some(Shop { catalogue, loader });
        }
        let shop = self.shop.as_mut().context("there is no catalogue")?;
        Ok((server, shop, &mut self.mint))
    }

    pub async fn catalogue(&mut self) -> Result<Arc<Catalogue>> {
        Ok(Arc::clone(&self.shop().await?.1.catalogue))
    }

    /// A folder that nobody has used.
    pub fn fresh(&mut self, name: &str) -> PathBuf {
        self.desktops += 1;
        self.folder.join(format!("{name}-{}", self.desktops))
    }

    /// A desktop set up and nothing more.
    pub async fn new_desktop(&mut self) -> Result<Engine> {
        let engine = Engine::open(self.fresh("desktop"));
        engine.create("Desktop".into(), Some(PASSPHRASE.into())).await?;
        Ok(engine)
    }

    /// A desktop that the server knows and that has pulled nothing yet.
    pub async fn connected_desktop(&mut self) -> Result<Engine> {
        let engine = self.new_desktop().await?;
        let (server, ..) = self.shop().await?;
        let code = server.device_code("Desktop")?;
        engine.connect(server.url.clone(), Some(code)).await?;
        Ok(engine)
    }

    /// A desktop with all items. It is kept for the next who asks.
    pub async fn desktop(&mut self) -> Result<Engine> {
        if self.desktop.is_none() {
            let engine = self.connected_desktop().await?;
            drain(&engine).await?;
            self.desktop = Some(engine);
        }
        self.desktop.clone().context("there is no desktop")
    }

    /// Keeps this one, and closes the one before it.
    pub async fn keep(&mut self, engine: Engine) {
        if let Some(before) = self.desktop.replace(engine) {
            before.close().await;
        }
    }

    /// Closes the one that was kept.
    pub async fn forget(&mut self) {
        if let Some(engine) = self.desktop.take() {
            engine.close().await;
        }
    }

    pub async fn stop(mut self) -> Result<()> {
        self.forget().await;
        // Its connection has to end before a server that finishes what it accepted can.
        self.shop = None;
        self.server.take().map_or(Ok(()), |mut server| server.stop())
    }
}

/// Pushes and pulls until there is nothing left.
pub async fn drain(engine: &Engine) -> Result<SyncReport> {
    let report = engine.sync(PATIENCE).await?;
    let items = engine.call("items.list", serde_json::json!({ "offset": 0, "limit": 1 })).await?;
    ensure!(items["total"].as_u64() > Some(0), "nothing was pulled: {items}");
    Ok(report)
}
