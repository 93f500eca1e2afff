//! The arguments of `atsync adapter …`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `atsync adapter …`.
#[derive(Debug, Subcommand)]
pub(crate) enum AdapterCommand {
    /// Describe an adapter: its settings with their values, its kinds, operations and permissions.
    Inspect {
        /// The name of a built-in adapter or of one of the folder, or the path of a component file.
        adapter: String,
        /// Print the manifest as JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the adapters: built in, in the folder of the configuration, and used by a connection.
    List {
        /// Print one JSON object for each.
        #[arg(long)]
        json: bool,
    },
    /// Write the folder of a new adapter, which builds and passes `adapter test` as it is.
    New(AdapterNew),
    /// Make a component out of a crate, a package of npm, a description, a module or a component,
    /// check it, and compile it into the cache.
    Build(AdapterBuild),
    /// Run the conformance suite over an adapter, against a sandbox. Exit code 1: it breaks a
    /// promise.
    ///
    /// Requests that change something are sent to this machine only.
    Test(AdapterTest),
    /// Run one task of an adapter and print each step: request, state, answer, outcome.
    ///
    /// The output can have candidates' data in it.
    Trace(AdapterTrace),
    /// Read an ATS with an adapter and keep the session in a file, without personal data. `trace
    /// --replies` replays it.
    ///
    /// The credential is in the environment: ATSYNC_ADAPTER_KEY, or ATSYNC_ADAPTER_CLIENT_ID and
    /// ATSYNC_ADAPTER_CLIENT_SECRET.
    Record(AdapterRecord),
}

#[derive(Debug, Args)]
pub(crate) struct AdapterNew {
    /// Its name: lower-case letters, digits and `-`.
    pub(crate) name: String,
    /// As one file of data, without code.
    #[arg(long, conflicts_with_all = ["rust", "js"])]
    pub(crate) described: bool,
    /// As a crate in Rust. The default.
    #[arg(long)]
    pub(crate) rust: bool,
    /// In TypeScript, built with npm.
    #[arg(long, conflicts_with = "rust")]
    pub(crate) js: bool,
    /// The folder. Default: one of its name, here.
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) directory: Option<PathBuf>,
    /// The folder adapters/sdk of a checkout of atsync, in place of the published SDK.
    #[arg(long, value_name = "DIRECTORY", conflicts_with_all = ["described", "js"])]
    pub(crate) path_to_sdk: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AdapterBuild {
    /// The folder of a crate or of a package of npm, a description (YAML or JSON), a core module,
    /// or a component.
    pub(crate) from: PathBuf,
    /// The component's file. Default: beside what it is built from.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AdapterTest {
    /// The name of a built-in adapter or of one of the folder, or the path of a component file.
    pub(crate) adapter: String,
    /// The URL of a sandbox on this machine, or the file of a described one (YAML or JSON).
    #[arg(long, value_name = "URL|FILE")]
    pub(crate) sandbox: String,
    /// What the suite needs to know of the sandbox at the URL, as JSON. Default: what it says
    /// itself.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// Only these kinds and the operations on them, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "KIND,KIND")]
    pub(crate) kinds: Vec<String>,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("answers")
    .required(true)
    .args(["sandbox", "replies", "live"]))]
pub(crate) struct AdapterTrace {
    /// The name of a built-in adapter or of one of the folder, or the path of a component file.
    pub(crate) adapter: String,
    /// The task: `tenant`, `scan KIND`, `fetch KIND ID…`, `check PERMISSION`, `probe OPERATION
    /// [TARGET]`, `write OPERATION [TARGET]`, `hook`.
    #[arg(required = true, value_name = "TASK")]
    pub(crate) task: Vec<String>,
    /// The URL of a sandbox on this machine, or the file of a described one.
    #[arg(long, value_name = "URL|FILE")]
    pub(crate) sandbox: Option<String>,
    /// What the sandbox at the URL does not say of itself, as JSON.
    #[arg(long, value_name = "FILE", requires = "sandbox")]
    pub(crate) script: Option<PathBuf>,
    /// A file of recorded answers.
    #[arg(long, value_name = "FILE")]
    pub(crate) replies: Option<PathBuf>,
    /// The ATS itself, with the credential of the environment.
    #[arg(long)]
    pub(crate) live: bool,
    /// The URL of an origin. Repeat it for each.
    #[arg(long = "origin", value_name = "NAME=URL", requires = "live")]
    pub(crate) origins: Vec<String>,
    /// A host that a `write` may change something at, beside this machine. Repeat it for each.
    #[arg(long = "allow-writes", value_name = "HOST", requires = "live")]
    pub(crate) allow_writes: Vec<String>,
    /// A setting of the adapter; its value is JSON, or a text. Repeat it for each.
    #[arg(long = "setting", value_name = "NAME=VALUE")]
    pub(crate) settings: Vec<String>,
    /// The input of an operation as JSON, or the body of a webhook.
    #[arg(long, value_name = "JSON")]
    pub(crate) input: Option<String>,
    /// The parent of a scan, for kinds that are listed under one.
    #[arg(long, value_name = "KIND/ID")]
    pub(crate) parent: Option<String>,
    /// The pages of a scan.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) pages: u32,
    /// The records of a page. Default: as many as the adapter takes.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) page_size: Option<u32>,
    /// Print JSON, one task per line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AdapterRecord {
    /// The name of a built-in adapter or of one of the folder, or the path of a component file.
    pub(crate) adapter: String,
    /// The file to write.
    pub(crate) file: PathBuf,
    /// The URL of an origin that differs from the adapter's. Repeat it for each.
    #[arg(long = "origin", value_name = "NAME=URL")]
    pub(crate) origins: Vec<String>,
    /// A setting of the adapter; its value is JSON, or a text. Repeat it for each.
    #[arg(long = "setting", value_name = "NAME=VALUE")]
    pub(crate) settings: Vec<String>,
    /// Only these kinds, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "KIND,KIND")]
    pub(crate) kinds: Vec<String>,
    /// The pages of each kind.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) pages: u32,
    /// The records of a page.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) page_size: u32,
}
