//! The window itself: made when the application is set up, named after the device, and told of every
//! change. A listener that fell behind is told that everything may look different.

use crate::door;
use serde_json::json;
use stillage_client::{Changed, Engine, Tag};
use tauri::{
    App, AppHandle, Emitter, Manager, RunEvent, WebviewUrl, WebviewWindowBuilder, async_runtime, generate_context,
    generate_handler,
};
use tokio::sync::broadcast::error::RecvError;

const NAME: &str = "Stillage";
const LABEL: &str = "main";

pub fn run(engine: Engine) -> tauri::Result<()> {
    let app = tauri::Builder::default()
        .manage(engine)
        .invoke_handler(generate_handler![door::call])
        .setup(|app| Ok(open(app)?))
        .build(generate_context!())?;
    app.run(|app, event| {
        if matches!(event, RunEvent::Exit) {
            async_runtime::block_on(app.state::<Engine>().close());
        }
    });
    Ok(())
}

fn open(app: &App) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title(NAME)
        .inner_size(1280.0, 800.0)
        .min_inner_size(760.0, 560.0)
        .build()?;
    async_runtime::spawn(tell(app.handle().clone()));
    Ok(())
}

/// Passes on what has changed until the engine is gone.
async fn tell(app: AppHandle) {
    let engine = app.state::<Engine>().inner().clone();
    let mut changes = engine.changes();
    loop {
        let changed = match changes.recv().await {
            Ok(changed) => changed,
            Err(RecvError::Lagged(_)) => Changed { tags: Tag::ALL.into() },
            Err(RecvError::Closed) => return,
        };
        if changed.tags.contains(&Tag::Status) {
            name(&app, &engine).await;
        }
        if let Err(fault) = app.emit("changed", &changed) {
            tracing::warn!(%fault, "the page was not told of a change");
        }
    }
}

/// Puts the device's name in the title; before it has one, the product's stays.
async fn name(app: &AppHandle, engine: &Engine) {
    let Ok(status) = engine.call("app.status", json!({})).await else { return };
    let (Some(device), Some(window)) = (status["device"]["name"].as_str(), app.get_webview_window(LABEL)) else {
        return;
    };
    if let Err(fault) = window.set_title(&format!("{device} · {NAME}")) {
        tracing::warn!(%fault, "the window keeps its title");
    }
}
