//! A sandbox without an engine: a test passes it the requests of an adapter and gets the answers.

use crate::BEGIN_MS;
use atsync::model::contract::{Field, Request, Response, Target};
use atsync_greenhouse_sandbox::{ManualClock, Sandbox, SandboxOptions};
use serde_json::Value;

/// A company, and a token for requests to it.
#[derive(Debug)]
pub struct Company {
    sandbox: Sandbox,
    token: String,
}

impl Company {
    /// A company of so many candidates.
    pub fn new(candidates: usize) -> Self {
        let clock = ManualClock::at(i64::try_from(BEGIN_MS).unwrap());
        let mut options = SandboxOptions::sized(11, candidates);
        options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
        options.clock = clock.clock();
        options.rate_limit = 10_000;
        let mut company = Self { sandbox: Sandbox::new(options), token: String::new() };
        // base64 of sandbox:sandbox-secret
        let headers = [
            ("authorization".to_owned(), "Basic c2FuZGJveDpzYW5kYm94LXNlY3JldA==".to_owned()),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let answer = company.exchange("POST", "/token", &headers, b"grant_type=client_credentials");
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        company.token = format!("Bearer {}", body["access_token"].as_str().unwrap());
        company
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Response {
        let request =
            atsync_greenhouse_sandbox::Request { method, path_and_query: path, headers, body };
        let answer = self.sandbox.handle(&request);
        let headers = answer.headers.into_iter();
        let headers = headers.map(|(name, value)| Field { name, value }).collect();
        Response { status: answer.status, headers, body: answer.body }
    }

    /// The answer to a request that reads.
    pub fn get(&self, request: &Request) -> Response {
        let path = match &request.target {
            Target::Path(path) => {
                let pairs: Vec<String> = path
                    .query
                    .iter()
                    .map(|field| format!("{}={}", field.name, field.value))
                    .collect();
                if pairs.is_empty() {
                    path.path.clone()
                } else {
                    format!("{}?{}", path.path, pairs.join("&"))
                }
            }
            // As the engine does it: the part after the origin.
            Target::Link(link) => match link.split_once("://").map(|(_, rest)| rest) {
                Some(rest) => rest
                    .split_once('/')
                    .map_or_else(|| "/".to_owned(), |(_, path)| format!("/{path}")),
                None => link.clone(),
            },
        };
        let response = self.exchange(
            &request.method,
            &path,
            &[("authorization".to_owned(), self.token.clone())],
            &[],
        );
        assert_eq!(response.status, 200, "{path}: {}", String::from_utf8_lossy(&response.body));
        response
    }
}
