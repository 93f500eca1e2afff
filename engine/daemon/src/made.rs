//! Connections that were made at run time, through the API, `atsync connect` or the connect page:
//! kept in the store, beside those of the configuration file and never merged with them.
//!
//! A record is one note of the engine; its secrets are sealed in the vault, under the number of the
//! change that brought them, which is drawn. So a change is one write of the record: its secrets
//! are there before, and those of earlier changes are removed after. A program that was killed
//! between leaves secrets that no record names, which the next change removes.
//!
//! Bounds: [`MADE_MAX`] connections. Left out: checking that adapter, settings and credential fit;
//! the engine does when it connects.

use crate::config::made::Made;
use crate::config::scheme::Scheme;
use crate::config::{Config, ConnectionConfig};
use crate::consents;
use crate::failure::Failure;
use crate::tokens;
use atsync::{
    Credential, Engine, Entropy, Expected, Note, Secret, StoreError, SystemEntropy, Vault,
};
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// The area of the notes.
const AREA: &str = "connections";
/// Connections that can be made.
pub(crate) const MADE_MAX: usize = 10_000;

/// The secrets of a made connection, in clear.
#[derive(Debug, Default)]
pub(crate) struct MadeSecrets {
    pub(crate) client_secret: Option<Secret>,
    pub(crate) key: Option<Secret>,
    pub(crate) webhook: Option<Secret>,
}

/// Under which purpose the vault has a secret.
fn purpose(revision: u64, name: &str) -> String {
    format!("{revision}/{name}")
}

/// All records, by name.
///
/// # Errors
/// When the store fails.
pub(crate) async fn all(engine: &Engine) -> Result<BTreeMap<String, Made>, atsync::Error> {
    let mut found = BTreeMap::new();
    for (name, value) in engine.notes_page(AREA, None, MADE_MAX).await? {
        match serde_json::from_slice(&value) {
            Ok(made) => drop(found.insert(name, made)),
            // A later version wrote it.
            Err(error) => tracing::error!(connection = name, %error, "its record is unreadable"),
        }
    }
    Ok(found)
}

/// One record.
///
/// # Errors
/// When the store fails.
pub(crate) async fn one(engine: &Engine, name: &str) -> Result<Option<Made>, atsync::Error> {
    let value = engine.note(AREA, name).await?;
    Ok(value.and_then(|value| serde_json::from_slice(&value).ok()))
}

/// Whether a write found another record than it read.
pub(crate) fn is_stale(error: &atsync::Error) -> bool {
    matches!(error.cause::<StoreError>(), Some(StoreError::Stale(_)))
}

/// The number of a change's secrets. It is drawn, so that of two changes at once each has its own,
/// and what a killed one left is never taken for that of a later one.
pub(crate) fn draw() -> u64 {
    // Small enough for every reader of JSON.
    SystemEntropy.below(1 << 53).max(1)
}

/// One change at a time: what one keeps must not remove what another is about to name.
static CHANGING: Mutex<()> = Mutex::const_new(());

/// Stores a record with its secrets in place of what was read. Durable when it returns.
///
/// # Errors
/// [`is_stale`] when another change came between; when the vault or the store refuses.
pub(crate) async fn put(
    engine: &Engine,
    vault: &Vault,
    name: &str,
    (before, made): (Option<&Made>, &Made),
    secrets: &MadeSecrets,
) -> Result<(), atsync::Error> {
    let _alone = CHANGING.lock().await;
    let given = [
        ("client_secret", &secrets.client_secret),
        ("key", &secrets.key),
        ("webhook", &secrets.webhook),
    ];
    for (what, secret) in given {
        if let Some(secret) = secret {
            vault.put(name, &purpose(made.secrets, what), secret).await?;
        }
    }
    let expected = match before {
        Some(before) => Expected::Value(value(before)),
        None => Expected::Absent,
    };
    engine.put_notes(vec![Note::put(AREA, name, value(made)).only_if(expected)]).await?;
    let of_it = format!("{}/", made.secrets);
    let consent = consents::purpose(made.secrets);
    let has_consent = made.scheme == Scheme::AuthorizationCode;
    let is_kept =
        |purpose: &str| purpose.starts_with(&of_it) && (has_consent || purpose != consent);
    vault.retain(name, is_kept).await
}

