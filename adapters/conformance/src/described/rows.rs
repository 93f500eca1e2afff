//! The rows of a described sandbox, and what a request makes of them.

use super::members::{as_text, at, fill, order, put};
use super::shape::{Answer, Paging, Resource, SandboxFile, Times};
use crate::suite::rfc3339;
use atsync::{Clock, SystemClock};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What an edit of the suite sets where the file says nothing.
const EDITED: &str = "Edited by conformance";

/// A request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Value,
}

/// The sandbox as it is.
#[derive(Debug)]
pub(super) struct State {
    file: SandboxFile,
    /// The permissions that were taken away.
    taken: BTreeSet<String>,
    /// Where it is served, for links.
    pub(super) base: String,
    /// The next request is throttled.
    pub(super) throttled: bool,
    /// Requests that changed something.
    pub(super) changes: u64,
}

impl Resource {
    /// The text by which paths and other rows name a row.
    fn id_of(&self, row: &Map<String, Value>) -> String {
        at(row, &self.key).map(as_text).unwrap_or_default()
    }

    /// The id of the record that a row is.
    fn record_of(&self, row: &Map<String, Value>) -> String {
        let part = |member: &String| at(row, member).map(as_text).unwrap_or_default();
        match self.record.as_slice() {
            [] => self.id_of(row),
            members => members.iter().map(part).collect::<Vec<_>>().join("/"),
        }
    }

    /// Where a row with this id is.
    fn position(&self, id: &str) -> Option<usize> {
        self.rows.iter().position(|row| self.id_of(row) == id)
    }
}

fn answer(status: u16, body: Value) -> Answer {
    Answer { status, headers: BTreeMap::new(), body }
}

fn refused(status: u16, why: String) -> Answer {
    answer(status, json!({ "error": why }))
}

/// A refusal of one member.
fn unfit(member: &str, why: &str) -> Answer {
    let message = format!("{member}: {why}");
    answer(422, json!({ "error": message, "errors": [{ "field": member, "message": why }] }))
}

/// Whether a path is one with these segments; `*` and `{id}` stand for any. Returns what `{id}`
/// stood for.
fn fits<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut id = "";
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(id),
            (Some("{id}"), Some(segment)) if !segment.is_empty() => id = segment,
            (Some("*"), Some(segment)) if !segment.is_empty() => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return None,
        }
    }
}

impl State {
    pub(super) fn new(file: SandboxFile) -> Self {
        let (taken, base) = Default::default();
        Self { file, taken, base, throttled: false, changes: 0 }
    }

    fn of_kind(&self, kind: &str) -> Option<&String> {
        let of = |(name, resource): (&String, &Resource)| {
            resource.kind.as_deref().unwrap_or(name.as_str()) == kind
        };
        self.file.resources.iter().find(|one| of(*one)).map(|(name, _)| name)
    }

    pub(super) fn ids(&self, kind: &str) -> Option<Vec<String>> {
        let resource = self.file.resources.get(self.of_kind(kind)?)?;
        Some(resource.rows.iter().map(|row| resource.record_of(row)).collect())
    }

    pub(super) fn edit(&mut self, kind: &str) -> Option<String> {
        let name = self.of_kind(kind)?.clone();
        let resource = self.file.resources.get_mut(&name)?;
        let (changed, edit) = (resource.changed.clone(), resource.edit.clone());
        let key = resource.key.clone();
        let stamp = |row: &(usize, &mut Map<String, Value>)| row.1.get(&changed).map(as_text);
        let (nth, row) = resource.rows.iter_mut().enumerate().min_by_key(stamp)?;
        if edit.is_empty() {
            let column = row.iter().find(|(name, value)| {
                value.is_string() && **name != key && *name != "id" && !name.ends_with("_at")
            });
            let column = column.map(|(name, _)| name.clone())?;
            drop(row.insert(column, json!(EDITED)));
        }
        row.extend(edit);
        let now = resource.window.as_ref().map(|window| window.times).unwrap_or_default();
        drop(row.insert(changed.clone(), now.stamp(row.get(&changed))));
        resource.rows.get(nth).map(|row| resource.record_of(row))
    }

    pub(super) fn permit(&mut self, permission: &str, is_granted: bool) -> bool {
        if !self.file.permissions.contains_key(permission) {
            return false;
        }
        if is_granted {
            let _ = self.taken.remove(permission);
        } else {
            let _ = self.taken.insert(permission.to_owned());
        }
        true
    }

