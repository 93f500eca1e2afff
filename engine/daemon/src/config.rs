//! The configuration file: a store and its connections.
//!
//! Unknown names are refused with file, line and a suggestion, so that a misspelt setting is not
//! ignored. A message never quotes a line of the file, which could hold a secret. A mistake in one
//! connection's table refuses that connection alone. Schedules are parsed here, so that a wrong one
//! is refused before the store is opened.
//!
//! Left out: whether adapter, origins and settings fit each other; the engine checks that when it
//! connects.

#![expect(clippy::disallowed_methods, reason = "reads the configuration file")]

pub(crate) mod client;
pub(crate) mod made;
pub(crate) mod period;
pub(crate) mod scheme;
pub(crate) mod serve;
pub(crate) mod telemetry;
pub(crate) mod timing;

use crate::failure::Failure;
use atsync::{Cron, CronError, Crons, SecretRef, TextRef, did_you_mean};
use made::Made;
use period::Jitter;
use scheme::Scheme;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use serve::ServeConfig;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use telemetry::TelemetryConfig;
use timing::{Retention, TimeZone};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// The parsed file.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Its path.
    pub(crate) path: PathBuf,
    /// The store, resolved against the file's directory.
    pub(crate) store: PathBuf,
    /// The folder of adapters, resolved likewise.
    pub(crate) adapters: Option<PathBuf>,
    /// The HTTP API.
    pub(crate) serve: ServeConfig,
    /// Where traces go; none for nowhere.
    pub(crate) telemetry: Option<TelemetryConfig>,
    /// The connections by name.
    pub(crate) connections: BTreeMap<String, ConnectionConfig>,
    /// Those whose part of the file cannot be read: one message each, with file and line.
    pub(crate) refused: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    store: PathBuf,
    adapters: Option<PathBuf>,
    #[serde(default)]
    serve: ServeConfig,
    telemetry: Option<TelemetryConfig>,
    /// Read one by one, so that a mistake refuses one alone.
    #[serde(default, rename = "connections")]
    _connections: Option<IgnoredAny>,
}

/// One connection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionConfig {
    /// The name of a built-in adapter or of one of the folder, or the path of a component.
    pub(crate) adapter: String,
    /// The credential.
    pub(crate) auth: Auth,
    /// Origins that differ from the manifest's.
    #[serde(default)]
    pub(crate) origins: BTreeMap<String, String>,
    /// See [`atsync::ConnectionOptions::accept`].
    pub(crate) accept: Option<String>,
    /// Allows private and loopback addresses and clear-text `http`.
    #[serde(default)]
    pub(crate) allow_private_network: bool,
    /// Cron expressions by kind.
    #[serde(default)]
    schedule: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Cron expressions of sweeps by kind.
    #[serde(default)]
    sweeps: BTreeMap<Spanned<String>, Spanned<String>>,
    /// The time zone of both; UTC when none is given.
    timezone: Option<TimeZone>,
    /// Up to how much later than its times a schedule is due.
    jitter: Option<Jitter>,
    /// How long old rows are kept.
    #[serde(default)]
    retention: Retention,
    /// The adapter's settings.
    #[serde(default)]
    pub(crate) settings: Map<String, Value>,
    /// The secret that the ATS signs its webhooks with: one reference, or a list while one is being
    /// replaced.
    #[serde(default, deserialize_with = "one_or_many")]
    pub(crate) webhook_secret: Vec<SecretRef>,
    /// See [`atsync::ConnectionOptions::settle_window_ms`].
    pub(crate) settle_window_ms: Option<u64>,
    /// The lines of members, and of members of tables, in the file: by `schedule` and
    /// `schedule.jobs`.
    #[serde(skip)]
    lines: BTreeMap<String, usize>,
    /// The record of a connection that was made at run time; none for one of the file.
    #[serde(skip)]
    pub(crate) made: Option<Box<Made>>,
}

