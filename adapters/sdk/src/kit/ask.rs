//! Requests: [`Ask`] as data of the manifest, [`Call`] with values filled in.
//!
//! A path, the value of a query parameter, and a JSON body may have placeholders: `{id}`,
//! `{parent}`, `{target}`, a part of a composite id as `{id.0}`, a setting as
//! `{settings.subdomain}`, and what [`Call::with`] names. A query parameter whose whole value is
//! `{settings.confidentiality?}` is left out where the setting is not set. Values are encoded for
//! the place that they go to. A placeholder without a value is a bug of the adapter, never an empty
//! text. Left out: the host and the credential, which the engine adds.

use crate::contract::{Body, Failure, Field, Given, Path, Request, Target};
use crate::{json, path};
use serde::Serialize;
use serde_json::{Map, Value};

/// A request as data.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) origin: &'static str,
    pub(crate) query: &'static [(&'static str, &'static str)],
    pub(crate) body: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) accepts: &'static [u16],
}

impl Ask {
    const fn new(method: &'static str, path: &'static str) -> Self {
        Self { method, path, origin: "", query: &[], body: "", headers: &[], accepts: &[] }
    }

    /// A GET of a path below the first origin, for example `/v1/jobs/{id}`.
    pub const fn get(path: &'static str) -> Self {
        Self::new("GET", path)
    }

    /// A POST. As a read it must be listed in [`About::safe`](super::About::safe), unless it is the
    /// request of a list, a fetch, a permission or the account.
    pub const fn post(path: &'static str) -> Self {
        Self::new("POST", path)
    }

    /// A PUT.
    pub const fn put(path: &'static str) -> Self {
        Self::new("PUT", path)
    }

    /// A PATCH.
    pub const fn patch(path: &'static str) -> Self {
        Self::new("PATCH", path)
    }

    /// A DELETE.
    pub const fn delete(path: &'static str) -> Self {
        Self::new("DELETE", path)
    }

    /// Sends it to another origin than the first.
    pub const fn origin(mut self, name: &'static str) -> Self {
        self.origin = name;
        self
    }

    /// Sets query parameters.
    pub const fn query(mut self, all: &'static [(&'static str, &'static str)]) -> Self {
        self.query = all;
        self
    }

    /// Sets a JSON body, such as `{"candidateId": "{id}"}`.
    pub const fn body(mut self, json: &'static str) -> Self {
        self.body = json;
        self
    }

    /// Sets headers.
    pub const fn headers(mut self, all: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = all;
        self
    }

    /// Passes these statuses to the reader of the answer instead of failing.
    pub const fn accepts(mut self, statuses: &'static [u16]) -> Self {
        self.accepts = statuses;
        self
    }

    /// Fills a placeholder: see [`Call::with`].
    pub fn with(self, name: &'static str, value: impl Into<String>) -> Call {
        Call::from(self).with(name, value)
    }

    /// Sets the JSON body: see [`Call::json`].
    pub fn json(self, body: &impl Serialize) -> Call {
        Call::from(self).json(body)
    }

    /// Whether it has a placeholder of this name.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        let placeholder = format!("{{{name}");
        let mut texts = self.query.iter().map(|(_, value)| *value).chain([self.path, self.body]);
        texts.any(|text| text.contains(&placeholder))
    }

    /// Adds a query parameter: see [`Call::parameter`].
    pub fn parameter(self, name: &'static str, value: impl Into<String>) -> Call {
        Call::from(self).parameter(name, value)
    }
}

/// A request with its values.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) ask: Ask,
    values: Vec<(&'static str, String)>,
    parameters: Vec<Field>,
    body: Option<Result<String, String>>,
    /// A URL from a reply, which is requested instead of the path.
    link: Option<String>,
}

impl From<Ask> for Call {
    fn from(ask: Ask) -> Self {
        Self { ask, values: Vec::new(), parameters: Vec::new(), body: None, link: None }
    }
}

impl Call {
    /// Fills the placeholder of this name.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.values.push((name, value.into()));
        self
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn parameter(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.parameters.push(Field::new(name, value));
        self
    }

