//! `dev`: the page in a browser, reloading as it is edited, on the made-up backend: no server, no database.

use crate::fault::Fault;
use crate::run;
use crate::setup;

pub fn dev() -> Result<(), Fault> {
    setup::node()?;
    eprintln!("Add ?fake to the address below; without it the page looks for the desktop around it.");
    run::step(setup::npm(&["run", "dev"]))
}