impl ConnectionConfig {
    /// A connection that was made at run time.
    ///
    /// # Errors
    /// As for one of the file, with the connection's name in place of the line.
    pub(crate) fn made(name: &str, made: &Made) -> Result<Self, String> {
        let spanned = |crons: &BTreeMap<String, String>| {
            let each = crons.iter().map(|(kind, cron)| {
                (Spanned::new(0..0, kind.clone()), Spanned::new(0..0, cron.clone()))
            });
            each.collect::<BTreeMap<_, _>>()
        };
        let config = Self {
            adapter: made.adapter.clone(),
            auth: Auth::made(made.scheme, made.client_id.clone()),
            origins: made.origins.clone(),
            accept: made.accept.clone(),
            allow_private_network: made.allow_private_network,
            schedule: spanned(&made.schedule),
            sweeps: spanned(&made.sweeps),
            timezone: made.timezone.clone(),
            jitter: made.jitter,
            retention: made.retention.clone(),
            settings: made.settings.clone(),
            webhook_secret: Vec::new(),
            settle_window_ms: None,
            lines: BTreeMap::new(),
            made: Some(Box::new(made.clone())),
        };
        config.check_but_auth(name, |_| name.to_owned())?;
        Ok(config)
    }

    /// Cron expressions by kind; empty when the file has none.
    pub(crate) fn schedule(&self) -> BTreeMap<String, String> {
        plain(&self.schedule)
    }

    /// Cron expressions of sweeps by kind; empty when the file has none.
    pub(crate) fn sweeps(&self) -> BTreeMap<String, String> {
        plain(&self.sweeps)
    }

    /// What its run does by time. `pulls`: the cron expressions of a connection that has none.
    ///
    /// # Errors
    /// When an expression of `pulls` is none; those of the connection were parsed before.
    pub(crate) fn crons(&self, pulls: BTreeMap<String, String>) -> Result<Crons, CronError> {
        let own = self.schedule();
        let parsed = |crons: BTreeMap<String, String>| {
            let parsed = crons.into_iter().map(|(kind, text)| {
                let cron = Cron::parse(&text)?;
                let zoned = match &self.timezone {
                    Some(zone) => cron.in_zone(zone.name())?,
                    None => cron,
                };
                Ok::<_, CronError>((kind, zoned))
            });
            parsed.collect::<Result<BTreeMap<_, _>, _>>()
        };
        let Retention { feed, journal } = self.retention;
        Ok(Crons::of_pulls(parsed(if own.is_empty() { pulls } else { own })?)
            .with_sweeps(parsed(self.sweeps())?)
            .with_jitter(timing::jitter_ms(self.jitter))
            .with_retention(feed.map(|age| age.ms()), journal.map(|age| age.ms())))
    }

    /// The kinds that the file names, each with its member: `schedule` or `sweeps`.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let members = [("schedule", &self.schedule), ("sweeps", &self.sweeps)];
        members.into_iter().flat_map(|(member, crons)| {
            crons.keys().map(move |kind| (member, kind.get_ref().as_str()))
        })
    }
}

impl ConnectionConfig {
    /// Checks what its types do not. `at` gives the place of a byte in the file.
    fn check(&self, name: &str, at: impl Fn(usize) -> String) -> Result<(), String> {
        let begin = self.auth.scheme.span().start;
        self.auth
            .check()
            .map_err(|problem| format!("{}: connections.{name}.auth: {problem}", at(begin)))?;
        self.check_but_auth(name, at)
    }

    fn check_but_auth(&self, name: &str, at: impl Fn(usize) -> String) -> Result<(), String> {
        if name.trim() != name
            || name.is_empty()
            || name.len() > 100
            || name.contains(char::is_control)
            // No browser and few clients ask for a path with such a part.
            || [".", ".."].contains(&name)
        {
            let at = at(self.auth.scheme.span().start);
            return Err(format!(
                "{at}: a connection's name has 1 to 100 printable bytes, no blanks around it, and \
                 is neither `.` nor `..`; it is {name:?}"
            ));
        }
        for (member, crons) in [("schedule", &self.schedule), ("sweeps", &self.sweeps)] {
            for (kind, cron) in crons {
                Cron::parse(cron.get_ref()).map_err(|problem| {
                    format!(
                        "{}: connections.{name}.{member}.{}: {problem}",
                        at(cron.span().start),
                        kind.get_ref()
                    )
                })?;
            }
        }
        Ok(())
    }

