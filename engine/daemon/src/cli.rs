//! What can be typed. Clap reads it; the texts here are the `--help`.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 an error, wrong arguments included; 2 only from `plan`: something is to do.
SIGTERM and SIGINT: no new effect begins and what is on its way ends (at most 25 s; told twice, at
once). `run` ends with 0 then, `apply` with 1; what was cut is settled by the next run. SIGHUP:
`run` reads its configuration and secrets again.
Begin with `atsync demo`: it needs no account and no configuration.";

/// Declare the records you want in an applicant tracking system, and keep both sides in step.
#[derive(Debug, Parser)]
#[command(name = "atsync", version, after_help = AFTER_HELP, propagate_version = true)]
pub(crate) struct Cli {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        env = "ATSYNC_CONFIG",
        default_value = "atsync.toml",
        value_name = "FILE"
    )]
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
    /// Say which permissions the credential has, what does not work without the others, and where
    /// to tick them.
    Check(Check),
    /// Read what changed in the ATS into the store.
    Pull(Pull),
    /// Show what would be written. Exit code 0: nothing to do; 2: something to do; 1: an error, or
    /// a record is blocked.
    Plan(PlanArgs),
    /// Write what is missing, exactly once, and look whether it came about.
    Apply(Apply),
    /// Say how the connections stand. Reads the store only.
    Status(Status),
    /// Print observed records of a kind, or one of them. Reads the store only.
    Get(Get),
    /// Print the feed of changes. Reads the store only.
    Changes(Changes),
    /// Say why a record is as it is: each field, what happens next, what was done. Reads the store
    /// only.
    Explain(Explain),
    /// Decide what becomes of a write that is in doubt.
    Resolve(Resolve),
    /// Link a desired record to a record that is in the ATS already.
    Adopt(Adopt),
    /// Print a desired record of what the ATS holds of a candidate.
    Import(Import),
    /// Leave a desired record alone until it is resumed.
    Pause(OneRecord),
    /// Keep a desired record in step again.
    Resume(OneRecord),
    /// Only show what differs of a desired record.
    Observe(OneRecord),
    /// Stop managing a desired record; everything in the ATS stays.
    Abandon(OneRecord),
    /// Take back what can be taken back: tags and contacts that the engine added.
    Withdraw(Withdraw),
    /// Forget a person in the store. The ATS is not touched, and the next pull does not bring them
    /// back.
    Forget(Forget),
    /// Remove old changes from the feed.
    Trim(Trim),
    /// Write the store's file anew: smaller, and without a trace of what was removed or forgotten.
    /// Nothing else may have it open.
    Compact(Compact),
    /// Find out which records are gone: a complete walk, then each one confirmed.
    ///
    /// A brake holds a sweep that would take more than a tenth of a kind, and more than 20 records,
    /// for gone: up to 20 are always confirmed one by one, since a small kind would brake at every
    /// deletion. `--force` lifts it.
    Sweep(Sweep),
    /// Take one webhook: verify it with the connection's `webhook_secret`, and look into what it
    /// suggests.
    ///
    /// Its body comes from stdin, byte for byte as the ATS sent it. Prints the HTTP status to
    /// answer with; exit code 0 for 200, 1 for anything else. For whoever receives webhooks
    /// elsewhere and has no host that embeds the engine.
    Receive(Receive),
    /// Print the JSON Schema of a desired record.
    Schema,
    /// Keep every connection in step on its schedule until SIGINT or SIGTERM.
    ///
    /// SIGHUP makes it read the configuration and the secrets again: new connections begin, removed
    /// ones end, changed ones begin again, and a new secret is used at once. A configuration with a
    /// mistake is told and changes nothing.
    ///
    /// A connection without a schedule reads candidates and applications every five minutes and
    /// jobs every fifteen. `sweeps` in the configuration says when each kind is swept for what is
    /// gone; without it none is. Times are UTC.
    Run(Run),
    /// Look at adapters: what they can do, and what they can be set to.
    #[command(subcommand)]
    Adapter(AdapterCommand),
    /// Compile a component from stdin to stdout within limits; this program starts itself so.
    #[command(hide = true)]
    CompileComponent,
}

