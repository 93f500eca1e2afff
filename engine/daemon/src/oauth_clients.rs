//! The credentials of the host's OAuth clients, read from where `[serve.clients]` refers to.
//!
//! They are read when they are used, so that a reload finds a replaced secret. A secret that is
//! missing would first fail on a customer's page; so a start and a reload report it, and no link
//! is made to its client. Neither refuses to run: the connections do not depend on it.

use crate::config::Config;
use atsync::Secret;

/// The id and secret of a client; none where the configuration has no such client.
///
/// # Errors
/// One sentence that names the member that cannot be read.
pub(crate) async fn read(config: &Config, name: &str) -> Option<Result<(String, Secret), String>> {
    let client = config.serve.clients.get(name)?;
    let read = client.read(config.directory()).await;
    Some(read.map_err(|why| format!("serve.clients.{name}.{why}")))
}

/// One sentence for each client that cannot be read.
pub(crate) async fn faults(config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    for name in config.serve.clients.keys() {
        if let Some(Err(why)) = read(config, name).await {
            faults.push(format!("{}: {why}", config.path.display()));
        }
    }
    faults
}