    /// The change that brought the webhook secret of a connection that was made at run time.
    fn made_webhook(&self) -> Option<u64> {
        self.made.as_ref().filter(|made| made.has_webhook_secret).map(|made| made.secrets)
    }

    /// The OAuth client of the host that a consent was given to.
    fn made_client(&self) -> Option<&str> {
        self.made.as_ref().and_then(|made| made.client.as_deref())
    }

    /// Whether a connection that runs with one can continue with the other. References to secrets
    /// do not count: a credential is replaced while the connection runs.
    pub(crate) fn runs_as(&self, other: &Self) -> bool {
        self.adapter == other.adapter
            && self.auth.scheme.get_ref() == other.auth.scheme.get_ref()
            && self.origins == other.origins
            && self.accept == other.accept
            && self.allow_private_network == other.allow_private_network
            && self.schedule() == other.schedule()
            && self.sweeps() == other.sweeps()
            && self.timezone == other.timezone
            && self.jitter == other.jitter
            && self.retention == other.retention
            && self.settings == other.settings
            && self.settle_window_ms == other.settle_window_ms
            && self.made_webhook() == other.made_webhook()
            && self.made_client() == other.made_client()
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
    /// The client's id; not secret.
    pub(crate) client_id: Option<TextRef>,
    /// The client's secret.
    pub(crate) client_secret: Option<SecretRef>,
    /// The key of the other schemes.
    pub(crate) key: Option<SecretRef>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// One message with file and line.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let hint = if error.kind() == std::io::ErrorKind::NotFound {
                "; write one, or name it with --config FILE (`atsync demo` needs none and ends \
                 with an example)"
            } else {
                ""
            };
            Failure::new(format!(
                "the configuration {} cannot be read: {error}{hint}",
                path.display()
            ))
        })?;
        Self::parse(path, &text).map_err(Failure::Message)
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// As for [`Config::read`].
    fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let name = path.display().to_string();
        let problem = |error: &toml::de::Error| {
            let line = error.span().map(|span| line_of(text, span.start));
            format!("{}: {}", place(&name, line), reason(error.message()))
        };
        let table = DeTable::parse(text).map_err(|error| problem(&error))?;
        let file = File::deserialize(table.clone().into_deserializer())
            .map_err(|error| problem(&error))?;
        let tables = match table
            .get_ref()
            .get("connections")
            .map(|tables| (tables.get_ref(), tables.span()))
        {
            Some((DeValue::Table(tables), _)) => tables,
            Some((_, span)) => {
                let line = line_of(text, span.start);
                return Err(format!(
                    "{}: connections: write a table [connections.NAME]",
                    place(&name, Some(line))
                ));
            }
            None => &DeTable::new(),
        };
        let (mut connections, mut refused) = (BTreeMap::new(), BTreeMap::new());
        for (key, table) in tables {
            let read = ConnectionConfig::deserialize(ValueDeserializer::from(table.clone()));
            let checked = read.map_err(|error| problem(&error)).and_then(|config| {
                config.check(key.get_ref(), |line| place(&name, Some(line_of(text, line))))?;
                Ok(ConnectionConfig {
                    lines: lines(table.get_ref(), |at| line_of(text, at)),
                    ..config
                })
            });
            match checked {
                Ok(config) => drop(connections.insert(key.get_ref().to_string(), config)),
                Err(why) => drop(refused.insert(key.get_ref().to_string(), why)),
            }
        }
        let can_be_made = !file.serve.seal_key.is_empty();
        if connections.is_empty() && refused.is_empty() && !can_be_made {
            return Err(format!(
                "{name}: there is no connection; add a table [connections.NAME], or, to make \
                 connections with `atsync connect`, a key that seals their secrets: [serve] with \
                 seal_key = {{ env = \"ATSYNC_SEAL_KEY\" }} (`openssl rand -hex 32` makes one)"
            ));
        }
        let directory = path.parent().unwrap_or(Path::new(""));
        let store = directory.join(file.store);
        let adapters = file.adapters.map(|folder| directory.join(folder));
        file.serve.check().map_err(|why| format!("{name}: serve: {why}"))?;
        let telemetry = file.telemetry;
        telemetry
            .as_ref()
            .map_or(Ok(()), TelemetryConfig::check)
            .map_err(|why| format!("{name}: telemetry: {why}"))?;
        Ok(Self {
            path: path.to_owned(),
            store,
            adapters,
            serve: file.serve,
            telemetry,
            connections,
            refused,
        })
    }

    /// The directory that paths in the file are relative to.
    pub(crate) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The file and the line of a connection's member, as `settings.source`; the file alone where
    /// the line is not known.
    pub(crate) fn place(&self, connection: &str, member: &str) -> String {
        let lines = self.connections.get(connection).map(|connection| &connection.lines);
        place(&self.path.display().to_string(), lines.and_then(|lines| lines.get(member)).copied())
    }

    /// A connection by name.
    ///
    /// # Errors
    /// A message with the known names.
    pub(crate) fn connection(&self, name: &str) -> Result<&ConnectionConfig, Failure> {
        if let Some(why) = self.refused.get(name) {
            return Err(Failure::new(why.clone()));
        }
        self.connections.get(name).ok_or_else(|| {
            let names: Vec<&str> =
                self.connections.keys().chain(self.refused.keys()).map(String::as_str).collect();
            let hint = match did_you_mean(name, names.iter().copied()) {
                hint if hint.is_empty() => ".".to_owned(),
                hint => hint,
            };
            let path = self.path.display();
            if names.is_empty() {
                return Failure::new(format!(
                    "{path} has no connection {name:?}, and none was made at run time; `atsync \
                     connect ADAPTER` makes one"
                ));
            }
            Failure::new(format!(
                "{path} has no connection {name:?}{hint} It has: {}",
                names.join(", ")
            ))
        })
    }
}

