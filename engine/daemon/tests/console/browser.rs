//! What a browser does, without one: it keeps a cookie, and sends the forms of pages.

use crate::serve_support::{Answer, Served};

/// A browser with one session, or none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    /// As the `cookie` header has it; empty without a session.
    pub(crate) cookie: String,
}

impl Browser {
    /// A browser that signed in with a token.
    pub(crate) async fn signed_in(served: &Served, token: &str) -> Self {
        let answer = Self::default().send(served, "/console/sign-in", &[("token", token)]).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        Self { cookie: cookie(&answer).unwrap() }
    }

    /// A browser without a session, where none is needed.
    pub(crate) async fn local(served: &Served) -> Self {
        let answer = served.get("/console").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        Self { cookie: cookie(&answer).unwrap() }
    }

    pub(crate) async fn get(&self, served: &Served, path: &str) -> Answer {
        served.ask(&format!("GET {path}"), &self.header(), "").await
    }

    fn header(&self) -> String {
        if self.cookie.is_empty() { String::new() } else { format!("cookie: {}\r\n", self.cookie) }
    }

    /// Sends a form with these fields and no other.
    pub(crate) async fn send(
        &self,
        served: &Served,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let origin = format!("origin: http://{}\r\n", served.address);
        self.send_from(served, path, &origin, fields).await
    }

    /// The same with these headers instead of the origin that a browser names.
    pub(crate) async fn send_from(
        &self,
        served: &Served,
        path: &str,
        headers: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let form = "content-type: application/x-www-form-urlencoded\r\n";
        let headers = format!("{}{headers}{form}", self.header());
        served.ask(&format!("POST {path}"), &headers, &body.join("&")).await
    }

    /// The value that the forms of the session carry.
    pub(crate) async fn proof(&self, served: &Served) -> String {
        let page = self.get(served, "/console/connections/acme").await;
        let (_, rest) = page.body.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// Sends a form as its page does.
    pub(crate) async fn submit(
        &self,
        served: &Served,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let proof = self.proof(served).await;
        let all: Vec<(&str, &str)> =
            std::iter::once(("csrf", proof.as_str())).chain(fields.iter().copied()).collect();
        self.send(served, path, &all).await
    }

    /// Sends a form, and reads the page that it leads to.
    pub(crate) async fn follow(
        &self,
        served: &Served,
        path: &str,
        fields: &[(&str, &str)],
    ) -> (String, Answer) {
        let answer = self.submit(served, path, fields).await;
        assert_eq!(answer.status, 303, "{path}: {answer:?}");
        let location = location(&answer);
        loop {
            let page = self.get(served, &location).await;
            // A job that takes longer says so.
            if !page.body.contains("data-reload") {
                return (location, page);
            }
        }
    }
}

/// Where a redirect leads.
pub(crate) fn location(answer: &Answer) -> String {
    header(answer, "location").unwrap().to_owned()
}

/// A header of an answer.
pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn cookie(answer: &Answer) -> Option<String> {
    Some(header(answer, "set-cookie")?.split(';').next()?.to_owned())
}

/// A value of a form.
pub(crate) fn encoded(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
