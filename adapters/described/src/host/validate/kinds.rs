//! The mistakes of kinds and of their fields.

use super::names::{Names, near};
use super::{Check, SHARED, below};
use crate::description::{Field, Kind, Mapping};
use crate::expression::Compiled;
use crate::manifest::setting;
use atsync_model::manifest::DeleteSign;
use atsync_model::raw::{CONTENT, RAW_FIELDS, REFERENCES, is_raw};
use atsync_model::shape::{self, Shape};

/// Fields of one kind, which a mask of 64 bits counts.
const FIELDS_MAX: usize = 64;

impl<'d> Check<'d> {
    pub(super) fn kind(&mut self, at: &str, name: &str, kind: &Kind) {
        if !is_raw(name) && shape::fields(name).is_none() {
            let hint = near(name, atsync_model::kinds::ALL.iter().copied());
            self.mistake(at, format!("the model has no kind `{name}`{hint}"));
            return;
        }
        match (&kind.list, &kind.inside, &kind.fetch) {
            (Some(_), Some(_), _) => {
                self.mistake(at, "a kind has `list` or `inside`, not both");
            }
            (None, None, None) => {
                self.mistake(at, "nothing says how it is read; add `list`, `inside` or `fetch`");
            }
            _ => {}
        }
        if let Some(list) = &kind.list {
            self.list(&below(at, "list"), list);
        }
        if let Some(inside) = &kind.inside {
            let place = below(at, "inside");
            let outer = self.known_kind(&below(&place, "kind"), &inside.kind);
            if outer.is_some_and(|outer| outer.list.is_none()) {
                self.mistake(
                    &below(&place, "kind"),
                    format!("{} have no `list` that they could come with", inside.kind),
                );
            }
            let names = Names::of(&[SHARED, &["row", "parent", "reply"]]);
            self.optional(&below(&place, "each"), inside.each.as_ref(), &names);
        }
        if let Some(fetch) = &kind.fetch {
            self.fetch(&below(at, "fetch"), fetch);
        }
        if let Some(id) = &kind.permission {
            self.permission(&below(at, "permission"), id);
        }
        if let Some(scope) = &kind.scope {
            self.known_kind(&below(at, "scope"), scope);
        }
        let names = Names::of(&[SHARED, &["row", "outer", "parent", "reply"]]);
        self.expression(&below(at, "id"), &kind.id, &names);
        self.optional(&below(at, "version"), kind.version.as_ref(), &names);
        self.optional(&below(at, "when"), kind.when.as_ref(), &names);
        if let Some(setting_name) = &kind.opt_in {
            let of = setting(self.description, setting_name).and_then(|schema| schema.get("type"));
            if of.and_then(|of| of.as_str()) != Some("array") {
                let message = format!("`{setting_name}` is no setting of `type: array`");
                self.mistake(&below(at, "opt_in"), message);
            }
        }
        if is_raw(name) {
            self.raw(at, name, kind, &names);
        } else {
            self.fields(at, name, kind, &names);
        }
        for (index, field) in kind.expected.iter().enumerate() {
            let is_own = is_raw(name) && [REFERENCES, CONTENT].contains(&field.as_str());
            if !is_own && !kind.fields.contains_key(field) {
                let hint = near(field, kind.fields.keys().map(String::as_str));
                let place = format!("{at}/expected/{index}");
                self.mistake(&place, format!("`{field}` is none of its fields{hint}"));
            }
        }
        for (index, sign) in kind.deletes.iter().enumerate() {
            let place = format!("{at}/deletes/{index}");
            match sign {
                DeleteSign::GoneOnFetch if kind.fetch.is_none() => {
                    self.mistake(&place, "`gone-on-fetch` needs a `fetch`");
                }
                DeleteSign::GoneFromWalk if kind.list.is_none() => {
                    self.mistake(&place, "`gone-from-walk` needs a `list` of its own");
                }
                DeleteSign::Hook if self.description.hook.is_none() => {
                    self.mistake(&place, "`hook` needs a `hook`");
                }
                _ => {}
            }
        }
    }

    /// The fields of a kind of the model.
    fn fields(&mut self, at: &str, name: &str, kind: &Kind, names: &Names) {
        let fields = shape::fields(name).unwrap_or_default();
        if kind.fields.is_empty() || kind.fields.len() > FIELDS_MAX {
            self.mistake(&below(at, "fields"), format!("a kind has 1 to {FIELDS_MAX} fields"));
        }
        for (field, rule) in &kind.fields {
            let place = below(&below(at, "fields"), field);
            if !fields.iter().any(|(known, _)| known == field) {
                let hint = near(field, fields.iter().map(|(known, _)| *known));
                self.mistake(&place, format!("{name} have no field `{field}`{hint}"));
                continue;
            }
            self.field(&place, name, field, rule, names);
        }
        for field in shape::required(name) {
            if !kind.fields.contains_key(*field) {
                let message = format!("a record of {name} needs the field `{field}`; map it");
                self.mistake(&below(at, "fields"), message);
            }
        }
        if !kind.references.is_empty() {
            let message = format!("{name} are no raw kind; their fields refer to other records");
            self.mistake(&below(at, "references"), message);
        }
    }

