//! `dev`: the page in a browser, reloading as it is edited, on the made-up backend: no server, no database.

use crate::fault::Fault;
use crate::run;
use crate::setup;

pub fn dev() -> Result<(), Fault> {
    setup::node()?;
    run::step(setup::npm(&["run", "dev"]))
}
