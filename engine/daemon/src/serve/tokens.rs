//! Tokens that are made at run time: random, shown once, stored as a hash, revocable.
//!
//! They stand beside those of the configuration; [`crate::tokens`] has them. A token that is
//! limited to connections cannot make tokens. Left out: an end of a token's life; it is revoked.

use super::audit::deed::Deed;
use super::body::Given;
use super::caller::Caller;
use super::known_tokens::TokenView;
use super::problem::{Problem, ProblemType};
use super::served::Served;
use super::tasks;
use crate::config::serve::Scope;
use crate::tokens::{self, Refused};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

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
    Extension(deed): Extension<Deed>,
    Given(new): Given<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    unlimited(&caller)?;
    // To its end: what the store has must be what this process knows.
    tasks::to_the_end(async move {
        let opened = served.running()?;
        let (name, may) = (new.name.trim(), (new.scope, new.connections));
        let token = tokens::make(&opened.engine, &opened.config.serve, name, may).await?;
        served.reread_tokens(&opened.engine).await?;
        deed.about(name);
        let token = token.expose().to_owned();
        Ok((StatusCode::CREATED, Json(MadeToken { name: name.to_owned(), token })))
    })
    .await?
}

impl From<Refused> for Problem {
    fn from(why: Refused) -> Self {
        let text = why.to_string();
        match why {
            Refused::Name | Refused::Taken => Self::invalid("/name", text),
            Refused::OfFile => Self::new(ProblemType::DeclaredInFile, text),
            Refused::TooMany => Self::invalid("", text),
            Refused::NoRandomness => Self::new(ProblemType::NoRandomness, text),
            Refused::Unknown => Self::new(ProblemType::NoSuchRecord, text),
            Refused::Store(error) => error.into(),
        }
    }
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
    tasks::to_the_end(async move {
        let engine = served.running()?.engine;
        let revoked = tokens::revoke(&engine, &name).await;
        served.reread_tokens(&engine).await?;
        revoked?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}