/// `atsync adapter …`.
#[derive(Debug, Subcommand)]
pub(crate) enum AdapterCommand {
    /// Say what an adapter is and can do: its settings with their values, its kinds, operations and
    /// permissions.
    Inspect {
        /// A built-in adapter's name, or the path of a component file.
        adapter: String,
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
    /// The kinds, with commas between. Without it: those of the schedule, or all that can be
    /// listed.
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
pub(crate) struct Sweep {
    /// The connection.
    pub(crate) name: String,
    /// The kinds, with commas between.
    #[arg(long, value_delimiter = ',', value_name = "KIND,KIND", required = true)]
    pub(crate) kinds: Vec<String>,
    /// Believe it even when more than a tenth of a kind, and more than 20 records, would be gone. A
    /// right that was lost still holds the sweep.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Receive {
    /// The connection.
    pub(crate) name: String,
    /// A header of the webhook, `Name: value`; all of them, each by itself.
    #[arg(long = "header", value_name = "NAME: VALUE", required = true)]
    pub(crate) headers: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The connection.
    pub(crate) name: String,
    /// Desired records, as JSON Lines or a JSON array; `-` is stdin. Nothing of it is stored.
    /// Without it: what was declared and needs a look.
    ///
    /// A file without a record is an error, so that an export that came out empty does not pass for
    /// one with nothing to do.
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
    /// Desired records to declare and bring about, as JSON Lines or a JSON array; `-` is stdin.
    /// Without it: what was declared and needs a look.
    ///
    /// They are planned first and declared once the plan is agreed to. Whatever fails before that
    /// (a mistake in the file, a blocked record without --keep-going, no answer from the ATS)
    /// declares none of them and says so. What fails after it is kept: `apply` without a file goes
    /// on with it.
    ///
    /// A file without a record is an error, so that an export that came out empty does not pass for
    /// one with nothing to do.
    #[arg(long, value_name = "FILE")]
    pub(crate) desired: Option<PathBuf>,
    /// Look at everything that was declared.
    #[arg(long, conflicts_with = "desired")]
    pub(crate) all: bool,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// When some records are blocked, bring the others about. All of the file are declared then;
    /// the blocked ones wait.
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
    /// Go on with the oldest change that is left, where some were trimmed before the consumer read
    /// them. Read the records anew first.
    #[arg(long, requires = "consumer")]
    pub(crate) skip_gone: bool,
    /// Acknowledge what was printed.
    #[arg(long, requires = "consumer")]
    pub(crate) ack: bool,
    /// Print JSON Lines with the values before and after.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The connection.
    pub(crate) name: String,
    /// The kind: candidates for a key; any kind for an id of the ATS.
    pub(crate) kind: String,
    /// The desired record's key, or the ATS's id of something that is linked.
    pub(crate) key: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Resolve {
    /// The connection.
    pub(crate) name: String,
    /// The intent's number, as `explain` and `plan` say it.
    pub(crate) intent: u64,
    /// What becomes of it.
    #[command(subcommand)]
    pub(crate) how: ResolveHow,
}

/// What becomes of an intent in doubt.
#[derive(Debug, Subcommand)]
pub(crate) enum ResolveHow {
    /// It happened.
    Adopt {
        /// What it made, as KIND/ID; not needed when it changed a record.
        record: Option<String>,
    },
    /// It did not happen: send it once more. If it did happen after all, it is there twice.
    Retry,
    /// Nobody will know: do not send it again until the desired record changes.
    Abandon {
        /// Why.
        #[arg(long, default_value = "given up on the command line")]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// The connection.
    pub(crate) name: String,
    /// The path: KEY, KEY/applications/a1, KEY/notes/n1.
    pub(crate) path: String,
    /// The record in the ATS, as KIND/ID.
    #[arg(value_name = "KIND/ID")]
    pub(crate) record: String,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The connection.
    pub(crate) name: String,
    /// The candidate's id in the ATS.
    pub(crate) id: String,
    /// The key that the desired record gets.
    pub(crate) key: String,
    /// Declare it as well, and link it.
    #[arg(long)]
    pub(crate) declare: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OneRecord {
    /// The connection.
    pub(crate) name: String,
    /// The desired record's key.
    pub(crate) key: String,
}

#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// The connection.
    pub(crate) name: String,
    /// The desired record's key.
    pub(crate) key: String,
    /// Leave tags on.
    #[arg(long)]
    pub(crate) keep_tags: bool,
    /// Leave e-mails, phones and links there.
    #[arg(long)]
    pub(crate) keep_contacts: bool,
    /// Carry it out. Without it: only show.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whom").required(true).args(["key", "candidate", "email"]))]
pub(crate) struct Forget {
    /// The connection.
    pub(crate) name: String,
    /// The person of this desired record.
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// The candidate with this id in the ATS.
    #[arg(long)]
    pub(crate) candidate: Option<String>,
    /// The one candidate who has this address.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Yes, for good.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Let somebody who was forgotten come back.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) undo: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Trim {
    /// The connection.
    pub(crate) name: String,
    /// Keep what is younger than this many days.
    #[arg(long, default_value_t = 90)]
    pub(crate) days: u32,
    /// Remove also what consumers have not acknowledged; they are told.
    #[arg(long)]
    pub(crate) unread_too: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Compact {
    /// Print JSON.
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
