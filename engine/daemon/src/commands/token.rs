//! `atsync token`: makes, lists and revokes the tokens of the HTTP API and the console.
//!
//! Left out: those of the configuration, which are changed there.

use crate::cli::TokenCommand;
use crate::failure::{DONE, Ended, Failure};
use crate::output::{Output, table};
use crate::place::Place;
use crate::tokens;
use crate::words::time;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::json;

/// Runs one of the commands. The future is on the heap, as that of [`super::connect`].
pub(super) fn token<'a>(
    place: &'a Place,
    command: &'a TokenCommand,
    output: &'a Output,
) -> LocalBoxFuture<'a, Ended> {
    ran(place, command, output).boxed_local()
}

async fn ran(place: &Place, command: &TokenCommand, output: &Output) -> Ended {
    let opened = place.administration().await?;
    let refused = |why: tokens::Refused| Failure::new(why.to_string());
    match command {
        TokenCommand::Create { name, scope, connections } => {
            let connections = (!connections.is_empty()).then(|| connections.clone());
            let may = (*scope, connections);
            let made = tokens::make(&opened.engine, &opened.config.serve, name, may).await;
            let token = made.map_err(refused)?;
            place.reread_tokens().await?;
            output.data(token.expose());
            output.note(&format!(
                "made the token {name} with the scope {}; it is not shown again. Requests over \
                 the address need a token from now on",
                scope.word()
            ));
        }
        TokenCommand::List { json } => {
            let mut rows = Vec::new();
            for (name, stored) in tokens::all(&opened.engine).await? {
                if *json {
                    output.json(&json!({
                        "name": name,
                        "scope": stored.scope,
                        "connections": stored.connections,
                        "created_ms": stored.created_ms,
                    }));
                    continue;
                }
                let limit = stored.connections.map_or("all".to_owned(), |names| names.join(", "));
                let made = time(stored.created_ms);
                rows.push(vec![name, stored.scope.word().to_owned(), limit, made]);
            }
            table(&rows).iter().for_each(|line| output.data(line));
        }
        TokenCommand::Revoke { name } => {
            tokens::revoke(&opened.engine, name).await.map_err(refused)?;
            place.reread_tokens().await?;
            output.note(&format!("revoked the token {name}"));
        }
    }
    Ok(DONE)
}
