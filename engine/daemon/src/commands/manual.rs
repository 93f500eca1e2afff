//! `atsync completions` and `atsync man`: what clap knows of the command line, for shells and for
//! `man`.

#![expect(clippy::disallowed_methods, reason = "makes the directory of the pages")]

use crate::cli::Cli;
use crate::failure::{DONE, Ended, Failure};
use crate::output::Output;
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::path::Path;

pub(super) fn completions(shell: Shell, output: &Output) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "atsync", &mut script);
    output.script(&script)?;
    Ok(DONE)
}

pub(super) fn pages(directory: &Path, output: &Output) -> Ended {
    let place = directory.display();
    let failed = |error: std::io::Error| {
        Failure::new(format!("{place}: the pages cannot be written: {error}"))
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), directory).map_err(failed)?;
    output.note(&format!("the manual pages are in {place}"));
    Ok(DONE)
}
