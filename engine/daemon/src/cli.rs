//! The command line's arguments, as clap reads them. The doc comments are the `--help`.

mod adapter;

pub(crate) use adapter::{
    AdapterBuild, AdapterCommand, AdapterNew, AdapterRecord, AdapterTest, AdapterTrace,
};

use crate::config::serve::Scope;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};
use url::Url;

const AFTER_HELP: &str = "\
Exit codes: 0 success; 1 error, wrong arguments included; 2 only from `plan`: there are steps.
SIGTERM and SIGINT: no new write starts, and the one that was sent finishes (at most 25 s; a second
signal stops at once). `run` then exits with 0, `apply` with 1; the next run settles what was
interrupted. SIGHUP: `run` and `serve` read their configuration and secrets again.
Start with `atsync demo`: it needs no account and no configuration.";

/// Declare the records you want in an applicant tracking system, and keep them in step.
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
    /// Log more to stderr; twice: log everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// The form of the log and of every other line on stderr: `json` is one object per line.
    #[arg(
        long,
        global = true,
        env = "ATSYNC_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub(crate) log_format: LogFormat,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The form of what goes to stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// JSON Lines.
    Json,
}

impl Command {
    /// Whether the command works on an open store: one that another process may hold.
    pub(crate) fn needs_store(&self) -> bool {
        match self {
            Self::Demo(_)
            | Self::Compact(_)
            | Self::Schema
            | Self::Serve(_)
            | Self::Run(_)
            | Self::Adapter(
                AdapterCommand::Inspect { .. }
                | AdapterCommand::New(_)
                | AdapterCommand::Build(_)
                | AdapterCommand::Test(_)
                | AdapterCommand::Trace(_)
                | AdapterCommand::Record(_),
            )
            | Self::Config(_)
            | Self::Restore(_)
            | Self::Doctor(_)
            | Self::Top(_)
            | Self::Completions { .. }
            | Self::Man { .. }
            | Self::CompileComponent => false,
            Self::Adapter(AdapterCommand::List { .. }) => true,
            Self::Check(_)
            | Self::Pull(_)
            | Self::Plan(_)
            | Self::Apply(_)
            | Self::Status(_)
            | Self::Get(_)
            | Self::Changes(_)
            | Self::Audit(_)
            | Self::Explain(_)
            | Self::Resolve(_)
            | Self::Adopt(_)
            | Self::Import(_)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Observe(_)
            | Self::Abandon(_)
            | Self::Withdraw(_)
            | Self::Erase(_)
            | Self::ForgetConnection(_)
            | Self::Trim(_)
            | Self::Receive(_)
            | Self::Backup(_)
            | Self::Secrets(_)
            | Self::Connect(_)
            | Self::Token(_)
            | Self::Sweep(_) => true,
        }
    }

    /// The file that the command reads besides its configuration; `-` is stdin.
    pub(crate) fn input(&self) -> Option<&Path> {
        match self {
            Self::Plan(PlanArgs { desired, .. }) | Self::Apply(Apply { desired, .. }) => {
                desired.as_deref()
            }
            Self::Receive(_) | Self::Connect(_) => Some(Path::new("-")),
            _ => None,
        }
    }

    /// Whether what the command reads is a secret, which a person may type.
    pub(crate) fn takes_secret(&self) -> bool {
        matches!(self, Self::Connect(_))
    }

    /// Whether the command runs schedules until it is stopped.
    #[cfg(feature = "otel")]
    pub(crate) fn has_schedules(&self) -> bool {
        matches!(self, Self::Run(_) | Self::Serve(_))
    }

