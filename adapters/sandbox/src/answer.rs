//! Requests and answers without an HTTP library.
//!
//! A simulation passes a [`Request`] and gets an [`Answer`], which has status, body and the way in
//! which it is delivered, if at all. Left out: sockets, which [`crate::server`] owns.

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// Path and query, percent-encoded as on the wire.
    pub path_and_query: &'a str,
    /// Header names (any case) and values.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Returns the value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns the path alone.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.path_and_query.split('?').next().unwrap_or_default()
    }

    /// Returns the query alone, percent-encoded.
    #[must_use]
    pub fn query(&self) -> &'a str {
        self.path_and_query.split_once('?').map_or("", |(_, query)| query)
    }
}

/// The way in which an answer reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Delivery {
    /// Whole.
    #[default]
    Answer,
    /// The connection ends without an answer; the request was not processed.
    DropBeforeProcessing,
    /// The connection ends without an answer; the request **was** processed.
    DropAfterApply,
    /// The head announces the whole body, the connection ends after so many bytes of it.
    Truncate(usize),
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status. Also set when the answer is never delivered, for the log.
    pub status: u16,
    /// Header names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The way in which it reaches the client.
    pub delivery: Delivery,
    /// The time that the client waits for it.
    pub delay_ms: u64,
}

impl Answer {
    /// Makes an answer with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: Vec<u8>) -> Self {
        let headers =
            vec![("content-type".to_owned(), "application/json;charset=utf-8".to_owned())];
        Self { status, headers, body, delivery: Delivery::Answer, delay_ms: 0 }
    }

    /// Makes an answer with a JSON value.
    #[must_use]
    pub fn value(status: u16, value: &serde_json::Value) -> Self {
        Self::json(status, value.to_string().into_bytes())
    }

    /// Makes a 204.
    #[must_use]
    pub fn no_content() -> Self {
        Self {
            status: 204,
            headers: Vec::new(),
            body: Vec::new(),
            delivery: Delivery::Answer,
            delay_ms: 0,
        }
    }

    /// Makes an answer of plain text, as a gateway would.
    #[must_use]
    pub fn plain(status: u16, text: &str) -> Self {
        let mut answer = Self::json(status, text.as_bytes().to_vec());
        answer.set_header("content-type", "text/plain");
        answer
    }

    /// Sets a header, replacing one of that name.
    pub fn set_header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.retain(|(key, _)| key != name);
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Returns the value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Parses the body as JSON; null when it is not JSON.
    #[must_use]
    pub fn body_json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}
