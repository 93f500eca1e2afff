//! Tokens that are made at run time: random, shown once, stored as a hash, revocable.
//!
//! They stand beside those of the configuration. The store has their SHA-256, which suffices for
//! 256 random bits. A token that is limited to connections cannot make tokens.
//!
//! Bounds: [`TOKENS_MAX`] tokens. Left out: an end of a token's life; it is revoked.

use super::body::Given;
use super::caller::Caller;
use super::known_tokens::{AREA, Stored, TOKENS_MAX, TokenView};
use super::problem::{Problem, ProblemType};
use super::served::Served;
use crate::config::serve::Scope;
use atsync::{Clock, Engine, Entropy, Expected, Note, StoreError, SystemClock, SystemEntropy};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use utoipa::ToSchema;

/// Bytes of a token's name.
const NAME_BYTES_MAX: usize = 100;

/// The tokens that were made at run time.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenList {
    tokens: Vec<TokenView>,
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// Its name, for lists and the log: printable.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    scope: Scope,
    /// The connections that it is limited to; none for all.
    connections: Option<Vec<String>>,
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeToken {
    name: String,
    /// The token. It is shown this once.
    token: String,
}

fn unlimited(caller: &Caller) -> Result<(), Problem> {
    if caller.is_limited() {
        return Err(Problem::new(
            ProblemType::Forbidden,
            "a token that is limited to connections neither lists nor makes tokens",
        ));
    }
    Ok(())
}

fn engine(served: &Served) -> Result<Engine, Problem> {
    let stopping = || Problem::new(ProblemType::Stopping, "the server is stopping");
    served.opened().map(|opened| opened.engine).ok_or_else(stopping)
}

/// Lists the tokens that were made at run time; none shows a token itself.
#[utoipa::path(get, path = "/v1/tokens", operation_id = "list_tokens", tag = "tokens", responses(
    (status = 200, body = TokenList),
))]
pub(super) async fn list(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<TokenList>, Problem> {
    unlimited(&caller)?;
    Ok(Json(TokenList { tokens: served.tokens.listed() }))
}

/// Makes a token and shows it, this once. From the first token on, requests over an address need
/// one.
#[utoipa::path(post, path = "/v1/tokens", operation_id = "make_token", tag = "tokens",
    request_body = NewToken, responses((status = 201, body = MadeToken)))]
pub(super) async fn make(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Given(new): Given<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    unlimited(&caller)?;
    let name = new.name.trim();
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(char::is_control) {
        let detail = format!("a token's name has 1 to {NAME_BYTES_MAX} printable bytes");
        return Err(Problem::invalid("/name", detail));
    }
    let opened = served.opened();
    if opened.is_some_and(|opened| opened.config.serve.tokens.contains_key(name)) {
        let detail = "the configuration has a token of this name";
        return Err(Problem::new(ProblemType::DeclaredInFile, detail));
    }
    if served.tokens.listed().len() >= TOKENS_MAX {
        let detail = format!("there are {TOKENS_MAX} tokens already; revoke some");
        return Err(Problem::invalid("", detail));
    }
    let mut drawn = [0; 32];
    SystemEntropy.fill(&mut drawn);
    if drawn == [0; 32] {
        let detail = "the system has no randomness, so no token can be made";
        return Err(Problem::new(ProblemType::StoreFailed, detail));
    }
    let hexadecimal =
        |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let token = hexadecimal(&drawn);
    let stored = Stored {
        hash: hexadecimal(&Sha256::digest(&token)),
        scope: new.scope,
        connections: new.connections,
        created_ms: SystemClock.now_ms(),
    };
    let value = serde_json::to_vec(&stored).unwrap_or_default();
    let engine = engine(&served)?;
    let note = Note::put(AREA, name, value).only_if(Expected::Absent);
    engine.put_notes(vec![note]).await.map_err(|error| match error.cause::<StoreError>() {
        Some(StoreError::Stale(_)) => Problem::invalid("/name", "a token has this name"),
        _ => error.into(),
    })?;
    served.tokens.load(&engine).await?;
    Ok((StatusCode::CREATED, Json(MadeToken { name: name.to_owned(), token })))
}

/// Revokes a token: the next request with it is refused.
#[utoipa::path(delete, path = "/v1/tokens/{name}", operation_id = "revoke_token", tag = "tokens",
    responses((status = 204)))]
pub(super) async fn revoke(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    unlimited(&caller)?;
    let engine = engine(&served)?;
    if engine.note(AREA, &name).await?.is_none() {
        let detail = "no token that was made at run time has this name";
        return Err(Problem::new(ProblemType::NoSuchRecord, detail));
    }
    engine.put_notes(vec![Note::remove(AREA, &name)]).await?;
    served.tokens.load(&engine).await?;
    Ok(StatusCode::NO_CONTENT)
}
