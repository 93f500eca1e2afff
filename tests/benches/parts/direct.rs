//! The sandbox as a transport, without a socket, so that figures are the engine's.

use atsync::internals::transport::{Delivery, Transport, WireRequest};
use atsync::model::contract::{Field, Response};
use atsync_greenhouse_sandbox::{Request, Sandbox};
use futures_util::future::{BoxFuture, ready};

/// The sandbox's address, if it had a socket.
pub(crate) const HOST: &str = "127.0.0.1:8099";

/// The sandbox without a socket.
#[derive(Debug)]
pub(crate) struct Direct(pub(crate) Sandbox);

impl Transport for Direct {
    fn exchange(&self, request: WireRequest) -> BoxFuture<'_, Delivery> {
        let path = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        let mut headers = request.headers.clone();
        // The client writes it, from the address; the sandbox builds its links from it.
        headers.push(("host".to_owned(), HOST.to_owned()));
        let answer = self.0.handle(&Request {
            method: &request.method,
            path_and_query: &path,
            headers: &headers,
            body: &request.body,
        });
        let headers =
            answer.headers.into_iter().map(|(name, value)| Field { name, value }).collect();
        Box::pin(ready(Delivery::Answered(Response {
            status: answer.status,
            headers,
            body: answer.body,
        })))
    }
}
