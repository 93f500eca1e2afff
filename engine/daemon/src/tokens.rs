//! The tokens that are made at run time, in the store: random, shown once, kept as a hash.
//!
//! SHA-256 suffices for 256 random bits. Bounds: [`TOKENS_MAX`] tokens, [`NAME_BYTES_MAX`]. Left
//! out: who may make one, and the process that knows them; see `serve::known_tokens`.

use crate::config::serve::{Scope, ServeConfig};
use atsync::{
    Clock, Engine, Entropy, Expected, Note, Secret, StoreError, SystemClock, SystemEntropy,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The area of the notes.
const AREA: &str = "tokens";
/// The note that says that tokens were made: an address stays closed when the last is revoked.
const MADE: (&str, &str) = ("tokens-made", "");
/// Tokens that can be made.
const TOKENS_MAX: usize = 1_000;
/// Bytes of a token's name.
const NAME_BYTES_MAX: usize = 100;

/// A token as the store has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// SHA-256 of the token, in hexadecimal.
    pub(crate) hash: String,
    pub(crate) scope: Scope,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) connections: Option<Vec<String>>,
    pub(crate) created_ms: u64,
}

/// Why a token is not made or revoked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The name cannot be one.
    #[error("a token's name has 1 to {NAME_BYTES_MAX} printable bytes")]
    Name,
    /// The configuration has it.
    #[error("the configuration has a token of this name")]
    OfFile,
    /// A made token has it.
    #[error("a token has this name")]
    Taken,
    /// There are as many as there may be.
    #[error("there are {TOKENS_MAX} tokens already; revoke some")]
    TooMany,
    /// It could be guessed.
    #[error("the system has no randomness, so no token can be made")]
    NoRandomness,
    /// There is none of this name.
    #[error("no token that was made at run time has this name")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] atsync::Error),
}

/// Bytes in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A random text of 256 bits; none when the system gives no randomness.
pub(crate) fn random() -> Option<Secret> {
    let mut drawn = [0; 32];
    SystemEntropy.fill(&mut drawn);
    (drawn != [0; 32]).then(|| Secret::new(hexadecimal(&drawn)))
}

/// The SHA-256 of a random text, in hexadecimal.
pub(crate) fn mark(text: &str) -> String {
    hexadecimal(&Sha256::digest(text))
}

/// All tokens by name; what a later version wrote is left out.
///
/// # Errors
/// When the store fails.
pub(crate) async fn all(engine: &Engine) -> Result<Vec<(String, Stored)>, atsync::Error> {
    let mut read = Vec::new();
    for (name, value) in engine.notes_page(AREA, None, TOKENS_MAX).await? {
        match serde_json::from_slice::<Stored>(&value) {
            Ok(stored) => read.push((name, stored)),
            Err(_) => tracing::error!(token = name, "its record is unreadable"),
        }
    }
    Ok(read)
}

/// Whether tokens were made in this store at any time.
///
/// # Errors
/// When the store fails.
pub(crate) async fn were_made(engine: &Engine) -> Result<bool, atsync::Error> {
    Ok(engine.note(MADE.0, MADE.1).await?.is_some())
}

/// Makes a token; what it returns is shown this once. Durable when it returns.
///
/// # Errors
/// See [`Refused`].
pub(crate) async fn make(
    engine: &Engine,
    config: &ServeConfig,
    name: &str,
    (scope, connections): (Scope, Option<Vec<String>>),
) -> Result<Secret, Refused> {
    if name.trim() != name
        || name.is_empty()
        || name.len() > NAME_BYTES_MAX
        || name.contains(char::is_control)
    {
        return Err(Refused::Name);
    }
    // The names that callers without a token have.
    if matches!(name, "local" | "webhook") {
        return Err(Refused::Name);
    }
    if config.tokens.contains_key(name) {
        return Err(Refused::OfFile);
    }
    if engine.notes_page(AREA, None, TOKENS_MAX).await?.len() >= TOKENS_MAX {
        return Err(Refused::TooMany);
    }
    let token = random().ok_or(Refused::NoRandomness)?;
    let created_ms = SystemClock.now_ms();
    let stored = Stored { hash: mark(token.expose()), scope, connections, created_ms };
    let value = serde_json::to_vec(&stored).unwrap_or_default();
    let note = Note::put(AREA, name, value).only_if(Expected::Absent);
    let were_made = Note::put(MADE.0, MADE.1, *b"1");
    engine.put_notes(vec![note, were_made]).await.map_err(|error| {
        match error.cause::<StoreError>() {
            Some(StoreError::Stale(_)) => Refused::Taken,
            _ => error.into(),
        }
    })?;
    Ok(token)
}

/// Revokes a token.
///
/// # Errors
/// See [`Refused`].
pub(crate) async fn revoke(engine: &Engine, name: &str) -> Result<(), Refused> {
    if engine.note(AREA, name).await?.is_none() {
        return Err(Refused::Unknown);
    }
    Ok(engine.put_notes(vec![Note::remove(AREA, name)]).await?)
}
