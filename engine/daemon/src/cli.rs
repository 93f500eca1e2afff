//! What can be typed. Clap reads it; the texts here are the `--help`.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 an error, wrong arguments included; 2 only from `plan`: there is something to do.
Begin with `atsync demo`: it needs no account and no configuration.";

/// Declare the records you want in an applicant tracking system, and keep both sides in step.
#[derive(Debug, Parser)]
#[command(name = "atsync", version, after_help = AFTER_HELP, propagate_version = true)]
pub(crate) struct Cli {
    /// The configuration file.
    #[arg(long, global = true, env = "ATSYNC_CONFIG", default_value = "atsync.toml", value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Says more on stderr; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show everything once, against a stand-in for Greenhouse on this machine.
    Demo(Demo),
    /// Say which permissions the credential has, what does not work without the others, and where to tick them.
    Check(Check),
    /// Read what changed in the ATS into the store.
    Pull(Pull),
    /// Show what would be written. Exit code 0: nothing to do; 2: something to do; 1: an error, or a record is blocked.
    Plan(PlanArgs),
    /// Write what is missing, exactly once, and look whether it came about.
    Apply(Apply),
    /// Say how the connections stand. Reads the store only.
    Status(Status),
    /// Print observed records of a kind, or one of them. Reads the store only.
    Get(Get),
    /// Print the feed of changes. Reads the store only.
    Changes(Changes),
    /// Print the JSON Schema of a desired record.
    Schema,
    /// Keep every connection in step on its schedule until SIGINT or SIGTERM.
    ///
    /// A connection without a schedule reads candidates and applications every five minutes and jobs every fifteen. Times are UTC.
    Run(Run),
    /// Look at adapter components.
    #[command(subcommand)]
    Adapter(AdapterCommand),
}

/// `atsync adapter …`.
#[derive(Debug, Subcommand)]
pub(crate) enum AdapterCommand {
    /// Load a component file, check it, and say what it can do.
    Inspect {
        /// The component.
        file: PathBuf,
        /// Print the manifest as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How many candidates the company has.
    #[arg(long, default_value_t = 240, value_parser = clap::value_parser!(u16).range(40..=5000))]
    pub(crate) candidates: u16,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The connection.
    pub(crate) name: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// The connection.
    pub(crate) name: String,
    /// The kinds, with commas between. Without it: those of the schedule, or all that can be listed.
    #[arg(long, value_delimiter = ',', value_name = "KIND,KIND")]
    pub(crate) kinds: Vec<String>,
    /// Read everything, not only what changed.
    #[arg(long)]
    pub(crate) full: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The connection.
    pub(crate) name: String,
    /// Desired records, as JSON Lines or a JSON array; `-` is stdin. Nothing of it is stored. Without it: what was declared and needs a look.
    #[arg(long, value_name = "FILE")]
    pub(crate) desired: Option<PathBuf>,
    /// Look at everything that was declared.
    #[arg(long, conflicts_with = "desired")]
    pub(crate) all: bool,
    /// Print the plan as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The connection.
    pub(crate) name: String,
    /// Desired records to declare and bring about, as JSON Lines or a JSON array; `-` is stdin. Without it: what was declared and needs a look.
    #[arg(long, value_name = "FILE")]
    pub(crate) desired: Option<PathBuf>,
    /// Look at everything that was declared.
    #[arg(long, conflicts_with = "desired")]
    pub(crate) all: bool,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// When some records are blocked, bring the others about.
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The connection; without it all of them.
    pub(crate) name: Option<String>,
    /// Print JSON Lines, one connection a line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The connection.
    pub(crate) name: String,
    /// The kind: candidates, jobs, …
    pub(crate) kind: String,
    /// The ATS's id of one record.
    pub(crate) id: Option<String>,
    /// Print the ATS's own JSON, one record a line.
    #[arg(long)]
    pub(crate) raw: bool,
    /// Print JSON Lines: kind, id, known fields, body.
    #[arg(long, conflicts_with = "raw")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Changes {
    /// The connection.
    pub(crate) name: String,
    /// Only changes after this serial.
    #[arg(long, value_name = "SERIAL")]
    pub(crate) after: Option<u64>,
    /// Only changes that this consumer has not acknowledged.
    #[arg(long, conflicts_with = "after")]
    pub(crate) consumer: Option<String>,
    /// Acknowledge what was printed.
    #[arg(long, requires = "consumer")]
    pub(crate) ack: bool,
    /// Print JSON Lines with the values before and after.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Print JSON Lines, one round a line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        super::Cli::command().debug_assert();
    }
}
