//! Finds the mistakes of a description before anything is baked: unknown names, with the nearest
//! known one, expressions that are none, members that contradict each other. Each mistake has a
//! pointer into the file and its line.
//!
//! Left out: what only the ATS can show, such as a member that no row has, and the engine's own
//! checks of the manifest, which it makes when it loads the component.

mod kinds;
mod names;
mod operations;

use super::lines::{escaped, line_of};
use super::read::{Mistake, Mistakes, Read};
use crate::baked::baked;
use crate::description::{
    Description, Expr, Hook, Kind, List, Mapping, Method, OutcomeRule, Paging, Request, Template,
    Then,
};
use crate::expression::{Compiled, Engine};
use crate::template::{LEVELS_MAX, Text};
use names::{Names, near};

/// Mistakes that are reported at once.
const MISTAKES_MAX: usize = 100;

/// Finds every mistake.
///
/// # Errors
/// The mistakes, each with its place.
pub fn validate(read: &Read) -> Result<(), Mistakes> {
    let description = &read.description;
    let engine = Engine::new(&[]);
    let mut check = Check { description, engine: &engine, found: Vec::new() };
    check.all();
    if check.found.is_empty()
        && let Err(message) = baked(description)
    {
        check.found.push((String::new(), message));
    }
    if check.found.is_empty() {
        return Ok(());
    }
    let mut mistakes: Vec<Mistake> = check
        .found
        .into_iter()
        .map(|(pointer, message)| Mistake {
            line: line_of(&read.lines, &pointer),
            pointer,
            message,
        })
        .collect();
    mistakes.sort_by_key(|mistake| mistake.line);
    mistakes.dedup();
    mistakes.truncate(MISTAKES_MAX);
    Err(Mistakes(mistakes))
}

/// What a check knows and has found.
struct Check<'d> {
    description: &'d Description,
    engine: &'d Engine,
    found: Vec<(String, String)>,
}

/// Where in a description a check is.
fn below(at: &str, part: &str) -> String {
    format!("{at}/{}", escaped(part))
}

/// The names that every expression has.
const SHARED: &[&str] = &["settings", "tenant", "mark", "now_ms"];
/// The names that an answer adds.
const ANSWER: &[&str] = &["reply", "status", "headers"];

impl<'d> Check<'d> {
    fn mistake(&mut self, at: &str, message: impl Into<String>) {
        self.found.push((at.to_owned(), message.into()));
    }

    fn all(&mut self) {
        let description = self.description;
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let name = &description.name;
        if name.is_empty() || name.len() > 64 || !name.bytes().all(letters) {
            self.mistake("/name", "a name has 1 to 64 lower-case letters, digits and `-`");
        }
        if description.origins.is_empty() {
            self.mistake("/origins", "name at least one origin");
        }
        let answer = Names::of(&[SHARED, ANSWER]);
        self.optional("/message", description.message.as_ref(), &answer);
        self.outcomes("/outcomes", &description.outcomes, &answer, Place::Any);
        let paging = Names::of(&[SHARED, ANSWER, &["parent", "count", "size", "page", "offset"]]);
        self.paging("/lists/paging", description.lists.paging.as_ref(), &paging);
        self.sunsets();
        if description.kinds.is_empty() {
            self.mistake("/kinds", "name at least one kind");
        }
        for (name, kind) in &description.kinds {
            self.kind(&below("/kinds", name), name, kind);
        }
        for (name, operation) in &description.operations {
            self.operation(&below("/operations", name), name, operation);
        }
        self.permissions();
        if let Some(tenant) = &description.tenant {
            self.request(
                "/tenant/request",
                &tenant.request,
                &Names::of(&[&["settings", "now_ms"]]),
                true,
            );
            self.outcomes("/tenant/outcomes", &tenant.outcomes, &answer, Place::Read);
            self.expression("/tenant/fingerprint", &tenant.fingerprint, &answer);
            if let Some(catalogue) = &tenant.catalogue {
                self.mapping("/tenant/catalogue", catalogue, &answer);
            }
        } else if !description.operations.is_empty() {
            self.mistake(
                "/operations",
                "an adapter that writes must say which customer it would write to; add `tenant`",
            );
        }
        if let Some(hook) = &description.hook {
            self.hook(hook);
        }
        if let Some(settings) = &description.settings
            && settings.get("type").and_then(|of| of.as_str()) != Some("object")
        {
            self.mistake("/settings", "the schema of the settings has `type: object`");
        }
    }

