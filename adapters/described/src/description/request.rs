//! Requests.

use super::Template;
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A request. A text is short for the path, with the method before it unless that is GET:
/// `/jobs/{{ id }}`, `POST /job.list`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "host", schemars(with = "RequestForm"))]
pub struct Request {
    /// The method.
    #[serde(default)]
    pub method: Method,
    /// The path below the origin's URL.
    pub path: String,
    /// The name of the origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The query.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, Template>,
    /// Headers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
    /// The JSON body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Template>,
    /// The content type of the JSON body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The form body.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub form: BTreeMap<String, Template>,
}

/// A request: its path, or all of it.
#[derive(Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[allow(dead_code, reason = "the form that the schema shows")]
enum RequestForm {
    /// The path, with the method before it unless that is GET: `POST /job.list`.
    Short(String),
    /// All of it.
    Long(LongRequest),
}

/// A request spelled out.
#[derive(Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct LongRequest {
    /// The method; GET when left out.
    #[serde(default)]
    method: Method,
    /// The path below the origin's URL. `{{ expression }}` in it becomes one segment, encoded.
    path: String,
    /// The name of the origin; the first one when left out.
    #[serde(default)]
    origin: Option<String>,
    /// The query, by parameter. A list becomes the same parameter several times.
    #[serde(default)]
    query: BTreeMap<String, Template>,
    /// Headers, by name. The engine adds the credential.
    #[serde(default)]
    headers: BTreeMap<String, Template>,
    /// The body, sent as JSON.
    #[serde(default)]
    body: Option<Template>,
    /// The content type of `body`, where it is not `application/json`: `application/vnd.api+json`.
    #[serde(default)]
    content_type: Option<String>,
    /// The body, sent as a form.
    #[serde(default)]
    form: BTreeMap<String, Template>,
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    #[default]
    Get,
    /// Creates, as a rule; some ATSs read by it.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// All methods with their names.
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::Get, "GET"),
        (Self::Post, "POST"),
        (Self::Put, "PUT"),
        (Self::Patch, "PATCH"),
        (Self::Delete, "DELETE"),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(method, _)| *method == self).map_or("GET", |(_, name)| name)
    }
}

impl From<LongRequest> for Request {
    fn from(long: LongRequest) -> Self {
        let LongRequest { method, path, origin, query, headers, body, content_type, form } = long;
        Self { method, path, origin, query, headers, body, content_type, form }
    }
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = Request;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path such as `/jobs`, or a request with its members")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Request, E> {
        let (method, path) = match text.split_once(' ') {
            Some((method, path)) if !path.starts_with(['{', '}']) && !method.starts_with('/') => {
                let known = Method::ALL.iter().find(|(_, name)| *name == method);
                let method = known.map(|(method, _)| *method).ok_or_else(|| {
                    E::custom(format!(
                        "{method:.20} is no method; write GET, POST, PUT, PATCH or DELETE"
                    ))
                })?;
                (method, path)
            }
            _ => (Method::Get, text),
        };
        Ok(Request { method, path: path.trim().to_owned(), ..Request::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Request, A::Error> {
        LongRequest::deserialize(MapAccessDeserializer::new(map)).map(Request::from)
    }
}
