//! Prepares what the window is built from. The page itself is built in `ui/` beforehand.

fn main() {
    tauri_build::build();
}