    /// Whether the command works on many connections at once until it is stopped.
    pub(crate) fn is_long(&self) -> bool {
        matches!(self, Self::Run(_) | Self::Serve(_) | Self::Demo(_))
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run every feature once against the Greenhouse sandbox on this machine.
    Demo(Demo),
    /// Connect an ATS: make a connection in the store, and check what its credential may do.
    ///
    /// The secret is asked for without an echo, or read from stdin; it is sealed with the key that
    /// `serve.seal_key` names. The credential is tried before anything is stored. A connection that
    /// was made before gets the new credential and keeps everything else.
    Connect(Connect),
    /// Make, list and revoke tokens of the HTTP API and the console.
    #[command(subcommand)]
    Token(TokenCommand),
    /// List the credential's permissions, what needs the missing ones, and where to grant them.
    Check(Check),
    /// Read what changed in the ATS into the store.
    Pull(Pull),
    /// Show what would be written. Exit code 0: nothing to do; 2: there are steps; 1: an error, or
    /// a record is blocked.
    Plan(PlanArgs),
    /// Write what is missing, exactly once, and read it back.
    Apply(Apply),
    /// Print the state of the connections. Reads the store only.
    Status(Status),
    /// Show the figures of a running `atsync serve` or `atsync run`, each second anew. Ctrl-C ends
    /// it.
    ///
    /// STATE: `ok`, or a condition that does not hold, and how many more. LAG: time since the last
    /// complete pass of the kind that was pulled longest ago. BACKLOG: desired records to be
    /// planned. IN DOUBT, OLDEST: writes in doubt, and the age of the oldest. BUDGET: calls that
    /// the rate budget allows now. CALLS, 429: calls since the start, and answers with status 429.
    /// For a webhook endpoint, OLDEST is the age of the oldest change that it did not accept yet,
    /// and ACCEPTED, FAILED and GIVEN UP count deliveries, each attempt of them.
    Top(Top),
    /// Print observed records of a kind, or one of them. Reads the store only.
    Get(Get),
    /// Print the feed of changes. Reads the store only.
    Changes(Changes),
    /// Print the audit log: who did what, when, and how it ended. Reads the store only.
    ///
    /// It has what was asked of `atsync serve` and `atsync run`: over HTTP, in the console, on a
    /// connect page, by commands while they hold the store, and by signals.
    Audit(Audit),
    /// Explain a record: each field, the next steps, past writes. Reads the store only.
    Explain(Explain),
    /// Decide a write in doubt.
    Resolve(Resolve),
    /// Link a desired record to an existing record of the ATS.
    Adopt(Adopt),
    /// Print a desired record that matches a candidate of the ATS.
    Import(Import),
    /// Stop planning and writing a desired record, or all writes of a connection, until it is
    /// resumed.
    ///
    /// Reads of a paused connection go on, and so do plans.
    Pause(RecordOrAll),
    /// Plan and write a desired record again, or allow the writes of a connection again.
    Resume(RecordOrAll),
    /// Plan a desired record without writing it.
    Observe(OneRecord),
    /// Stop managing a desired record; everything in the ATS stays.
    Abandon(OneRecord),
    /// Remove what the engine added and can remove: tags, contacts, educations and employments.
    Withdraw(Withdraw),
    /// Erase a candidate from the store and block re-import. Does not change the ATS.
    #[command(alias = "forget")]
    Erase(Erase),
    /// Forget a connection that is not open: what was read, declared, linked and written for it,
    /// and its feed. Does not change the ATS.
    ///
    /// A later connection of the name begins anew. Candidates who were erased stay erased.
    ForgetConnection(ForgetConnection),
    /// Remove old changes from the feed.
    Trim(Trim),
    /// Rewrite the store's file: smaller, and without traces of removed or erased records. No other
    /// process may have it open.
    Compact(Compact),
    /// Write a backup of the store into a new file, also while a process uses it.
    ///
    /// The file has the rows of one moment and a manifest with their digest. It holds candidates'
    /// data in clear. While `atsync serve` or `atsync run` holds the store, that process writes the
    /// file, so it needs the right to.
    Backup(Backup),
    /// Make the store from a backup. The store's file must not exist.
    ///
    /// The writes of every connection are paused then, since the ATS may have received writes after
    /// the backup: pull, look at the plan, and allow them by `atsync resume NAME`.
    Restore(Restore),
    /// Say what a file is (a store, a backup, of another version, damaged, something else) and what
    /// to do. Changes nothing. Exit code 0 for a store or a backup that this version reads, else 1.
    Doctor(Doctor),
    /// Find deleted records: a complete scan, then a fetch of each missing record.
    ///
    /// A sweep is held if it would report more than a tenth of a kind, and more than 20 records, as
    /// deleted. Up to 20 are always fetched one by one, because a small kind would be held at every
    /// deletion. `--force` overrides it.
    Sweep(Sweep),
    /// Receive one webhook: verify it with the connection's `webhook_secret`, and read the records
    /// that it names.
    ///
    /// Reads the body from stdin, byte for byte as the ATS sent it. Prints the HTTP status to
    /// answer with; exit code 0 for 200, 1 for any other. For webhooks that another server
    /// receives, when no host embeds the engine.
    Receive(Receive),
    /// Print the JSON Schema of a desired record.
    Schema,
    /// Run the schedules and serve the HTTP API until stopped.
    Serve(Run),
    /// Run the schedules of every connection until SIGINT or SIGTERM.
    ///
    /// On SIGHUP it reads the configuration and the secrets again: new connections start, removed
    /// ones stop, changed ones restart, and a new secret is used at once. An invalid configuration
    /// is reported and changes nothing.
    ///
    /// A connection without a schedule reads candidates and applications every five minutes and
    /// jobs every fifteen. `sweeps` in the configuration schedules the sweep of each kind; without
    /// it no kind is swept. Times are UTC, or in the connection's `timezone`.
    Run(Run),
    /// Check the configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Seal the stored secrets anew.
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// List adapters and inspect them, and write one: make, build, test, trace and record.
    #[command(subcommand)]
    Adapter(AdapterCommand),
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages, one for each command, into a directory.
    Man {
        /// The directory; it is made if it is missing.
        directory: PathBuf,
    },
    /// Compile a component from stdin to stdout within limits; the program starts itself for this.
    #[command(hide = true)]
    CompileComponent,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The number of candidates.
    #[arg(long, default_value_t = 240, value_parser = clap::value_parser!(u16).range(40..=5000))]
    pub(crate) candidates: u16,
}

#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// The name of a built-in adapter, or of one of the adapters' folder.
    pub(crate) adapter: String,
    /// The connection's name. Default: the adapter's.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The id of the OAuth client, where the adapter takes one.
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// An origin that differs from the adapter's, for example of a sandbox. Repeat it for each.
    #[arg(long = "origin", value_name = "NAME=URL")]
    pub(crate) origins: Vec<String>,
    /// A setting of the adapter; its value is JSON, or a text. Repeat it for each.
    #[arg(long = "setting", value_name = "NAME=VALUE")]
    pub(crate) settings: Vec<String>,
}