    /// Answers a request.
    pub(super) fn answer(&mut self, asked: &Asked) -> Answer {
        if let Some((header, value)) = &self.file.authorization
            && asked.headers.get(&header.to_ascii_lowercase()) != Some(value)
        {
            return refused(401, "the credential was not accepted".to_owned());
        }
        if std::mem::take(&mut self.throttled) {
            return self.file.throttled.clone();
        }
        if self.taken.iter().any(|taken| self.needs(taken, asked)) {
            return self.file.denied.clone();
        }
        let as_line = format!("{} {}", asked.method, asked.path);
        if let Some(body) = self.file.fixed.get(&as_line) {
            return answer(200, body.clone());
        }
        let names: Vec<String> = self.file.resources.keys().cloned().collect();
        for name in names {
            if let Some(answer) = self.of(&name, asked) {
                return answer;
            }
        }
        refused(404, "there is nothing at this path".to_owned())
    }

    fn needs(&self, permission: &str, asked: &Asked) -> bool {
        self.file.permissions.get(permission).into_iter().flatten().any(|line| {
            line.split_once(' ').is_some_and(|(method, path)| {
                method == asked.method && fits(path, &asked.path).is_some()
            })
        })
    }

    /// The answer of one collection, where the request is its own.
    fn of(&mut self, name: &str, asked: &Asked) -> Option<Answer> {
        let resource = self.file.resources.get(name)?;
        let method = asked.method.as_str();
        let create = resource.create.as_ref();
        let create_path = create.and_then(|create| create.path.as_deref());
        let own = (resource.path.as_str(), resource.parent.as_deref());
        let also = resource.also.iter().map(|also| (also.path.as_str(), also.parent.as_deref()));
        let listed = std::iter::once(own)
            .chain(also)
            .find_map(|(path, member)| Some((member, fits(path, &asked.path)?)));
        if let Some((member, parent)) = listed
            && method == if resource.by_post { "POST" } else { "GET" }
        {
            return Some(self.list(resource, asked, member.map(|member| (member, parent))));
        }
        let created = fits(create_path.unwrap_or(&resource.path), &asked.path);
        if let Some(parent) = created.filter(|_| create.is_some() && method == "POST") {
            return self.create(name, asked, parent);
        }
        let id = fits(resource.item.as_deref()?, &asked.path)?.to_owned();
        let Some(at) = resource.position(&id) else {
            return Some(refused(404, format!("there is no {name} with this id")));
        };
        let (changed, row_at) = (resource.changed.clone(), resource.row_at.clone());
        let (may_update, may_delete) = (resource.update, resource.delete);
        let resource = self.file.resources.get_mut(name)?;
        match method {
            "GET" => {}
            "PATCH" | "PUT" if may_update => {
                let row = resource.rows.get_mut(at)?;
                row.extend(asked.body.as_object().cloned().unwrap_or_default());
                drop(row.insert(changed, json!(rfc3339(SystemClock.now_ms()))));
                self.changes = self.changes.saturating_add(1);
            }
            "DELETE" if may_delete => {
                drop(resource.rows.remove(at));
                self.changes = self.changes.saturating_add(1);
                return Some(answer(204, Value::Null));
            }
            _ => return Some(refused(405, "the method is not allowed here".to_owned())),
        }
        let row = self.file.resources.get(name)?.rows.get(at)?.clone();
        Some(answer(200, within(&row_at, Value::Object(row))))
    }

