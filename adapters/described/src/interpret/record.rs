//! Rows into records.
//!
//! A field is *known* when the row has every member that its expressions read; a member that is
//! null on the way makes it known and empty. So masks follow from the rows, and are collected per
//! page. A fault costs the field, and a row without a usable id costs the row; neither stops the
//! page. Messages name the field and the shape that was found, never its content.
//!
//! The record of a raw kind is the row itself, with what it names and its times.

use super::answer::optional;
use super::raw::{Raw, RawBody};
use super::{Context, mistake};
use crate::description::{Field, Kind, Times};
use crate::expression::{Compiled, Fault, Scope};
use crate::json::Json;
use crate::shape::{ENTRIES_MAX, Reading, is_id};
use crate::template::Made;
use atsync_adapter::contract::{Failure, Item, Problem, Span};
use atsync_model::raw::{CONTENT, REFERENCES, is_raw};
use atsync_model::shape::{self, Shape};
use std::borrow::Cow;

/// Bytes of a problem's message.
const PROBLEM_BYTES_MAX: usize = 400;
/// Records that one row can hold of a kind.
const EACH_MAX: usize = 1_000;

/// The names of a scope whose members a field needs: where one lacks a member, the field is
/// unknown.
const NEEDED: &[&str] = &["row", "outer", "tenant"];

/// The mapping of a kind, compiled.
#[derive(Debug)]
pub(crate) struct Mapper<'e> {
    kind: &'e str,
    each: Option<Compiled<'e>>,
    /// The paths that `each` reads.
    each_paths: Vec<Vec<String>>,
    when: Option<Compiled<'e>>,
    id: Compiled<'e>,
    version: Option<Compiled<'e>>,
    fields: Vec<FieldPlan<'e>>,
    raw: Option<Raw<'e>>,
}

#[derive(Debug)]
struct FieldPlan<'e> {
    name: &'e str,
    each: Option<Compiled<'e>>,
    value: Made<'e>,
    /// The paths that it reads, and whether it is unknown without one.
    paths: Vec<(Vec<String>, bool)>,
    known: Option<Compiled<'e>>,
    reading: Reading<'e>,
}

/// Where a row stands in the reply.
#[derive(Clone, Debug)]
pub(crate) struct At<'r> {
    pub(crate) span: Span,
    pub(crate) text: &'r str,
}

/// The records of a reply.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) items: Vec<Item>,
    pub(crate) masks: Vec<Vec<String>>,
    pub(crate) problems: Vec<Problem>,
    /// The masks by kind and by the known fields.
    known: Vec<(String, u64)>,
}

impl<'e> Mapper<'e> {
    /// Compiles a kind's mapping.
    pub(crate) fn of(
        name: &'e str,
        kind: &'e Kind,
        context: &'e Context<'_>,
    ) -> Result<Self, Failure> {
        Self::compiled(name, kind, context).map_err(mistake)
    }

    fn compiled(name: &'e str, kind: &'e Kind, context: &'e Context<'_>) -> Result<Self, Fault> {
        let engine = &context.engine;
        let each = kind.inside.as_ref().and_then(|inside| inside.each.as_ref());
        let fields = kind
            .fields
            .iter()
            .map(|(field, rule)| FieldPlan::of(name, field, rule, context.common.times, context));
        let each = optional(each, engine)?;
        let paths = each.iter().flat_map(Compiled::paths);
        Ok(Self {
            kind: name,
            each_paths: paths.map(Cow::into_owned).collect(),
            each,
            when: optional(kind.when.as_ref(), engine)?,
            id: engine.compile(kind.id.text())?,
            version: optional(kind.version.as_ref(), engine)?,
            fields: fields.collect::<Result<_, Fault>>()?,
            raw: is_raw(name).then(|| Raw::of(kind, engine)).transpose()?,
        })
    }

