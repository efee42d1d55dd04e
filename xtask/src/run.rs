//! Runs other programs. Their output goes to the terminal as it comes; ours says which step it is.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::fault::Fault;

/// The repository this program was built from.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

pub fn command<S: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root()).stdin(Stdio::null());
    command
}

/// Runs one step to its end; a failure is a false verdict.
pub fn step(mut command: Command) -> Result<(), Fault> {
    let line = line_of(&command);
    eprintln!("\n$ {line}");
    let status = command.status().with_context(|| format!("start {line}"))?;
    if status.success() {
        return Ok(());
    }
    Err(Fault::verdict(format!("{line} failed ({status})"), "Its output above says what to mend."))
}

/// The first line a program prints, or nothing when it cannot be run.
pub fn answer(program: &str, args: &[&str]) -> Option<String> {
    let output = command(program, args).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

fn line_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

/// The folder a verb works in, a new one of its name when none is chosen. Also the account that Postgres runs under can
/// walk through it.
pub fn work_folder(verb: &str, chosen: Option<&Path>) -> std::io::Result<PathBuf> {
    let folder = match chosen {
        Some(dir) => {
            fs::create_dir_all(dir)?;
            fs::canonicalize(dir)?
        }
        None => tempfile::Builder::new().prefix(&format!("stillage-{verb}-")).tempdir()?.keep(),
    };
    fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
    Ok(folder)
}
