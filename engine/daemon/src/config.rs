//! The configuration file: a store and the connections that are kept in it.
//!
//! Unknown names are refused with file, line and a suggestion, because a misspelt setting must not be a silent one. A message never quotes a
//! line of the file: it could hold a secret. Schedules are read here, so that a wrong one is refused before anything is opened.
//!
//! Left out: whether adapter, origins and settings fit each other; the engine says that when it connects.

use crate::failure::Failure;
use crate::words::did_you_mean;
use atsync::schedule::Cron;
use atsync::{SecretRef, TextRef};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The file, read.
#[derive(Debug)]
pub(crate) struct Config {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The store, resolved against the file's directory.
    pub(crate) store: PathBuf,
    /// The connections by name.
    pub(crate) connections: BTreeMap<String, ConnectionConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    store: PathBuf,
    #[serde(default)]
    connections: BTreeMap<String, ConnectionConfig>,
}

/// One connection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionConfig {
    /// A built-in adapter's name, or the path of a component.
    pub(crate) adapter: String,
    /// The credential.
    pub(crate) auth: Auth,
    /// Origins that differ from the manifest's.
    #[serde(default)]
    pub(crate) origins: BTreeMap<String, String>,
    /// Allows private and loopback addresses and clear-text `http`.
    #[serde(default)]
    pub(crate) allow_private_network: bool,
    /// Cron expressions by kind.
    #[serde(default)]
    schedule: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Cron expressions of sweeps by kind.
    #[serde(default)]
    sweeps: BTreeMap<Spanned<String>, Spanned<String>>,
    /// The adapter's settings.
    #[serde(default)]
    pub(crate) settings: Map<String, Value>,
    /// See [`atsync::ConnectionOptions::settle_window_ms`].
    pub(crate) settle_window_ms: Option<u64>,
}

impl ConnectionConfig {
    /// Cron expressions by kind; empty when the file has none.
    pub(crate) fn schedule(&self) -> BTreeMap<String, String> {
        plain(&self.schedule)
    }

    /// Cron expressions of sweeps by kind; empty when the file has none.
    pub(crate) fn sweeps(&self) -> BTreeMap<String, String> {
        plain(&self.sweeps)
    }
}

impl ConnectionConfig {
    /// Whether a connection that runs on the other one has to be made anew. Where its secrets come from
    /// is no part of it: a credential is replaced while the connection runs.
    pub(crate) fn runs_as(&self, other: &Self) -> bool {
        self.adapter == other.adapter
            && self.auth.scheme.get_ref() == other.auth.scheme.get_ref()
            && self.origins == other.origins
            && self.allow_private_network == other.allow_private_network
            && self.schedule() == other.schedule()
            && self.sweeps() == other.sweeps()
            && self.settings == other.settings
            && self.settle_window_ms == other.settle_window_ms
    }
}

fn plain(crons: &BTreeMap<Spanned<String>, Spanned<String>>) -> BTreeMap<String, String> {
    crons.iter().map(|(kind, cron)| (kind.get_ref().clone(), cron.get_ref().clone())).collect()
}

/// A credential. Which members it needs depends on the scheme.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auth {
    /// `oauth2-client-credentials`, `basic-key`, `bearer` or `header`.
    pub(crate) scheme: Spanned<Scheme>,
    /// The client's id; no secret.
    pub(crate) client_id: Option<TextRef>,
    /// The client's secret.
    pub(crate) client_secret: Option<SecretRef>,
    /// The key of the other schemes.
    pub(crate) key: Option<SecretRef>,
}