    /// Adds the records of the row of another kind's page.
    pub(crate) fn inside(
        &self,
        outer: &Json<'_>,
        at: &At<'_>,
        shared: &[(&str, &Json<'_>)],
        records: &mut Records,
    ) {
        let Some(each) = &self.each else {
            return self.row(outer, outer, at, shared, records);
        };
        // Its own text is not known.
        let at = &At { span: at.span.clone(), text: "" };
        let own = [("row", outer)];
        let scope = Scope { shared, own: &own };
        // What lies behind a number or a flag cannot be said to be missing.
        let odd = self.each_paths.iter().find_map(|path| match lead(path, scope) {
            Lead::Odd(shape) => Some(shape),
            Lead::There | Lead::Absent => None,
        });
        if let Some(shape) = odd {
            return records.lost(self.kind, None, &format!("{shape} where an object is expected"));
        }
        let rows = match each.eval(scope) {
            Ok(rows) => rows,
            Err(fault) => return records.lost(self.kind, None, &fault.0),
        };
        match &*rows {
            Json::Absent | Json::Null => {}
            Json::List(rows) if rows.len() > EACH_MAX => {
                records.lost(self.kind, None, &format!("a row with more than {EACH_MAX} records"));
            }
            Json::List(rows) => {
                for row in rows {
                    self.row(row, outer, at, shared, records);
                }
            }
            row @ Json::Map(_) => self.row(row, outer, at, shared, records),
            // The reference alone, where the ATS did not expand it.
            _ => {}
        }
    }

    /// Adds the record of a row.
    pub(crate) fn row(
        &self,
        row: &Json<'_>,
        outer: &Json<'_>,
        at: &At<'_>,
        shared: &[(&str, &Json<'_>)],
        records: &mut Records,
    ) {
        let own = [("row", row), ("outer", outer)];
        let scope = Scope { shared, own: &own };
        if !matches!(row, Json::Map(_)) {
            return records.lost(
                self.kind,
                None,
                &format!("{} where a row is expected", row.shape()),
            );
        }
        match self.when.as_ref().map(|when| when.is_true(scope)) {
            Some(Ok(false)) => return,
            Some(Err(fault)) => return records.lost(self.kind, None, &fault.0),
            Some(Ok(true)) | None => {}
        }
        let id = match self.id.id(scope) {
            Ok(id) => id,
            Err(fault) => return records.lost(self.kind, None, &fault.0),
        };
        let id = match &*id {
            Json::Text(_) | Json::Int(_) | Json::Big(_) => id.scalar().filter(|id| is_id(id)),
            _ => None,
        };
        let Some(id) = id.map(Cow::into_owned) else {
            return records.lost(self.kind, None, &format!("`{}` is no id", self.id.text()));
        };
        let version = self
            .version
            .as_ref()
            .and_then(|version| version.eval(scope).ok())
            .and_then(|version| version.scalar().map(Cow::into_owned))
            .filter(|version| !version.is_empty() && version.len() <= 512);
        let mut body: Vec<(Cow<'_, str>, Json<'_>)> = Vec::with_capacity(self.fields.len());
        let mut known = 0_u64;
        for (at, field) in self.fields.iter().enumerate() {
            match field.read(scope) {
                Ok(Read::Unknown) => {}
                Ok(Read::Empty) => known |= bit(at),
                Ok(Read::Value(value)) => {
                    known |= bit(at);
                    body.push((Cow::Borrowed(field.name), value));
                }
                Err(what) => {
                    let message = cut(format!("`{}`: {what}", field.name));
                    records.problems.push(Problem::field(
                        self.kind,
                        id.clone(),
                        field.name,
                        message,
                    ));
                }
            }
        }
        let bytes = usize::try_from(at.span.length).unwrap_or_default();
        let (written, version) = match &self.raw {
            None => (atsync_adapter::json::write(&Json::Map(body), bytes.min(4096)), version),
            Some(raw) => {
                let updated_at = body.iter().find(|(name, _)| name == "updated_at");
                let changed = updated_at.and_then(|(_, time)| time.as_text()).map(str::to_owned);
                let (references, odd) = raw.references(row, scope);
                for member in odd {
                    let field = format!("{REFERENCES}.{member}");
                    let message = cut(format!("`{field}`: neither an id nor a list of ids"));
                    records.problems.push(Problem::field(self.kind, id.clone(), field, message));
                }
                let body = RawBody { references, row, text: at.text, fields: body };
                let bytes = bytes.saturating_add(256);
                (atsync_adapter::json::write(&body, bytes), version.or(changed))
            }
        };
        let Ok(body) = written else {
            return records.lost(self.kind, Some(id), "it cannot be written as JSON");
        };
        let mask = records.mask(self, known);
        // The body of a raw record has the row.
        let raw = self.raw.is_none().then(|| at.span.clone());
        records.items.push(Item { kind: self.kind.to_owned(), id, version, mask, body, raw });
    }
}

fn bit(at: usize) -> u64 {
    u32::try_from(at).ok().and_then(|at| 1_u64.checked_shl(at)).unwrap_or_default()
}

impl Records {
    fn mask(&mut self, mapper: &Mapper<'_>, known: u64) -> u32 {
        let same = |(kind, fields): &(String, u64)| kind == mapper.kind && *fields == known;
        // The mask of the row before is that of this one, as a rule.
        let at = self.known.iter().rposition(same).unwrap_or_else(|| {
            self.known.push((mapper.kind.to_owned(), known));
            let fields = mapper.fields.iter().enumerate();
            let names = fields.filter(|(at, _)| known & bit(*at) != 0);
            let names = names.map(|(_, field)| field.name);
            let raw: &[&str] = if mapper.raw.is_some() { &[REFERENCES, CONTENT] } else { &[] };
            self.masks.push(raw.iter().copied().chain(names).map(str::to_owned).collect());
            self.known.len().saturating_sub(1)
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    pub(crate) fn lost(&mut self, kind: &str, id: Option<String>, what: &str) {
        self.problems.push(Problem::row(kind, id, cut(what.to_owned())));
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(PROBLEM_BYTES_MAX));
    text
}

/// What a row says about a field.
enum Read<'a> {
    /// Nothing.
    Unknown,
    /// That it is empty.
    Empty,
    /// Its value.
    Value(Json<'a>),
}

impl<'e> FieldPlan<'e> {
    fn of(
        kind: &str,
        name: &'e str,
        rule: &'e Field,
        times: Times,
        context: &'e Context<'_>,
    ) -> Result<Self, Fault> {
        // The fields of a raw kind are its times.
        let shape = if is_raw(kind) { Some(Shape::Time) } else { shape::shape(kind, name) };
        let shape = shape.ok_or_else(|| Fault(format!("{kind} have no field `{name}`")))?;
        let engine = &context.engine;
        let value = Made::mapping(&rule.value, engine)?;
        let each = optional(rule.each.as_ref(), engine)?;
        let needed = rule.needs.as_deref().map(dotted).unwrap_or_default();
        let mut paths: Vec<(Vec<String>, bool)> =
            needed.into_iter().map(|path| (path, true)).collect();
        let is_needed = rule.needs.is_none() && rule.known.is_none();
        let mut add = |expression: &Compiled<'_>| {
            for read in expression.paths() {
                let is_of_row = read.len() > 1
                    && read.first().is_some_and(|root| NEEDED.contains(&root.as_str()));
                if is_of_row && !paths.iter().any(|(path, _)| *path == *read) {
                    paths.push((read.into_owned(), is_needed));
                }
            }
        };
        value.each(&mut add);
        each.iter().for_each(add);
        Ok(Self {
            name,
            each,
            value,
            paths,
            known: optional(rule.known.as_ref(), engine)?,
            reading: Reading {
                shape,
                words: &rule.words,
                other: rule.other.as_deref().unwrap_or("other"),
                form: rule.form.unwrap_or_default(),
                times: rule.times.unwrap_or(times),
                is_required: shape::required(kind).contains(&name),
                is_day: shape == Shape::Time && name.ends_with("_on"),
            },
        })
    }

    fn read<'a>(&self, scope: Scope<'_, 'a>) -> Result<Read<'a>, String> {
        let mut is_unknown = false;
        for (path, is_needed) in &self.paths {
            match lead(path, scope) {
                Lead::Odd(shape) => return Err(format!("{shape} where an object is expected")),
                Lead::Absent => is_unknown |= *is_needed,
                Lead::There => {}
            }
        }
        if is_unknown {
            return Ok(Read::Unknown);
        }
        if let Some(known) = &self.known
            && !known.is_true(scope).map_err(|fault| fault.0)?
        {
            return Ok(Read::Unknown);
        }
        let value = match &self.each {
            None => self.value.value(scope).map_err(|fault| fault.0)?,
            Some(each) => Cow::Owned(self.entries(each, scope)?),
        };
        Ok(match self.reading.shaped(value)? {
            Some(value) => Read::Value(value),
            None => Read::Empty,
        })
    }

    /// The value of each entry of a list.
    fn entries<'a>(&self, each: &Compiled<'_>, scope: Scope<'_, 'a>) -> Result<Json<'a>, String> {
        let list = each.eval(scope).map_err(|fault| fault.0)?;
        let entries = match &*list {
            Json::Absent | Json::Null => return Ok(Json::Null),
            Json::List(entries) if entries.len() > ENTRIES_MAX => {
                return Err(format!("a list of more than {} entries", ENTRIES_MAX));
            }
            Json::List(entries) => entries,
            other => return Err(format!("{} where a list is expected", other.shape())),
        };
        let mut made = Vec::with_capacity(entries.len());
        for entry in entries {
            let mut own = scope.own.to_vec();
            own.push(("entry", entry));
            let scope = Scope { shared: scope.shared, own: &own };
            let value = self.value.value(scope).map_err(|fault| fault.0)?.into_owned();
            if !value.is_empty() {
                made.push(value);
            }
        }
        Ok(Json::List(made))
    }
}

/// Dotted paths in their parts.
pub(crate) fn dotted(paths: &[String]) -> Vec<Vec<String>> {
    paths.iter().map(|path| path.split('.').map(str::to_owned).collect()).collect()
}

/// Where a path leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// To a member that is there, or would be below a null.
    There,
    /// To none.
    Absent,
    /// Through something that has no members, of this shape.
    Odd(&'static str),
}

fn lead(path: &[String], scope: Scope<'_, '_>) -> Lead {
    let Some((root, members)) = path.split_first() else { return Lead::There };
    let mut names = scope.own.iter().chain(scope.shared);
    let Some(mut value) = names.find(|(name, _)| name == root).map(|(_, value)| *value) else {
        return Lead::Absent;
    };
    for member in members {
        match value {
            Json::Map(_) => value = value.get(member),
            // An index. A list without that entry is there.
            Json::List(entries) => {
                match member.parse().ok().and_then(|at: usize| entries.get(at)) {
                    Some(entry) => value = entry,
                    None => return Lead::There,
                }
            }
            Json::Null => return Lead::There,
            // An id where the ATS did not expand the object says nothing about its members.
            Json::Text(_) | Json::Absent => return Lead::Absent,
            Json::Bool(_) | Json::Int(_) | Json::Big(_) | Json::Float(_) => {
                return Lead::Odd(value.shape());
            }
        }
    }
    if matches!(value, Json::Absent) { Lead::Absent } else { Lead::There }
}

/// Whether a path leads to no member. A null on the way is there.
pub(crate) fn is_absent(path: &[String], scope: Scope<'_, '_>) -> bool {
    lead(path, scope) != Lead::There
}
