//! Prepares what the window is built from. The page itself is built in `ui/` beforehand.

fn main() {
    refuse_seeded_bugs();
    tauri_build::build();
}

/// Deliberate faults (`core/src/seeded.rs`) are for the simulation: what is shipped does not build with them.
fn refuse_seeded_bugs() {
    assert!(std::env::var_os("CARGO_CFG_SEEDED_BUGS").is_none(), "--cfg seeded_bugs is set: this is no build to ship");
}