/// How requests are authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Scheme {
    /// OAuth2 client credentials.
    #[serde(rename = "oauth2-client-credentials")]
    ClientCredentials,
    /// A key as half of HTTP Basic.
    #[serde(rename = "basic-key")]
    BasicKey,
    /// A bearer token.
    #[serde(rename = "bearer")]
    Bearer,
    /// A header of its own.
    #[serde(rename = "header")]
    Header,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// One message with file and line.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let hint = if error.kind() == std::io::ErrorKind::NotFound {
                "; write one, or name it with --config FILE (`atsync demo` needs none and ends with an example)"
            } else {
                ""
            };
            Failure::new(format!("the configuration {} cannot be read: {error}{hint}", path.display()))
        })?;
        Self::parse(path, &text).map_err(Failure::Message)
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// As for [`Config::read`].
    fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let name = path.display().to_string();
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| line_of(text, span.start));
            format!("{}: {}", place(&name, line), reason(error.message()))
        })?;
        if file.connections.is_empty() {
            return Err(format!("{name}: there is no connection; add a table [connections.NAME]"));
        }
        for (connection, config) in &file.connections {
            if connection.trim().is_empty() || connection.len() > 100 || connection.contains(char::is_control) {
                return Err(format!(
                    "{name}: a connection's name has 1 to 100 printable bytes, and {connection:?} has not"
                ));
            }
            config.auth.check().map_err(|problem| {
                let line = line_of(text, config.auth.scheme.span().start);
                format!("{}: connections.{connection}.auth: {problem}", place(&name, Some(line)))
            })?;
            for (member, crons) in [("schedule", &config.schedule), ("sweeps", &config.sweeps)] {
                for (kind, cron) in crons {
                    Cron::parse(cron.get_ref()).map_err(|problem| {
                        let line = line_of(text, cron.span().start);
                        let path = format!("connections.{connection}.{member}.{}", kind.get_ref());
                        format!("{}: {path}: {problem}", place(&name, Some(line)))
                    })?;
                }
            }
        }
        let store = path.parent().unwrap_or(Path::new("")).join(file.store);
        Ok(Self { path: path.to_owned(), store, connections: file.connections })
    }

    /// The directory that paths in the file are relative to.
    pub(crate) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// A connection by name.
    ///
    /// # Errors
    /// A message with the names that there are.
    pub(crate) fn connection(&self, name: &str) -> Result<&ConnectionConfig, Failure> {
        self.connections.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.connections.keys().map(String::as_str).collect();
            let hint = match did_you_mean(name, names.iter().copied()) {
                hint if hint.is_empty() => ".".to_owned(),
                hint => hint,
            };
            let path = self.path.display();
            Failure::new(format!("{path} has no connection {name:?}{hint} It has: {}", names.join(", ")))
        })
    }
}

impl Auth {
    fn check(&self) -> Result<(), String> {
        let is_client = *self.scheme.get_ref() == Scheme::ClientCredentials;
        let needs: &[(&str, bool, bool)] = &[
            ("client_id", self.client_id.is_some(), is_client),
            ("client_secret", self.client_secret.is_some(), is_client),
            ("key", self.key.is_some(), !is_client),
        ];
        for (field, is_there, is_needed) in needs {
            match (is_there, is_needed) {
                (false, true) => {
                    return Err(format!("this scheme needs `{field}`, by reference: {field} = {{ env = \"NAME\" }}"));
                }
                (true, false) => return Err(format!("this scheme has no `{field}`; remove it")),
                _ => {}
            }
        }
        Ok(())
    }
}

fn place(name: &str, line: Option<usize>) -> String {
    line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1)
}