    fn sunsets(&mut self) {
        let description = self.description;
        for (at, sunset) in description.sunsets.iter().enumerate() {
            let place = format!("/sunsets/{at}");
            if description.sunsets.iter().take(at).any(|earlier| earlier.api == sunset.api) {
                self.mistake(&place, "it ends twice; leave the earlier day");
            }
            if sunset.api.as_ref().is_some_and(|api| api.trim().is_empty()) {
                self.mistake(&below(&place, "api"), "it says nothing; leave it out for all");
            }
            if sunset.days_left(0).is_none() {
                let message =
                    format!("`{:.64}` is no day; write it as 2026-08-31", sunset.last_day);
                self.mistake(&below(&place, "last_day"), message);
            }
            if !sunset.announced_at.starts_with("https://") {
                let message = "name the page of the announcement, a URL that begins with https://";
                self.mistake(&below(&place, "announced_at"), message);
            }
            if sunset.instead.trim().is_empty() {
                self.mistake(&below(&place, "instead"), "it says nothing; the warning shows it");
            }
        }
    }

    fn permissions(&mut self) {
        let description = self.description;
        for (at, permission) in description.permissions.iter().enumerate() {
            let place = format!("/permissions/{at}");
            let earlier = description.permissions.iter().take(at);
            if earlier.clone().any(|other| other.id == permission.id) {
                self.mistake(&place, format!("the permission `{}` occurs twice", permission.id));
            }
            if let Some(check) = &permission.check {
                let place = below(&place, "check");
                let names = Names::of(&[SHARED]);
                self.request(&below(&place, "request"), &check.request, &names, true);
                let names = Names::of(&[SHARED, ANSWER]);
                self.outcomes(&below(&place, "outcomes"), &check.outcomes, &names, Place::Check);
            }
        }
    }

    /// A permission that is named.
    fn permission(&mut self, at: &str, id: &str) {
        let known = self.description.permissions.iter().map(|permission| permission.id.as_str());
        if !known.clone().any(|known| known == id) {
            let hint = near(id, known);
            self.mistake(at, format!("there is no permission `{id}`{hint}"));
        }
    }

