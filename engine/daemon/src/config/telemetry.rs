//! The table `[telemetry]` of the configuration: where traces go.
//!
//! A program that was built without the feature `otel` refuses the table, since it would send none.

use atsync::{Secret, SecretRef};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::path::Path;
use url::Url;

/// Whether this program can send traces.
const IS_BUILT: bool = cfg!(feature = "otel");
/// Headers of a request at most.
const HEADERS_MAX: usize = 16;

/// The table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TelemetryConfig {
    /// The collector's address for traces over HTTP, as `http://127.0.0.1:4318/v1/traces`.
    #[serde(deserialize_with = "address")]
    pub(crate) endpoint: Url,
    /// Headers of each request by name, such as a key of the collector.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, SecretRef>,
    /// The share of the traces that are sent, from 0 to 1; all without it.
    #[serde(default = "all")]
    pub(crate) sample: f64,
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    // Without the text, which may have a secret.
    Url::parse(&text).map_err(|error| serde::de::Error::custom(format!("endpoint: {error}")))
}

fn all() -> f64 {
    1.0
}

impl TelemetryConfig {
    /// Reads the headers; paths of references are relative to the directory.
    ///
    /// # Errors
    /// A sentence that names the header.
    pub(crate) async fn read(&self, directory: &Path) -> Result<Vec<(String, Secret)>, String> {
        let mut headers = Vec::new();
        for (name, reference) in &self.headers {
            let value = reference.read(directory).await;
            let value = value.map_err(|error| format!("headers.{name}: {error}"))?;
            headers.push((name.clone(), value));
        }
        Ok(headers)
    }

    /// Checks what its types do not.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !IS_BUILT {
            return Err(
                "this program was built without OpenTelemetry: build it with `cargo install \
                 atsync-daemon --features otel`, or remove the table"
                    .to_owned(),
            );
        }
        if !matches!(self.endpoint.scheme(), "http" | "https") || !self.endpoint.has_host() {
            return Err("endpoint: write an address such as http://127.0.0.1:4318/v1/traces".into());
        }
        if !self.endpoint.username().is_empty() || self.endpoint.password().is_some() {
            return Err(
                "endpoint: it has a credential in clear; write it in `headers`, by reference"
                    .into(),
            );
        }
        if self.headers.len() > HEADERS_MAX {
            return Err(format!("headers: at most {HEADERS_MAX}"));
        }
        let is_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if let Some(name) =
            self.headers.keys().find(|name| name.is_empty() || !name.chars().all(is_token))
        {
            return Err(format!("headers: {name:?} is no name of a header"));
        }
        if !(0.0..=1.0).contains(&self.sample) {
            return Err(format!("sample: {} is not from 0 to 1", self.sample));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{IS_BUILT, TelemetryConfig};

    fn refused(text: &str) -> String {
        let parsed =
            toml::from_str::<TelemetryConfig>(text).map_err(|error| error.message().to_owned());
        parsed.and_then(|config| config.check()).err().unwrap_or_default()
    }

    #[test]
    fn the_table_is_checked_when_it_is_read() {
        let good = "endpoint = \"http://collector:4318/v1/traces\"\n";
        if !IS_BUILT {
            assert!(refused(good).contains("--features otel"));
            return;
        }
        assert_eq!(
            refused(&format!("{good}headers.x-key = {{ env = \"KEY\" }}\nsample = 0.1")),
            ""
        );
        for (text, says) in [
            ("endpoint = \"ftp://collector\"", "write an address"),
            ("endpoint = \"collector\"", "relative URL"),
            ("endpoint = \"http://a:b@collector\"", "in clear"),
            (&format!("{good}headers.x-key = \"hunter2\""), "in clear"),
            (&format!("{good}headers.\"a b\" = {{ env = \"KEY\" }}"), "no name of a header"),
            (&format!("{good}sample = 1.5"), "from 0 to 1"),
            (&format!("{good}sample = -0.5"), "from 0 to 1"),
            (&format!("{good}sample = nan"), "from 0 to 1"),
            (&format!("{good}smple = 1.0"), "unknown field"),
        ] {
            let why = refused(text);
            assert!(why.contains(says) && !why.contains("hunter2"), "{text}: {why}");
        }
    }
}