    /// Sets the JSON body.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(json::write(body, 256).map_err(|error| error.to_string()));
        self
    }

    /// Requests a URL that a reply named, by GET.
    pub(crate) fn follow(ask: Ask, link: String) -> Self {
        Self { link: Some(link), ..Self::from(Ask { method: "GET", ..ask }) }
    }

    pub(crate) fn is_link(&self) -> bool {
        self.link.is_some()
    }

    /// The request, with the values of these placeholders for those that it has none for.
    ///
    /// # Errors
    /// [`Failure::Bug`] for a placeholder without a value, [`Failure::Misconfigured`] for a setting
    /// that is not set.
    pub(crate) fn request(
        &self,
        values: &[(&'static str, &str)],
        given: &Given,
        origin: &str,
    ) -> Result<Request, Failure> {
        let ask = self.ask;
        let own = self.values.iter().map(|(name, value)| (*name, value.as_str()));
        let all: Vec<(&str, &str)> = own.chain(values.iter().copied()).collect();
        let filled = |text: &str, place| fill(text, &all, given, place);
        let origin = if ask.origin.is_empty() { origin } else { ask.origin };
        let field =
            |(name, value): &(&str, &str)| Ok(Field::new(*name, filled(value, Place::Text)?));
        let mut headers: Vec<Field> =
            ask.headers.iter().map(field).collect::<Result<_, Failure>>()?;
        let target = match &self.link {
            Some(link) => Target::Link(link.clone()),
            None => {
                let is_set = |(_, value): &&(&str, &str)| {
                    optional(value).is_none_or(|name| setting(name, given).is_some())
                };
                let query = ask.query.iter().filter(is_set);
                let mut query: Vec<Field> = query.map(field).collect::<Result<_, Failure>>()?;
                query.extend(self.parameters.iter().cloned());
                Target::Path(Path { path: filled(ask.path, Place::Path)?, query })
            }
        };
        let body = match (&self.body, ask.body) {
            (Some(Ok(json)), _) => Body::Json(json.clone()),
            (Some(Err(error)), _) => {
                return Err(Failure::Bug(format!("a request's body cannot be written: {error}")));
            }
            (None, "") => Body::None,
            (None, template) => Body::Json(filled(template, Place::Json)?),
        };
        headers.shrink_to_fit();
        Ok(Request {
            origin: origin.to_owned(),
            method: ask.method.to_owned(),
            target,
            headers,
            body,
        })
    }

    /// Adds parameters: to the query of a GET, to the JSON body of any other.
    pub(crate) fn add(
        &mut self,
        parameters: Vec<(&str, Value)>,
        values: &[(&'static str, &str)],
        given: &Given,
    ) -> Result<(), Failure> {
        if self.ask.method == "GET" {
            let text = |value: Value| match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            let fields = parameters.into_iter().map(|(name, value)| Field::new(name, text(value)));
            self.parameters.extend(fields);
            return Ok(());
        }
        let body = match &self.body {
            Some(Ok(json)) => json.clone(),
            _ => fill(self.ask.body, values, given, Place::Json)?,
        };
        let body = if body.is_empty() { "{}" } else { &body };
        let mut body: Map<String, Value> = serde_json::from_str(body).map_err(|error| {
            Failure::Bug(format!("the body of a list is no JSON object: {error}"))
        })?;
        body.extend(parameters.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self.body = Some(json::write(&body, 256).map_err(|error| error.to_string()));
        Ok(())
    }
}

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A segment of a path.
    Path,
    /// A text, which the engine encodes.
    Text,
    /// A JSON string.
    Json,
}

fn fill(
    template: &str,
    values: &[(&str, &str)],
    given: &Given,
    place: Place,
) -> Result<String, Failure> {
    let mut made = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        made.push_str(before);
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._?".contains(&byte))
        };
        let Some((name, after)) = after.split_once('}').filter(|(name, _)| is_name(name)) else {
            made.push('{');
            rest = after;
            continue;
        };
        let value = value_of(name, values, given)?;
        match place {
            Place::Text => made.push_str(&value),
            Place::Path => made.push_str(path::join(&[&value]).trim_start_matches('/')),
            Place::Json => {
                let quoted = json::write(&value, 64).unwrap_or_default();
                let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
                made.push_str(inner.unwrap_or_default());
            }
        }
        rest = after;
    }
    made.push_str(rest);
    Ok(made)
}

fn value_of(name: &str, values: &[(&str, &str)], given: &Given) -> Result<String, Failure> {
    let named = |wanted: &str| values.iter().find(|(name, _)| *name == wanted);
    if let Some((_, value)) = named(name) {
        return Ok((*value).to_owned());
    }
    let missing =
        || Failure::Bug(format!("a request has the placeholder {{{name}}} and no value for it"));
    let (of, part) = name.split_once('.').ok_or_else(missing)?;
    if of == "settings" {
        let part = part.trim_end_matches('?');
        return setting(part, given)
            .ok_or_else(|| Failure::Misconfigured(format!("the setting `{part}` is not set")));
    }
    let (_, whole) = named(of).ok_or_else(missing)?;
    let part: usize = part.parse().map_err(|_| missing())?;
    // Ids may be of any length, so only the separators before the part count.
    whole
        .split('/')
        .nth(part)
        .map(str::to_owned)
        .ok_or_else(|| Failure::NotFound("the id has fewer parts than ids of its kind have".into()))
}

/// The setting of a parameter that is left out where it is not set.
fn optional(value: &str) -> Option<&str> {
    value.strip_prefix("{settings.")?.strip_suffix("?}")
}

/// The value of a setting, unless it is not set or empty.
fn setting(name: &str, given: &Given) -> Option<String> {
    let settings: Value = serde_json::from_str(&given.settings).unwrap_or_default();
    match settings.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Ask, Call};
    use crate::contract::{Body, Failure, Given, Target};

    fn given(settings: &str) -> Given {
        Given { now_ms: 0, settings: settings.into(), tenant: None, mark: None, grant: None }
    }

    #[test]
    fn a_value_is_encoded_for_the_place_that_it_goes_to() {
        let ask = Ask::get("/{settings.sub}/people/{id.0}/notes/{id.1}").query(&[("of", "{id}")]);
        let call = Call::from(ask.body(r#"{"id": "{id}", "n": {"a": 1}}"#));
        let request =
            call.request(&[("id", "a\"?/b")], &given(r#"{"sub": "x y"}"#), "api").unwrap();
        let Target::Path(path) = request.target else { unreachable!("no link") };
        assert_eq!(path.path, "/x%20y/people/a%22%3F/notes/b");
        assert_eq!(path.query[0].value, "a\"?/b");
        assert_eq!(request.body, Body::Json(r#"{"id": "a\"?/b", "n": {"a": 1}}"#.into()));
    }

    #[test]
    fn a_parameter_of_an_optional_setting_is_left_out_where_it_is_not_set() {
        let ask = Ask::get("/people").query(&[("of", "{settings.of?}"), ("all", "1")]);
        for (settings, names) in [
            ("{}", vec!["all"]),
            (r#"{"of": ""}"#, vec!["all"]),
            (r#"{"of": "x"}"#, vec!["of", "all"]),
        ] {
            let request = Call::from(ask).request(&[], &given(settings), "api").unwrap();
            let Target::Path(path) = request.target else { unreachable!("no link") };
            let sent: Vec<&str> = path.query.iter().map(|field| field.name.as_str()).collect();
            assert_eq!(sent, names, "{settings}");
        }
    }

    #[test]
    fn a_placeholder_without_a_value_is_never_an_empty_text() {
        let of = |path: &'static str, settings: &str| {
            Call::from(Ask::get(path)).request(&[("id", "7")], &given(settings), "api")
        };
        assert!(matches!(of("/jobs/{job}", "{}"), Err(Failure::Bug(_))));
        assert!(matches!(of("/{settings.sub}/jobs", "{}"), Err(Failure::Misconfigured(_))));
        assert!(matches!(of("/jobs/{id.1}", "{}"), Err(Failure::NotFound(_))));
        assert_eq!(Ask::get("/a").with("b", "c").ask.path, "/a");
    }
}