    /// A raw kind: its times, and the records that its rows name.
    fn raw(&mut self, at: &str, name: &str, kind: &Kind, names: &Names) {
        for (field, rule) in &kind.fields {
            let place = below(&below(at, "fields"), field);
            if [REFERENCES, CONTENT].contains(&field.as_str()) {
                let message = format!("`{field}` is made of the row; take it out");
                self.mistake(&place, message);
            } else if !RAW_FIELDS.contains(&field.as_str()) {
                let message = format!(
                    "a raw kind has no field `{field}`, only `created_at` and `updated_at`; what \
                     the ATS calls so is in its `{CONTENT}`"
                );
                self.mistake(&place, message);
            } else {
                self.field(&place, name, field, rule, names);
            }
        }
        for (member, reference) in &kind.references {
            let place = below(&below(at, "references"), member);
            let known = atsync_model::kinds::ALL.iter().copied();
            let known = known.chain(self.description.kinds.keys().map(String::as_str));
            let of = reference.kind();
            if !known.clone().any(|known| known == of) {
                let hint = near(of, known);
                let message = format!("neither the model nor this file has the kind `{of}`{hint}");
                self.mistake(&place, message);
            }
            self.optional(&below(&place, "id"), reference.id(), names);
        }
    }

    /// A unified word of a field.
    fn word(&mut self, at: &str, kind: &str, field: &str, word: &str, known: &[&str]) {
        if !known.contains(&word) {
            let hint = near(word, known.iter().copied());
            let known = known.join(", ");
            let message =
                format!("`{field}` of {kind} has no word `{word}`{hint} (there are: {known})");
            self.mistake(at, message);
        }
    }

    fn field(&mut self, at: &str, kind: &str, field: &str, rule: &Field, names: &Names) {
        let within = if rule.each.is_some() { names.with("entry") } else { names.clone() };
        let is_short = rule.each.is_none()
            && rule.needs.is_none()
            && rule.known.is_none()
            && rule.words.is_empty()
            && rule.other.is_none()
            && rule.form.is_none()
            && rule.times.is_none();
        let own = if is_short { at.to_owned() } else { below(at, "value") };
        self.mapping(&own, &rule.value, &within);
        self.optional(&below(at, "known"), rule.known.as_ref(), names);
        if rule.known.is_some() && rule.needs.is_some() {
            self.mistake(&below(at, "needs"), "`known` stands in place of `needs`; write one");
        }
        self.optional(&below(at, "each"), rule.each.as_ref(), names);
        let shape = if is_raw(kind) { Some(Shape::Time) } else { shape::shape(kind, field) };
        let has_words = matches!(shape, Some(Shape::Word | Shape::Contacts));
        if !rule.words.is_empty() && !has_words {
            self.mistake(
                &below(at, "words"),
                format!("`{field}` is no word and has none; take them out"),
            );
        }
        if let Some(known) = shape::words(kind, field).filter(|_| has_words) {
            let given = rule.words.iter().map(|(from, word)| (Some(from), word));
            for (from, word) in given.chain(rule.other.iter().map(|word| (None, word))) {
                let place = match from {
                    Some(from) => below(&below(at, "words"), from),
                    None => below(at, "other"),
                };
                self.word(&place, kind, field, word, known);
            }
        }
        // Without a table, the expression yields the unified word.
        let value = match &rule.value {
            Mapping::Expr(value) => Some((own, value)),
            Mapping::Members(members) => match members.get("value") {
                Some(Mapping::Expr(value)) => Some((below(&own, "value"), value)),
                _ => None,
            },
            _ => None,
        };
        if let (Some(known), Some((place, value))) = (shape::words(kind, field), value)
            && rule.words.is_empty()
            && shape != Some(Shape::Contacts)
        {
            let engine = self.engine;
            let compiled = engine.compile(value.text());
            for word in compiled.iter().flat_map(Compiled::literals) {
                self.word(&place, kind, field, word, known);
            }
        }
        if rule.other.is_some() && rule.words.is_empty() {
            self.mistake(&below(at, "other"), "`other` needs `words`");
        }
        if rule.form.is_some() && !matches!(shape, Some(Shape::Ref | Shape::Refs)) {
            self.mistake(&below(at, "as"), format!("`{field}` is no reference; take `as` out"));
        }
        if rule.times.is_some() && shape != Some(Shape::Time) {
            self.mistake(&below(at, "times"), format!("`{field}` is no time; take `times` out"));
        }
        for (index, need) in rule.needs.iter().flatten().enumerate() {
            if !matches!(need.split('.').next(), Some("row" | "outer" | "tenant" | "parent")) {
                let place = format!("{at}/needs/{index}");
                self.mistake(&place, "a path begins with `row`, `outer`, `parent` or `tenant`");
            }
        }
    }
}
