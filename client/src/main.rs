//! The command line `stillage`: the same commands as the window, for scripts, support and tests.

#[cfg(seeded_bugs)]
compile_error!("--cfg seeded_bugs is set: this is no build to ship");

mod cli;

/// Gives back to the system what a sync needed for a moment.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
