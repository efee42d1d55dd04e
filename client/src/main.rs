//! The command line `stillage`: the same commands as the window, for scripts, support and tests.

#[cfg(seeded_bugs)]
compile_error!("--cfg seeded_bugs is set: this is no build to ship");

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