/// Removes a record and its secrets.
///
/// # Errors
/// As for [`put`].
pub(crate) async fn remove(
    engine: &Engine,
    vault: &Vault,
    name: &str,
    before: &Made,
) -> Result<(), atsync::Error> {
    let _alone = CHANGING.lock().await;
    let note = Note::remove(AREA, name).only_if(Expected::Value(value(before)));
    engine.put_notes(vec![note]).await?;
    vault.retain(name, |_| false).await
}

fn value(made: &Made) -> Vec<u8> {
    serde_json::to_vec(made).unwrap_or_default()
}

/// Opens the secrets of a record.
///
/// # Errors
/// One sentence that names the secret.
pub(crate) async fn secrets(vault: &Vault, name: &str, made: &Made) -> Result<MadeSecrets, String> {
    let open = async |what: &str| {
        let opened = vault.get(name, &purpose(made.secrets, what)).await;
        opened.map_err(|error| error.to_string())
    };
    Ok(MadeSecrets {
        client_secret: open("client_secret").await?,
        key: open("key").await?,
        webhook: if made.has_webhook_secret { open("webhook").await? } else { None },
    })
}

/// Draws a webhook secret for a record that has none. None where the system gives no randomness:
/// then the connection is without one.
pub(crate) fn draw_webhook(made: &mut Made, given: &mut MadeSecrets) {
    if made.has_webhook_secret {
        return;
    }
    given.webhook = tokens::random();
    made.has_webhook_secret = given.webhook.is_some();
}

/// Takes over the webhook secret of a record whose successor brings a credential alone.
///
/// # Errors
/// As for [`secrets`].
pub(crate) async fn keep_webhook(
    vault: &Vault,
    name: &str,
    before: Option<&Made>,
    given: &mut MadeSecrets,
) -> Result<(), String> {
    if let Some(before) = before.filter(|before| before.has_webhook_secret) {
        given.webhook = secrets(vault, name, before).await?.webhook;
    }
    Ok(())
}

impl MadeSecrets {
    /// The credential of a record.
    ///
    /// # Errors
    /// One sentence that says what is missing.
    pub(crate) fn credential(&self, made: &Made) -> Result<Credential, String> {
        match (made.scheme, &made.client_id, &self.client_secret, &self.key) {
            (Scheme::ClientCredentials, Some(id), Some(secret), _) => {
                Ok(Credential::ClientCredentials {
                    client_id: id.clone(),
                    client_secret: secret.clone(),
                })
            }
            (Scheme::ClientCredentials, ..) => {
                Err("auth: this scheme needs `client_id` and `client_secret`".to_owned())
            }
            (Scheme::AuthorizationCode, ..) => {
                Err("auth: a consent is given on the connect page: POST /v1/connect-links makes \
                     the link"
                    .to_owned())
            }
            (_, _, _, Some(key)) => Ok(Credential::Key(key.clone())),
            (..) => Err("auth: this scheme needs `key`".to_owned()),
        }
    }
}

/// Adds the made connections to those of the file.
///
/// # Errors
/// When the store fails, or a name is in both.
pub(crate) async fn join(config: &mut Config, engine: &Engine) -> Result<(), Failure> {
    for (name, made) in all(engine).await? {
        if config.connections.contains_key(&name) || config.refused.contains_key(&name) {
            return Err(Failure::new(format!(
                "{}: connections.{name}: a connection of this name was made at run time and is in \
                 the store; rename that of the file and start again, or then remove the made one \
                 with DELETE /v1/connections/{name}",
                config.path.display()
            )));
        }
        match ConnectionConfig::made(&name, &made) {
            Ok(one) => drop(config.connections.insert(name, one)),
            Err(why) => drop(config.refused.insert(name.clone(), format!("{name}: {why}"))),
        }
    }
    Ok(())
}
