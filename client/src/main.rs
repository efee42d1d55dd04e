//! The command line `stillage`: the same commands as the window, for scripts, support and tests.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