/// The parser's words in one line, with a suggestion for an unknown name.
fn reason(message: &str) -> String {
    let message = message.replace('\n', " ");
    let mut quoted = message.split('`').skip(1).step_by(2);
    let is_unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    match quoted.next().filter(|_| is_unknown) {
        Some(word @ "webhook_secret") => format!(
            "unknown field `{word}`: this program takes no webhooks; remove it here, and where a host embeds the engine, \
             give the secret as `ConnectionOptions::webhook_secrets`"
        ),
        Some(word) => {
            let hint = did_you_mean(word, quoted);
            format!("{message}{hint}")
        }
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::Config;
    use std::collections::BTreeSet;
    use std::path::Path;

    const GOOD: &str = r#"store = "acme.redb"

[connections.acme]
adapter = "greenhouse"
auth = { scheme = "oauth2-client-credentials", client_id = { env = "GH_ID" }, client_secret = { env = "GH_SECRET" } }
origins = { api = "http://127.0.0.1:8099", auth = "http://127.0.0.1:8099" }
allow_private_network = true
schedule = { jobs = "*/15 * * * *", candidates = "*/5 * * * *" }
"#;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("etc/acme.toml"), text)
    }

    fn refusal(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from));
        parse(&GOOD.replace(from, to)).unwrap_err()
    }

    #[test]
    fn the_documented_shape_is_read() {
        let config = parse(GOOD).unwrap();
        assert_eq!(config.store, Path::new("etc/acme.redb"));
        let acme = config.connection("acme").unwrap();
        assert_eq!(acme.schedule().get("jobs").unwrap(), "*/15 * * * *");
        assert!(acme.allow_private_network);
    }

    #[test]
    fn an_unknown_name_is_refused_with_line_and_suggestion() {
        let text = refusal("allow_private_network", "allow_privat_network");
        assert!(text.starts_with("etc/acme.toml:7: unknown field `allow_privat_network`"), "{text}");
        assert!(text.ends_with("did you mean `allow_private_network`?"), "{text}");
        let text = refusal("store =", "stor =");
        assert!(text.starts_with("etc/acme.toml:1: ") && text.contains("did you mean `store`"), "{text}");
    }

    #[test]
    fn a_secret_in_clear_is_refused_and_not_repeated() {
        let text = refusal("{ env = \"GH_SECRET\" }", "\"hunter2\"");
        assert!(text.starts_with("etc/acme.toml:5: ") && text.contains("in clear"), "{text}");
        assert!(!text.contains("hunter2"));
    }

    #[test]
    fn a_setting_without_effect_here_is_refused_and_told_where_it_has_one() {
        let text = parse(&format!("{GOOD}webhook_secret = \"hunter2\"\n")).unwrap_err();
        assert!(text.starts_with("etc/acme.toml:9: unknown field `webhook_secret`"), "{text}");
        assert!(text.contains("`ConnectionOptions::webhook_secrets`") && !text.contains("hunter2"), "{text}");
    }

    /// What the parser says it expects in a table.
    fn members(text: &str) -> BTreeSet<String> {
        let error = parse(text).unwrap_err();
        let (_, expected) = error.split_once("expected").unwrap();
        let expected = expected.split(';').next().unwrap();
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_readme_lists_every_member_of_the_configuration_and_no_other() {
        let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
        let (_, table) = readme.split_once("| member | what it is | without it |").unwrap();
        let rows = table.lines().skip(2).take_while(|line| line.starts_with("| `"));
        let listed: BTreeSet<String> = rows.filter_map(|row| row.split('`').nth(1)).map(str::to_owned).collect();
        let below = |prefix: &str, names: BTreeSet<String>| -> Vec<String> {
            names.into_iter().map(|name| format!("{prefix}{name}")).collect()
        };
        let connection = members(&format!("{GOOD}zzz = 1\n"));
        let auth = members(&GOOD.replace("auth = { ", "auth = { zzz = 1, "));
        let known: BTreeSet<String> = members(&format!("zzz = 1\n{GOOD}"))
            .into_iter()
            .filter(|name| name != "connections")
            .chain(below("connections.NAME.", connection))
            .filter(|name| name != "connections.NAME.auth")
            .chain(below("connections.NAME.auth.", auth))
            .collect();
        assert_eq!(listed, known);
    }

    #[test]
    fn a_broken_line_that_holds_a_secret_is_not_quoted() {
        let text = refusal("{ env = \"GH_SECRET\" }", "hunter2");
        assert!(text.starts_with("etc/acme.toml:5: ") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn credentials_and_schedules_are_checked_when_they_are_read() {
        let text = refusal(", client_secret = { env = \"GH_SECRET\" }", "");
        assert!(
            text.starts_with("etc/acme.toml:5: connections.acme.auth: this scheme needs `client_secret`"),
            "{text}"
        );
        let text = refusal("oauth2-client-credentials", "oauth2");
        assert!(text.contains("unknown variant `oauth2`"), "{text}");
        let text = refusal("*/15 * * * *", "hourly");
        assert!(text.starts_with("etc/acme.toml:8: connections.acme.schedule.jobs: "), "{text}");
        let text = refusal("true", "\"yes\"");
        assert!(text.starts_with("etc/acme.toml:7: invalid type: string \"yes\""), "{text}");
    }

    #[test]
    fn an_unknown_connection_is_answered_with_those_that_there_are() {
        let error = parse(GOOD).unwrap().connection("acmee").unwrap_err().to_string();
        assert_eq!(error, "etc/acme.toml has no connection \"acmee\"; did you mean `acme`? It has: acme");
        let error = parse(GOOD).unwrap().connection("zebra").unwrap_err().to_string();
        assert_eq!(error, "etc/acme.toml has no connection \"zebra\". It has: acme");
    }
}