    /// A kind that is named.
    fn known_kind(&mut self, at: &str, name: &str) -> Option<&'d Kind> {
        let kinds = &self.description.kinds;
        if let Some(kind) = kinds.get(name) {
            return Some(kind);
        }
        let hint = near(name, kinds.keys().map(String::as_str));
        self.mistake(at, format!("the description has no kind `{name}`{hint}"));
        None
    }

    fn list(&mut self, at: &str, list: &List) {
        if let Some(parent) = &list.under {
            self.known_kind(&below(at, "under"), parent);
        }
        let names = if list.under.is_some() { &["parent"][..] } else { &[][..] };
        self.request(&below(at, "request"), &list.request, &Names::of(&[SHARED, names]), true);
        let answer = Names::of(&[SHARED, ANSWER, names, &["count", "size", "page", "offset"]]);
        self.paging(&below(at, "paging"), list.paging.as_ref(), &answer);
        if let Some(token) = &list.token {
            self.expression(&below(&below(at, "token"), "from"), &token.from, &answer);
        }
        self.outcomes(&below(at, "outcomes"), &list.outcomes, &answer, Place::Read);
        if list.page_max == Some(0) {
            self.mistake(&below(at, "page_max"), "a page has at least one row");
        }
    }

    fn fetch(&mut self, at: &str, fetch: &crate::description::Fetch) {
        let names = if fetch.ids.is_none() { &["id"][..] } else { &[][..] };
        self.request(&below(at, "request"), &fetch.request, &Names::of(&[SHARED, names]), true);
        let names_id = |expression: &&Compiled<'_>| {
            expression.reads().iter().any(|read| read.first().is_some_and(|root| root == "id"))
        };
        if fetch.ids.is_none()
            && let Ok(plan) = crate::interpret::request_plan(&fetch.request, self.engine)
        {
            let mut has_id = false;
            plan.each(&mut |expression| has_id |= names_id(&expression));
            if !has_id {
                self.mistake(
                    &below(at, "request"),
                    "the request does not say which record; write `{{ id }}` into it, or `ids`",
                );
            }
        }
        self.optional(&below(at, "parent"), fetch.parent.as_ref(), &Names::of(&[&["id"]]));
        let answer = Names::of(&[SHARED, ANSWER, &["parent"]]);
        self.outcomes(&below(at, "outcomes"), &fetch.outcomes, &answer, Place::Read);
    }

    fn paging(&mut self, at: &str, paging: Option<&Paging>, names: &Names) {
        match paging {
            None | Some(Paging::None {} | Paging::LinkHeader {}) => {}
            Some(Paging::NextUrl { from }) => self.expression(&below(at, "from"), from, names),
            Some(Paging::Cursor { from, more, .. }) => {
                self.expression(&below(at, "from"), from, names);
                self.optional(&below(at, "more"), more.as_ref(), names);
            }
            Some(Paging::Page { more, .. } | Paging::Offset { more, .. }) => {
                self.optional(&below(at, "more"), more.as_ref(), names);
            }
        }
    }

    fn outcomes(&mut self, at: &str, rules: &[OutcomeRule], names: &Names, place: Place) {
        for (index, rule) in rules.iter().enumerate() {
            let at = format!("{at}/{index}");
            if rule.status.is_none() && rule.when.is_none() {
                self.mistake(&at, "it covers every answer; add `status` or `when`");
            }
            let fits = match place {
                Place::Any => !rule.then.is_verdict(),
                Place::Read => !rule.then.is_verdict() && !rule.then.is_of_writes(),
                Place::Write => !rule.then.is_verdict(),
                Place::Check => !rule.then.is_of_writes(),
            };
            if !fits {
                self.mistake(&below(&at, "then"), "this outcome has no meaning here");
            }
            for (member, expression) in [
                ("when", &rule.when),
                ("message", &rule.message),
                ("wait_ms", &rule.wait_ms),
                ("field", &rule.field),
                ("id", &rule.id),
            ] {
                self.optional(&below(&at, member), expression.as_ref(), names);
            }
            if let Some(id) = &rule.permission {
                self.permission(&below(&at, "permission"), id);
            }
            if rule.then == Then::Moved && rule.id.is_none() {
                self.mistake(&at, "`moved` needs the `id` that the record has now");
            }
            if rule.then == Then::Quota && rule.wait_ms.is_none() {
                self.mistake(&at, "`quota` needs `wait_ms`: when to retry");
            }
        }
    }

    fn hook(&mut self, hook: &Hook) {
        let names = Names::of(&[&["body", "raw", "headers", "settings"]]);
        let at = "/hook/signature";
        self.expression(&below(at, "from"), &hook.signature.from, &names);
        if let Some(message) = &hook.signature.message {
            self.text(&below(at, "message"), message, &names);
        }
        self.optional("/hook/signed_at", hook.signed_at.as_ref(), &names);
        for (index, rule) in hook.handshakes.iter().enumerate() {
            let at = format!("/hook/handshakes/{index}");
            self.expression(&below(&at, "when"), &rule.when, &names);
            for (name, value) in &rule.headers {
                self.template(&below(&below(&at, "headers"), name), value, &names);
            }
        }
        for (index, hint) in hook.hints.iter().enumerate() {
            let at = format!("/hook/hints/{index}");
            self.known_kind(&below(&at, "kind"), &hint.kind);
            let given = [&hint.changed, &hint.deleted, &hint.erased, &hint.merged];
            if given.iter().filter(|member| member.is_some()).count() != 1 {
                self.mistake(
                    &at,
                    "exactly one of `changed`, `deleted`, `erased` and `merged` is given",
                );
            }
            if hint.merged.is_some() != hint.into.is_some() {
                self.mistake(&at, "`merged` and `into` belong together");
            }
            for (member, expression) in [
                ("when", &hint.when),
                ("changed", &hint.changed),
                ("deleted", &hint.deleted),
                ("erased", &hint.erased),
                ("merged", &hint.merged),
                ("into", &hint.into),
            ] {
                self.optional(&below(&at, member), expression.as_ref(), &names);
            }
        }
    }

    /// A request. `is_read`: it changes nothing.
    fn request(&mut self, at: &str, request: &Request, names: &Names, is_read: bool) {
        // The short form is one text.
        let is_short = request.origin.is_none()
            && request.query.is_empty()
            && request.headers.is_empty()
            && request.body.is_none()
            && request.form.is_empty();
        let path = if is_short { at.to_owned() } else { below(at, "path") };
        self.text(&path, &request.path, names);
        let literal =
            Text::of(&request.path, self.engine).map(|text| text.skeleton()).unwrap_or_default();
        let is_bad = |segment: &str| matches!(segment, "." | "..");
        if !literal.starts_with('/')
            || literal.contains("//")
            || literal.contains(['?', '#', '\\', ' '])
            || literal.split('/').any(is_bad)
        {
            self.mistake(
                &path,
                "a path begins with `/` and has no `//`, `..`, `?` or `#`; parameters belong to \
                 `query`",
            );
        }
        if is_read && !matches!(request.method, Method::Get | Method::Post) {
            let name = request.method.name();
            self.mistake(
                at,
                format!("a request that changes nothing is a GET or a POST, and no {name}"),
            );
        }
        if request.body.is_some() && !request.form.is_empty() {
            self.mistake(at, "a request has `body` or `form`, not both");
        }
        if let Some(kind) = &request.content_type {
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"/+-._".contains(&byte);
            if !kind.contains('/') || !kind.bytes().all(is_token) {
                let message = format!("`{kind:.60}` is no content type");
                self.mistake(&below(at, "content_type"), message);
            }
            if request.body.is_none() {
                self.mistake(at, "`content_type` is that of a `body`, and there is none");
            }
        }
        if request.method == Method::Get && (request.body.is_some() || !request.form.is_empty()) {
            self.mistake(at, "a GET has no body; the parameters belong to `query`");
        }
        if let Some(origin) = &request.origin {
            let known = self.description.origins.iter().map(|origin| origin.name.as_str());
            if !known.clone().any(|known| known == origin) {
                let hint = near(origin, known);
                self.mistake(&below(at, "origin"), format!("there is no origin `{origin}`{hint}"));
            }
        }
        for (member, parts) in
            [("query", &request.query), ("headers", &request.headers), ("form", &request.form)]
        {
            for (name, part) in parts {
                self.template(&below(&below(at, member), name), part, names);
            }
        }
        if let Some(body) = &request.body {
            self.template(&below(at, "body"), body, names);
        }
    }

    fn template(&mut self, at: &str, template: &Template, names: &Names) {
        match template {
            Template::Text(text) => self.text(at, text, names),
            Template::Members(members) => {
                members
                    .iter()
                    .for_each(|(name, part)| self.template(&below(at, name), part, names));
            }
            Template::Entries(entries) => {
                let entries = entries.iter().enumerate();
                entries
                    .for_each(|(index, part)| self.template(&format!("{at}/{index}"), part, names));
            }
            Template::Constant(_) => {}
        }
        if template.levels() > LEVELS_MAX {
            self.mistake(at, format!("it has more than {LEVELS_MAX} levels"));
        }
    }

    fn mapping(&mut self, at: &str, mapping: &Mapping, names: &Names) {
        match mapping {
            Mapping::Expr(expression) => self.expression(at, expression, names),
            Mapping::Members(members) => {
                members.iter().for_each(|(name, part)| self.mapping(&below(at, name), part, names));
            }
            Mapping::Entries(entries) => {
                let entries = entries.iter().enumerate();
                entries
                    .for_each(|(index, part)| self.mapping(&format!("{at}/{index}"), part, names));
            }
            Mapping::Constant(_) => {}
        }
        if mapping.levels() > LEVELS_MAX {
            self.mistake(at, format!("it has more than {LEVELS_MAX} levels"));
        }
    }

    fn text(&mut self, at: &str, text: &str, names: &Names) {
        match Text::of(text, self.engine) {
            Err(fault) => self.mistake(at, fault.0),
            Ok(text) => {
                for expression in text.expressions() {
                    self.reads(at, expression, names);
                }
            }
        }
    }

    fn optional(&mut self, at: &str, expression: Option<&Expr>, names: &Names) {
        if let Some(expression) = expression {
            self.expression(at, expression, names);
        }
    }

    fn expression(&mut self, at: &str, expression: &Expr, names: &Names) {
        match self.engine.compile(expression.text()) {
            Err(fault) => self.mistake(at, fault.0),
            Ok(expression) => self.reads(at, &expression, names),
        }
    }

    /// The names that an expression reads and calls.
    fn reads(&mut self, at: &str, expression: &Compiled<'_>, names: &Names) {
        for message in names.unknown(expression, self.description) {
            self.mistake(at, message);
        }
    }
}

/// Where outcomes stand.
#[derive(Clone, Copy)]
enum Place {
    Any,
    Read,
    Write,
    Check,
}