    fn create(&mut self, name: &str, asked: &Asked, parent: &str) -> Option<Answer> {
        let resource = self.file.resources.get(name)?;
        let create = resource.create.clone()?;
        let own = resource.parent.as_ref().and_then(|member| create.references.get(member));
        let below = create.below.as_ref().or(own);
        let above = below.and_then(|name| self.file.resources.get(name)).and_then(|above| {
            above.position(parent).and_then(|at| above.rows.get(at)).cloned().map(Value::Object)
        });
        if below.is_some() && above.is_none() {
            return Some(refused(404, "there is no such record".to_owned()));
        }
        let Value::Object(body) = &asked.body else {
            return Some(refused(422, "the body is no JSON object".to_owned()));
        };
        let given = match &create.at {
            None => Some(body),
            Some(path) => at(body, path).and_then(Value::as_object),
        };
        let Some(given) = given else {
            let member = create.at.as_deref().unwrap_or_default();
            return Some(unfit(member, "must be an object"));
        };
        for member in &create.required {
            if at(body, member).is_none_or(|value| value.is_null() || value == "") {
                return Some(unfit(member, "must not be empty"));
            }
        }
        for (member, other) in &create.references {
            let Some(named) = at(given, member).filter(|value| !value.is_null()) else { continue };
            if !self.is_there(other, &as_text(named)) {
                return Some(unfit(member, "there is no such record"));
            }
        }
        for member in &create.unique {
            if resource.rows.iter().any(|row| at(row, member) == at(given, member)) {
                return Some(unfit(member, "has already been taken"));
            }
        }
        let numbers = resource.rows.iter().filter_map(|row| row.get(&resource.key)?.as_u64());
        let id = match numbers.max() {
            Some(largest) => json!(largest.saturating_add(1)),
            None => json!(format!("{name}-{}", resource.rows.len().saturating_add(1))),
        };
        let mut row = create.defaults.clone();
        row.extend(given.clone());
        if let Some(member) = resource.parent.as_deref().filter(|_| !parent.is_empty()) {
            let id = parent.parse::<u64>().map_or_else(|_| json!(parent), |number| json!(number));
            put(&mut row, member, id);
        }
        let query = asked.query.iter().map(|(name, value)| (name.clone(), json!(value)));
        let mut sources = Map::new();
        drop(sources.insert("body".to_owned(), asked.body.clone()));
        drop(sources.insert("query".to_owned(), Value::Object(query.collect())));
        drop(sources.insert("parent".to_owned(), above.unwrap_or_default()));
        for (member, template) in &create.set {
            if let Some(value) = fill(template, &sources) {
                put(&mut row, member, value);
            }
        }
        drop(row.insert(resource.key.clone(), id));
        let times = resource.window.as_ref().map(|window| window.times).unwrap_or_default();
        // Times are written as those of the rows there.
        for member in ["created_at", &resource.changed] {
            let like = resource.rows.iter().find_map(|row| row.get(member));
            if member == resource.changed || !row.contains_key(member) {
                drop(row.insert(member.to_owned(), times.stamp(like)));
            }
        }
        let body = match &create.answer {
            None => within(&resource.row_at, Value::Object(row.clone())),
            Some(template) => {
                drop(sources.insert("row".to_owned(), Value::Object(row.clone())));
                fill(template, &sources).unwrap_or_default()
            }
        };
        self.file.resources.get_mut(name)?.rows.push(row);
        self.changes = self.changes.saturating_add(1);
        Some(answer(create.status.unwrap_or(201), body))
    }

    /// Whether a collection has a row.
    fn is_there(&self, collection: &str, id: &str) -> bool {
        self.file.resources.get(collection).is_some_and(|of| of.position(id).is_some())
    }

    fn list(&self, resource: &Resource, asked: &Asked, parent: Option<(&str, &str)>) -> Answer {
        let mut parameters = asked.query.clone();
        if resource.by_post {
            let members = asked.body.as_object().into_iter().flatten();
            parameters.extend(members.map(|(name, value)| (name.clone(), as_text(value))));
        }
        let mut rows: Vec<&Map<String, Value>> = resource.rows.iter().collect();
        if let Some((member, parent)) = parent {
            rows.retain(|row| at(row, member).is_some_and(|id| as_text(id) == parent));
        }
        if let Some(window) = &resource.window {
            let stamp = |row: &Map<String, Value>| window.times.key(row.get(&resource.changed)?);
            if let Some(from) = window.times.moment(parameters.get(&window.from)) {
                rows.retain(|row| stamp(row).is_some_and(|at| at >= from));
            }
            let to = window.to.as_ref().and_then(|to| parameters.get(to));
            if let Some(to) = window.times.moment(to) {
                rows.retain(|row| stamp(row).is_some_and(|at| at <= to));
            }
        }
        for (parameter, member) in &resource.filters {
            if let Some(wanted) = parameters.get(parameter) {
                let any: Vec<&str> = wanted.split(',').collect();
                let is = |value: &Value| any.contains(&as_text(value).as_str());
                // Of a list any entry.
                rows.retain(|row| {
                    at(row, member).is_some_and(|value| match value {
                        Value::Array(all) => all.iter().any(is),
                        one => is(one),
                    })
                });
            }
        }
        if let Paging::NextUrl { from, to, .. } = &resource.paging {
            let bound = |name: &str| parameters.get(name).map(|id| order(&json!(id)));
            let id = |row: &Map<String, Value>| row.get("id").map(order).unwrap_or_default();
            if let Some(first) = bound(from) {
                rows.retain(|row| id(row) >= first);
            }
            if let Some(last) = to.as_deref().and_then(bound) {
                rows.retain(|row| id(row) <= last);
            }
        }
        let number = |name: &str, default: u64| match parameters.get(name) {
            None => Ok(default),
            Some(text) => text
                .parse::<u64>()
                .map_err(|_| answer(400, json!({ "error": format!("{name} is no number") }))),
        };
        match paged(&resource.paging, number) {
            Ok(cut) => self.page(resource, asked, &rows, &cut),
            Err(refusal) => refusal,
        }
    }

