//! A new migration must rebuild the crate that embeds the migrations.

fn main() {
    refuse_seeded_bugs();
    println!("cargo:rerun-if-changed=../migrations/server");
}

/// Deliberate faults (`core/src/seeded.rs`) are for the simulation: what is shipped does not build with them.
fn refuse_seeded_bugs() {
    assert!(std::env::var_os("CARGO_CFG_SEEDED_BUGS").is_none(), "--cfg seeded_bugs is set: this is no build to ship");
}