/// `atsync token …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, this once.
    Create {
        /// Its name, for lists and the log.
        name: String,
        /// What it allows: each scope includes the ones before it.
        #[arg(long, value_enum, default_value = "read")]
        scope: Scope,
        /// The connections that it is limited to, separated by commas. Default: all.
        #[arg(long, value_delimiter = ',', value_name = "NAME,NAME")]
        connections: Vec<String>,
    },
    /// List the tokens that were made; none shows a token itself.
    List {
        /// Print JSON Lines.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token: the next request with it is refused.
    Revoke {
        /// Its name.
        name: String,
    },
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
    /// The kinds, separated by commas. Default: those of the schedule, or all that can be listed.
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
    /// The kinds, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "KIND,KIND", required = true)]
    pub(crate) kinds: Vec<String>,
    /// Report the deletions even if they are more than a tenth of a kind and more than 20 records.
    /// A lost right still holds the sweep.
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
    /// A header of the webhook, `Name: value`. Repeat it for each header.
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
    /// Desired records, as JSON Lines or a JSON array; `-` is stdin. They are not stored. Default:
    /// the declared records that changed.
    ///
    /// A file without a record is an error, so that an empty export is not mistaken for one with
    /// nothing to do.
    #[arg(long, value_name = "FILE")]
    pub(crate) desired: Option<PathBuf>,
    /// Plan everything that was declared.
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
    /// Desired records to declare and write, as JSON Lines or a JSON array; `-` is stdin. Default:
    /// the declared records that changed.
    ///
    /// They are planned first, and declared once the plan is confirmed. A failure before that (a
    /// mistake in the file, a blocked record without --keep-going, no answer from the ATS) declares
    /// none of them and says so. After that the records stay declared: `apply` without a file
    /// continues with them.
    ///
    /// A file without a record is an error, so that an empty export is not mistaken for one with
    /// nothing to do.
    #[arg(long, value_name = "FILE")]
    pub(crate) desired: Option<PathBuf>,
    /// Plan everything that was declared.
    #[arg(long, conflicts_with = "desired")]
    pub(crate) all: bool,
    /// Do not ask for confirmation.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Apply the unblocked records anyway. All records of the file are declared; the blocked ones
    /// wait.
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The connection. Default: all.
    pub(crate) name: Option<String>,
    /// Print JSON Lines, one connection per line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Print the table once, as plain text.
    #[arg(long)]
    pub(crate) once: bool,
    /// The address of an `atsync serve`, with the token of `ATSYNC_TOKEN`. Default: the socket
    /// beside the store.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<Url>,
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The connection.
    pub(crate) name: String,
    /// The kind: candidates, jobs, …
    pub(crate) kind: String,
    /// The ATS's id of one record.
    pub(crate) id: Option<String>,
    /// Only records with this e-mail address: candidates, users and their addresses.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "id")]
    pub(crate) email: Option<String>,
    /// Print the ATS's own JSON, one record per line.
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
    /// Continue with the oldest change that is left, where some were trimmed before the consumer
    /// read them. Read the records again first.
    #[arg(long, requires = "consumer")]
    pub(crate) skip_gone: bool,
    /// Acknowledge the printed changes.
    #[arg(long, requires = "consumer")]
    pub(crate) ack: bool,
    /// Print JSON Lines with the values before and after.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Only entries after this number, all of them. Default: the newest entries.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) after: Option<u64>,
    /// How many of the newest entries.
    #[arg(long, default_value_t = 50, conflicts_with = "after",
        value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) last: u16,
    /// Only entries of this connection.
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// Only entries of this token or connect link.
    #[arg(long, value_name = "NAME")]
    pub(crate) who: Option<String>,
    /// Only entries about the desired record of this key; needs --connection.
    #[arg(long, requires = "connection")]
    pub(crate) key: Option<String>,
    /// Print JSON Lines.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The connection.
    pub(crate) name: String,
    /// The kind: candidates for a key; any kind for an id of the ATS.
    pub(crate) kind: String,
    /// The desired record's key, or the ATS's id of a linked record.
    pub(crate) key: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Resolve {
    /// The connection.
    pub(crate) name: String,
    /// The intent's number, as `explain` and `plan` print it.
    pub(crate) intent: u64,
    /// The decision.
    #[command(subcommand)]
    pub(crate) how: ResolveHow,
}

