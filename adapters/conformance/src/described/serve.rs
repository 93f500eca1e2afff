//! The HTTP server of a described sandbox.

use super::rows::{Asked, State};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::Response;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the server answers from.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) body_bytes_max: usize,
}

/// Serves until the task is aborted.
pub(super) fn serve(listener: TcpListener, served: Served) -> JoinHandle<()> {
    let routes = Router::new().fallback(answer).with_state(served);
    tokio::spawn(async move {
        // It ends with its task; an error of the listener leaves requests unanswered, which shows.
        let _ = axum::serve(listener, routes).await;
    })
}

async fn answer(Shared(served): Shared<Served>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let bytes = to_bytes(body, served.body_bytes_max).await.unwrap_or_default();
    let query = head.uri.query().unwrap_or_default();
    let headers = head.headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    let form = head.headers.get("content-type").is_some_and(|kind| {
        kind.to_str().is_ok_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    });
    let asked = Asked {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: headers.collect(),
        body: if form {
            let pairs = url::form_urlencoded::parse(&bytes).into_owned();
            pairs
                .map(|(name, value)| (name, value.into()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        } else {
            serde_json::from_slice(&bytes).unwrap_or_default()
        },
    };
    let answer = served.state.lock().unwrap_or_else(PoisonError::into_inner).answer(&asked);
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = match answer.status {
        204 => Body::empty(),
        _ => Body::from(answer.body.to_string()),
    };
    response.header("content-type", "application/json").body(body).unwrap_or_default()
}
