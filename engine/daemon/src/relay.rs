//! The commands of other processes, relayed to the one that holds the store.
//!
//! `atsync serve` listens on a socket beside the store, which its user alone can use. A command
//! that needs the store looks for a process that accepts there. If there is one, the command line
//! goes to it in a request: a line of JSON ([`Ordered`]), and behind it the file that the command
//! reads. The answer is JSON Lines ([`Said`]): lines to print, a question, and last the exit code.
//! So a command prints the same in both places.
//!
//! A client that leaves stops its command as SIGTERM would: no new write starts, and the one that
//! was sent may finish.
//!
//! Bounds: [`ORDER_BYTES_MAX`]; the file in `serve::commands`. Left out: systems without such
//! sockets, where a store that is in use is refused as before.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Bytes of the line that names the command.
pub(crate) const ORDER_BYTES_MAX: usize = 256 * 1024;
/// The route of a command.
pub(crate) const ROUTE: &str = "/v1/commands";

/// The first line of a request.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ordered {
    /// The arguments, without the program's name.
    pub(crate) arguments: Vec<String>,
    /// A file comes behind this line.
    pub(crate) has_input: bool,
    /// A person can be asked.
    pub(crate) has_terminal: bool,
    /// The directory that relative paths of the arguments are in; none if it is not UTF-8.
    #[serde(default)]
    pub(crate) directory: Option<String>,
}

/// One line of an answer.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    /// A line for stdout.
    Data(String),
    /// A line for stderr.
    Note(String),
    /// A question, to be answered at [`ROUTE`] and this number.
    Asked(u64, String),
    /// The exit code; nothing follows.
    Ended(u8),
}

/// The socket of a store.
pub(crate) fn socket_of(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".sock");
    store.with_file_name(name)
}