/// The decision about an intent in doubt.
#[derive(Debug, Subcommand)]
pub(crate) enum ResolveHow {
    /// It happened.
    Adopt {
        /// The created record, as KIND/ID; not needed if it changed a record.
        record: Option<String>,
    },
    /// It did not happen: send it again. If it did happen after all, the record exists twice.
    Retry,
    /// The outcome stays unknown: do not send it again until the desired record changes.
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
    /// Also declare and link it.
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
pub(crate) struct RecordOrAll {
    /// The connection.
    pub(crate) name: String,
    /// The desired record's key. Default: the writes of the whole connection.
    pub(crate) key: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetConnection {
    /// The connection.
    pub(crate) name: String,
    /// Forget it, without which nothing is changed.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to write. It must not exist.
    pub(crate) file: PathBuf,
    /// Print the manifest as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup.
    pub(crate) file: PathBuf,
    /// Only read the backup to its end and check it; restore nothing.
    #[arg(long)]
    pub(crate) verify: bool,
    /// Print the manifest as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The file. Default: the store of the configuration.
    pub(crate) file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// The connection.
    pub(crate) name: String,
    /// The desired record's key.
    pub(crate) key: String,
    /// Keep the tags.
    #[arg(long)]
    pub(crate) keep_tags: bool,
    /// Keep e-mails, phones, links, educations and employments.
    #[arg(long)]
    pub(crate) keep_contacts: bool,
    /// Apply the plan. Default: print it only.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whom").required(true).args(["key", "candidate", "email"]))]
pub(crate) struct Erase {
    /// The connection.
    pub(crate) name: String,
    /// The candidate of this desired record.
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// The candidate with this id in the ATS.
    #[arg(long)]
    pub(crate) candidate: Option<String>,
    /// The only candidate with this address.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Confirm the erasure; what it removes cannot be brought back.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Allow an erased candidate to be imported and declared again; what was erased stays erased.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) undo: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Trim {
    /// The connection.
    pub(crate) name: String,
    /// Keep changes of the last days.
    #[arg(long, default_value_t = 90)]
    pub(crate) days: u32,
    /// Also remove changes that consumers have not acknowledged; they are informed.
    #[arg(long)]
    pub(crate) unread_too: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Compact {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Seal every secret of the store with the first key of `serve.seal_key`. It may run while
    /// `serve` does, and resumes where it was stopped.
    Rekey,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// List every fault of the configuration, its secrets and its adapters. Opens no store and
    /// sends nothing.
    Check,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Print JSON Lines, one round per line.
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
