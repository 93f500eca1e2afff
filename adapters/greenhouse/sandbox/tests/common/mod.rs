//! A client of the sandbox for the tests beside it: a token, a path, an answer. It knows no more of
//! the sandbox than curl would.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(unreachable_pub, reason = "shared between test binaries")]

use atsync_greenhouse_sandbox::{Answer, ManualClock, Request, Sandbox, SandboxOptions};
use serde_json::{Value, json};

/// A time at the start of a half minute.
pub const NOW_MS: i64 = 1_795_500_000_000;
/// base64 of `sandbox:sandbox-secret`.
pub const BASIC: &str = "Basic c2FuZGJveDpzYW5kYm94LXNlY3JldA==";

pub struct World {
    pub sandbox: Sandbox,
    pub clock: ManualClock,
    pub token: String,
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut SandboxOptions)) -> Self {
        let clock = ManualClock::at(NOW_MS);
        let mut options = SandboxOptions {
            clock: clock.clock(),
            rate_limit: 100_000,
            ..SandboxOptions::sized(7, 120)
        };
        change(&mut options);
        let sandbox = Sandbox::new(options);
        let mut world = Self { sandbox, clock, token: String::new() };
        world.login("");
        world
    }

    pub fn login(&mut self, more: &str) {
        let answer = self.ask_token(&format!("grant_type=client_credentials{more}"));
        self.token = answer.body_json()["access_token"].as_str().expect("a token").to_owned();
    }

    pub fn ask_token(&self, form: &str) -> Answer {
        let headers = [("Authorization".to_owned(), BASIC.to_owned())];
        self.sandbox.handle(&Request {
            method: "POST",
            path_and_query: "/token",
            headers: &headers,
            body: form.as_bytes(),
        })
    }

    pub fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [
            ("authorization".to_owned(), format!("Bearer {}", self.token)),
            ("host".to_owned(), "sandbox.test".to_owned()),
        ];
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.sandbox.handle(&Request {
            method,
            path_and_query: path,
            headers: &headers,
            body: &bytes,
        })
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &Value::Null)
    }

    pub fn list(&self, path: &str) -> Vec<Value> {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body_json());
        answer.body_json().as_array().expect("a bare array").clone()
    }

    /// Returns the rows of all pages, and the number of pages.
    pub fn walk(&self, path: &str) -> (Vec<Value>, usize) {
        let (mut rows, mut pages, mut next) = (Vec::new(), 0, path.to_owned());
        loop {
            let answer = self.get(&next);
            assert_eq!(answer.status, 200, "{next}");
            rows.extend(answer.body_json().as_array().expect("a bare array").clone());
            pages += 1;
            match next_path(&answer) {
                Some(path) => next = path,
                None => return (rows, pages),
            }
        }
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &body)
    }

    pub fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, &body)
    }

    pub fn create_candidate(&self, email: &str) -> i64 {
        let body = json!({"first_name": "Ada", "last_name": "Byron",
            "email_addresses": [{"value": email, "type": "personal"}]});
        let answer = self.post("/v3/candidates", body);
        assert_eq!(answer.status, 201, "{}", answer.body_json());
        id(&answer.body_json()["candidate"])
    }

    /// Returns an open job that is not confidential, with its stages in order.
    pub fn open_job(&self, nth: usize) -> (i64, Vec<i64>) {
        let jobs = self.sandbox.rows("jobs");
        let job = jobs
            .iter()
            .filter(|job| job["status"] == "open" && job["confidential"] == false)
            .nth(nth)
            .expect("a job");
        let mut stages = self.sandbox.rows_where("job_interview_stages", "job_id", id(job));
        stages.retain(|stage| stage["active"] == true);
        stages.sort_by_key(|stage| stage["sort_order"].as_i64());
        (id(job), stages.iter().map(id).collect())
    }

    /// Creates a candidate with an application to an open job.
    pub fn apply(&self, email: &str, job: i64) -> i64 {
        let candidate = self.create_candidate(email);
        let answer =
            self.post("/v3/applications", json!({"candidate_id": candidate, "job_id": job}));
        assert_eq!(answer.status, 201, "{}", answer.body_json());
        id(&answer.body_json())
    }
}

pub fn id(row: &Value) -> i64 {
    row["id"].as_i64().expect("an id")
}

pub fn ids(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(id).collect()
}

/// Returns the path of the next page, from the `Link` header.
pub fn next_path(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    let url = link.strip_prefix("<http://sandbox.test")?.strip_suffix(">; rel=\"next\"")?;
    Some(url.to_owned())
}