    fn page(
        &self,
        resource: &Resource,
        asked: &Asked,
        rows: &[&Map<String, Value>],
        cut: &Cut,
    ) -> Answer {
        let from = usize::try_from(cut.from).unwrap_or(usize::MAX).min(rows.len());
        let size = usize::try_from(cut.size).unwrap_or(usize::MAX);
        let shown: Vec<Value> =
            rows.iter().skip(from).take(size).map(|row| Value::Object((*row).clone())).collect();
        let next = from.saturating_add(shown.len());
        let has_more = next < rows.len();
        let base = self.base.trim_end_matches('/');
        let mut body = within(&resource.rows_at, Value::Array(shown));
        let mut headers = BTreeMap::new();
        match (&resource.paging, &mut body) {
            (Paging::Cursor { next_at, more_at, .. }, Value::Object(members)) => {
                if has_more {
                    put(members, next_at, json!(next.to_string()));
                }
                if let Some(more_at) = more_at {
                    put(members, more_at, json!(has_more));
                }
            }
            (Paging::NextUrl { from, limit, next_at, .. }, Value::Object(members)) => {
                if let Some(id) = rows.get(next).and_then(|row| row.get("id")) {
                    let (path, size, id) = (&asked.path, cut.size, as_text(id));
                    let url = format!("{base}{path}?{limit}={size}&{from}={id}");
                    put(members, next_at, json!(url));
                }
            }
            (Paging::Link { .. }, _) if has_more => {
                let mut query = asked.query.clone();
                drop(query.insert(LINKED.to_owned(), next.to_string()));
                let query: Vec<String> =
                    query.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let link = format!("<{base}{}?{}>; rel=\"next\"", asked.path, query.join("&"));
                drop(headers.insert("link".to_owned(), link));
            }
            _ => {}
        }
        Answer { status: 200, headers, body }
    }
}

impl Times {
    /// A number of these as RFC 3339.
    fn text(self, number: u64) -> String {
        let is_seconds = matches!(self, Self::EpochS);
        rfc3339(if is_seconds { number.saturating_mul(1_000) } else { number })
    }

    /// A parameter as times are compared.
    fn moment(self, given: Option<&String>) -> Option<String> {
        match self {
            Self::Rfc3339 => given.cloned(),
            Self::EpochMs | Self::EpochS => Some(self.text(given?.parse().ok()?)),
        }
    }

    /// A row's time as times are compared.
    fn key(self, held: &Value) -> Option<String> {
        match held.as_u64() {
            Some(number) => Some(self.text(number)),
            None => held.as_str().map(str::to_owned),
        }
    }

    /// The present, written as another time of the rows is: a number where that is one.
    fn stamp(self, like: Option<&Value>) -> Value {
        let now_ms = SystemClock.now_ms();
        match (like.is_some_and(Value::is_number), self) {
            (true, Self::EpochS) => json!(now_ms / 1_000),
            (true, _) => json!(now_ms),
            (false, _) => json!(rfc3339(now_ms)),
        }
    }
}

/// The parameter that a `Link` header uses.
const LINKED: &str = "after";

/// The part of a list that is asked for.
struct Cut {
    from: u64,
    size: u64,
}

fn paged(
    paging: &Paging,
    number: impl Fn(&str, u64) -> Result<u64, Answer>,
) -> Result<Cut, Answer> {
    Ok(match paging {
        Paging::None => Cut { from: 0, size: u64::MAX },
        Paging::Page { page, size, first, max } => {
            let size = number(size, *max)?.clamp(1, *max);
            let before = number(page, *first)?.saturating_sub(*first);
            Cut { from: before.saturating_mul(size), size }
        }
        Paging::Offset { offset, limit, max } => {
            Cut { from: number(offset, 0)?, size: number(limit, *max)?.clamp(1, *max) }
        }
        Paging::Cursor { cursor, limit, max, .. } => {
            Cut { from: number(cursor, 0)?, size: number(limit, *max)?.clamp(1, *max) }
        }
        Paging::NextUrl { limit, max, .. } => {
            Cut { from: 0, size: number(limit, *max)?.clamp(1, *max) }
        }
        Paging::Link { limit, max } => {
            Cut { from: number(LINKED, 0)?, size: number(limit, *max)?.clamp(1, *max) }
        }
    })
}

/// A value as the member of an object; at the root where the name is empty.
fn within(member: &str, value: Value) -> Value {
    match member {
        "" => value,
        member => json!({ member: value }),
    }
}