impl Auth {
    /// The credential of a connection that was made at run time; its secrets are in the vault.
    fn made(scheme: Scheme, client_id: Option<String>) -> Self {
        let client_id = client_id.map(TextRef::Plain);
        Self { scheme: Spanned::new(0..0, scheme), client_id, client_secret: None, key: None }
    }

    fn check(&self) -> Result<(), String> {
        if *self.scheme.get_ref() == Scheme::AuthorizationCode {
            return Err(
                "a consent is given on the connect page, so a connection with this scheme \
                        is made there: POST /v1/connect-links makes the link; remove it here"
                    .to_owned(),
            );
        }
        let is_client = *self.scheme.get_ref() == Scheme::ClientCredentials;
        let needs: &[(&str, bool, bool)] = &[
            ("client_id", self.client_id.is_some(), is_client),
            ("client_secret", self.client_secret.is_some(), is_client),
            ("key", self.key.is_some(), !is_client),
        ];
        for (field, is_there, is_needed) in needs {
            match (is_there, is_needed) {
                (false, true) => {
                    return Err(format!(
                        "this scheme needs `{field}`, by reference: {field} = {{ env = \"NAME\" }}"
                    ));
                }
                (true, false) => return Err(format!("this scheme has no `{field}`; remove it")),
                _ => {}
            }
        }
        Ok(())
    }
}

/// One reference to a secret, or a list of them.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretRef>, D::Error> {
    struct OneOrMany;
    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<SecretRef>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a reference to a secret, or a list of them")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            SecretRef::deserialize(text.into_deserializer()).map(|one| vec![one])
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            SecretRef::deserialize(MapAccessDeserializer::new(map)).map(|one| vec![one])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(seq))
        }
    }
    deserializer.deserialize_any(OneOrMany)
}

