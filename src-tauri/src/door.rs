//! The one command the page can call. Its name and argument go to the engine as they are; a failure
//! comes back whole, with its code. The background sync starts as soon as the device is open, and the
//! three calls that can open it are the only ones looked at.

use serde_json::Value;
use stillage_client::{Engine, Failure, Gate};
use tauri::State;

#[tauri::command]
pub async fn call(engine: State<'_, Engine>, name: String, args: Value) -> Result<Value, Failure> {
    let answer = engine.call(&name, args).await?;
    if matches!(name.as_str(), "app.gate" | "app.create" | "app.unlock")
        && matches!(engine.gate().await, Ok(Gate::Ready))
    {
        engine.start_sync();
    }
    Ok(answer)
}