/// The lines of a connection's members and of theirs.
fn lines(connection: &DeValue<'_>, line: impl Fn(usize) -> usize) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (member, value) in connection.as_table().into_iter().flatten() {
        found.insert(member.get_ref().to_string(), line(member.span().start));
        for below in value.get_ref().as_table().into_iter().flat_map(DeTable::keys) {
            found.insert(
                format!("{}.{}", member.get_ref(), below.get_ref()),
                line(below.span().start),
            );
        }
    }
    found
}

fn place(name: &str, line: Option<usize>) -> String {
    line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1)
}

/// The parser's message in one line, with a suggestion for an unknown name.
fn reason(message: &str) -> String {
    let message = message.replace('\n', " ");
    let mut quoted = message.split('`').skip(1).step_by(2);
    let is_unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    match quoted.next().filter(|_| is_unknown) {
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
    use atsync::SecretRef;
    use std::collections::{BTreeMap, BTreeSet};
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
        refused(&GOOD.replace(from, to))
    }

    /// The error of the file, or of its only connection.
    fn refused(text: &str) -> String {
        parse(text)
            .and_then(|config| config.connection("acme").map(drop).map_err(|why| why.to_string()))
            .unwrap_err()
    }

    #[test]
    fn what_is_wrong_with_one_connection_refuses_that_one_alone() {
        let wrong = [
            ("true", "\"yes\""),
            ("\"*/15 * * * *\"", "\"hourly\""),
            ("scheme", "schema"),
            ("adapter", "adaptor"),
        ];
        for (from, to) in wrong {
            let (_, bad) = GOOD
                .replace(from, to)
                .split_once('[')
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .unwrap();
            let config =
                parse(&format!("{GOOD}[{}", bad.replace("connections.acme", "connections.bad")))
                    .unwrap();
            assert!(config.connection("acme").is_ok());
            let text = config.connection("bad").unwrap_err().to_string();
            assert!(text.starts_with("etc/acme.toml:1"), "with the line: {text}");
        }
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
        assert!(
            text.starts_with("etc/acme.toml:7: unknown field `allow_privat_network`"),
            "{text}"
        );
        assert!(text.ends_with("did you mean `allow_private_network`?"), "{text}");
        let text = refusal("store =", "stor =");
        assert!(
            text.starts_with("etc/acme.toml:1: ") && text.contains("did you mean `store`"),
            "{text}"
        );
    }

    #[test]
    fn a_secret_in_clear_is_refused_and_not_repeated() {
        let text = refusal("{ env = \"GH_SECRET\" }", "\"hunter2\"");
        assert!(text.starts_with("etc/acme.toml:5: ") && text.contains("in clear"), "{text}");
        assert!(!text.contains("hunter2"));
    }

    #[test]
    fn the_secret_of_webhooks_comes_by_reference_alone_or_in_a_list() {
        let with = |value: &str| parse(&format!("{GOOD}webhook_secret = {value}\n"));
        let read =
            |value: &str| with(value).unwrap().connection("acme").unwrap().webhook_secret.clone();
        let new = SecretRef::Env("NEW".into());
        assert_eq!(read("{ env = \"NEW\" }"), std::slice::from_ref(&new));
        assert_eq!(
            read("[{ env = \"NEW\" }, { file = \"old\" }]"),
            [new, SecretRef::File("old".into())]
        );
        assert!(parse(GOOD).unwrap().connection("acme").unwrap().webhook_secret.is_empty());
        for clear in ["\"hunter2\"", "[\"hunter2\"]"] {
            let text = refused(&format!("{GOOD}webhook_secret = {clear}\n"));
            assert!(text.contains("in clear") && !text.contains("hunter2"), "{text}");
        }
    }

    /// The members that the parser expects in a table.
    fn members(text: &str) -> BTreeSet<String> {
        let error = refused(text);
        let (_, expected) = error.split_once("expected").unwrap();
        let expected = expected.split(';').next().unwrap();
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_readme_lists_every_member_of_the_configuration_and_no_other() {
        let readme =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md"))
                .unwrap();
        let (_, table) = readme.split_once("| member | what it is | without it |").unwrap();
        let rows = table.lines().skip(2).take_while(|line| line.starts_with("| `"));
        let listed: BTreeSet<String> =
            rows.filter_map(|row| row.split('`').nth(1)).map(str::to_owned).collect();
        let below = |prefix: &str, names: BTreeSet<String>| -> Vec<String> {
            names.into_iter().map(|name| format!("{prefix}{name}")).collect()
        };
        let connection = members(&format!("{GOOD}zzz = 1\n"));
        let auth = members(&GOOD.replace("auth = { ", "auth = { zzz = 1, "));
        let serve = members(&format!("serve = {{ zzz = 1 }}\n{GOOD}"));
        let telemetry = members(&format!("telemetry = {{ zzz = 1 }}\n{GOOD}"));
        let token = members(&format!("serve = {{ tokens.a = {{ zzz = 1 }} }}\n{GOOD}"));
        let client = members(&format!("serve = {{ clients.a = {{ zzz = 1 }} }}\n{GOOD}"));
        let known: BTreeSet<String> = members(&format!("zzz = 1\n{GOOD}"))
            .into_iter()
            .filter(|name| !["connections", "serve", "telemetry"].contains(&name.as_str()))
            .chain(below("telemetry.", telemetry))
            .chain(below("serve.", serve))
            .filter(|name| name != "serve.tokens" && name != "serve.clients")
            .chain(below("serve.clients.NAME.", client))
            .chain(below("serve.tokens.NAME.", token))
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
            text.starts_with(
                "etc/acme.toml:5: connections.acme.auth: this scheme needs `client_secret`"
            ),
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
    fn a_time_zone_a_jitter_and_ages_are_checked_when_they_are_read() {
        let with = |line: &str| format!("{GOOD}{line}\n");
        let crons = |line: &str| {
            let config = parse(&with(line)).unwrap();
            config.connection("acme").unwrap().crons(BTreeMap::new()).unwrap()
        };
        assert_eq!((crons("").jitter_ms, crons("jitter = \"0s\"").jitter_ms), (60_000, 0));
        let aged = crons("retention = { feed = \"90d\", journal = \"400d\" }");
        let day_ms = 86_400_000;
        assert_eq!(aged.keep_feed_ms, Some(90 * day_ms));
        assert_eq!(aged.keep_journal_ms, Some(400 * day_ms));
        let daily = |zone: &str| {
            let text = with(zone).replace("*/15 * * * *", "0 3 * * *");
            let config = parse(&text).unwrap();
            let crons = config.connection("acme").unwrap().crons(BTreeMap::new()).unwrap();
            crons.pulls.get("jobs").unwrap().next_ms(0)
        };
        assert_eq!(daily(""), Some(3 * 3_600_000));
        assert_eq!(daily("timezone = \"Europe/Berlin\""), Some(2 * 3_600_000));
        for (line, says) in [
            ("timezone = \"Europe/Berln\"", "did you mean `Europe/Berlin`?"),
            ("timezone = \"+02:00\"", "is no time zone"),
            ("jitter = 60", "a length of time such as"),
            ("jitter = \"2h\"", "from 0s to 1h"),
            ("retention = { feed = \"90\" }", "is no length of time"),
            ("retention = { journal = \"7d\" }", "from 30d"),
            ("retention = { jornal = \"400d\" }", "did you mean `journal`"),
        ] {
            let text = refused(&with(line));
            assert!(text.starts_with("etc/acme.toml:9: ") && text.contains(says), "{text}");
        }
    }

    #[test]
    fn an_unknown_connection_is_answered_with_those_that_there_are() {
        let error = parse(GOOD).unwrap().connection("acmee").unwrap_err().to_string();
        assert_eq!(
            error,
            "etc/acme.toml has no connection \"acmee\"; did you mean `acme`? It has: acme"
        );
        let error = parse(GOOD).unwrap().connection("zebra").unwrap_err().to_string();
        assert_eq!(error, "etc/acme.toml has no connection \"zebra\". It has: acme");
    }
}
