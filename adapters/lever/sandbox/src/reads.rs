//! The reads: which path shows what, under which scope.

use atsync_sandbox::{Answer, Document};
use serde_json::{Value, json};

use crate::access::Access;
use crate::model::{Model, created_ms, text, texts};
use crate::page::{self, Key, Rows};
use crate::query::Query;
use crate::quirks::{DeletedRow, MergedContact, Quirks, WithoutSwitch};
use crate::refusal::Refusal;
use crate::render::Render;

/// What a read may see.
pub(crate) struct Reading<'a> {
    pub(crate) model: &'a Model,
    pub(crate) quirks: &'a Quirks,
    pub(crate) access: &'a Access,
}

/// A read of a path that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    /// The endpoint, as its scope names it.
    pub(crate) endpoint: &'static str,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Opportunities,
    Deleted,
    Contacts,
    /// A list of a collection, with more parameters than those of every list.
    List(&'static [&'static str]),
    /// A list that answers without paging.
    Whole,
    /// One record.
    One,
    /// The records below an opportunity: the member that names it.
    Below(&'static str),
    /// One record below an opportunity.
    OneBelow(&'static str),
    /// Texts with their counts.
    Counts,
    DispositionStages,
    PostingUsers,
}

/// The parameters of every list.
const COMMON: [&str; 4] = ["limit", "offset", "include", "expand"];
const OPPORTUNITIES: [&str; 16] = [
    "tag",
    "email",
    "origin",
    "source",
    "confidentiality",
    "stage_id",
    "posting_id",
    "archived_posting_id",
    "archived",
    "archive_reason_id",
    "snoozed",
    "contact_id",
    "created_at_*",
    "updated_at_*",
    "advanced_at_*",
    "archived_at_*",
];
const POSTINGS: &[&str] = &[
    "state",
    "department",
    "location",
    "commitment",
    "team",
    "level",
    "tag",
    "confidentiality",
    "created_at_*",
    "updated_at_*",
];
const REQUISITIONS: &[&str] =
    &["status", "requisition_code", "confidentiality", "created_at_*", "updated_at_*"];
const USERS: &[&str] = &["email", "accessRole", "includeDeactivated"];
const REASONS: &[&str] = &["type"];

/// What the members that may be expanded name.
const REFERENCES: [(&str, &str); 12] = [
    ("applications", "applications"),
    ("contact", "contacts"),
    ("followers", "users"),
    ("hiringManager", "users"),
    ("owner", "users"),
    ("posting", "postings"),
    ("postingHiringManager", "users"),
    ("postingOwner", "users"),
    ("postings", "postings"),
    ("sourcedBy", "users"),
    ("stage", "stages"),
    ("user", "users"),
];

/// Finds the read for path segments below `/v1/`.
pub(crate) fn route(segments: &[&str]) -> Option<Route> {
    let (endpoint, form) = match segments {
        ["opportunities"] => ("opportunities", Form::Opportunities),
        ["opportunities", "deleted"] => ("opportunities", Form::Deleted),
        ["opportunities", _] => ("opportunities", Form::One),
        ["opportunities", _, "applications"] => ("applications", Form::Below("opportunityId")),
        ["opportunities", _, "notes"] => ("notes", Form::Below("_opportunity")),
        ["opportunities", _, "feedback"] => ("feedback", Form::Below("_opportunity")),
        ["opportunities", _, "files"] => ("files", Form::Below("_opportunity")),
        ["opportunities", _, "forms"] => ("forms", Form::Below("_opportunity")),
        ["opportunities", _, "interviews"] => ("interviews", Form::Below("_opportunity")),
        ["opportunities", _, "offers"] => ("offers", Form::Below("_opportunity")),
        ["opportunities", _, "panels"] => ("panels", Form::Below("_opportunity")),
        ["opportunities", _, "referrals"] => ("referrals", Form::Below("_opportunity")),
        ["opportunities", _, "resumes"] => ("resumes", Form::Below("_opportunity")),
        ["opportunities", _, "applications", _] => {
            ("applications", Form::OneBelow("opportunityId"))
        }
        ["opportunities", _, "notes", _] => ("notes", Form::OneBelow("_opportunity")),
        ["opportunities", _, "feedback", _] => ("feedback", Form::OneBelow("_opportunity")),
        ["contacts"] => ("contacts", Form::Contacts),
        ["contacts", _] => ("contacts", Form::One),
        ["postings"] => ("postings", Form::List(POSTINGS)),
        ["postings", _] => ("postings", Form::One),
        ["postings", _, "users"] => ("postings", Form::PostingUsers),
        ["requisitions"] => ("requisitions", Form::List(REQUISITIONS)),
        ["requisitions", _] => ("requisitions", Form::One),
        ["requisition_fields"] => ("requisition_fields", Form::Whole),
        ["requisition_fields", _] => ("requisition_fields", Form::One),
        ["users"] => ("users", Form::List(USERS)),
        ["users", _] => ("users", Form::One),
        ["stages"] => ("stages", Form::List(&[])),
        ["stages", _] => ("stages", Form::One),
        ["archive_reasons"] => ("archive_reasons", Form::List(REASONS)),
        ["archive_reasons", _] => ("archive_reasons", Form::One),
        ["disposition_stages"] => ("disposition_stages", Form::DispositionStages),
        ["tags"] => ("tags", Form::Counts),
        ["sources"] => ("sources", Form::Counts),
        _ => return None,
    };
    Some(Route { endpoint, form })
}

impl Reading<'_> {
    /// Answers a read.
    pub(crate) fn serve(
        &self,
        route: Route,
        segments: &[&str],
        query: &Query,
    ) -> Result<Answer, Refusal> {
        let id = segments.get(1).copied().unwrap_or_default();
        let last = segments.last().copied().unwrap_or_default();
        match route.form {
            Form::Opportunities => self.opportunities(query),
            Form::Deleted => self.deleted(query),
            Form::Contacts => self.contacts(query),
            Form::List(more) => self.list(route.endpoint, more, query),
            Form::Whole => {
                self.check(query, &[])?;
                let render = self.render();
                let all = self.model.documents.all_shown(route.endpoint);
                let data: Vec<Value> = all.into_iter().map(|one| render.plain(one)).collect();
                Ok(Answer::value(200, &json!({"data": data})))
            }
            Form::One => {
                self.check(query, &["include", "expand"])?;
                let found = self.one(route.endpoint, id)?;
                let shown = self.show(route.endpoint, found, query)?;
                Ok(Answer::value(200, &json!({"data": shown})))
            }
            Form::Below(member) => self.below(route.endpoint, member, id, query),
            Form::OneBelow(member) => {
                self.check(query, &["include", "expand"])?;
                self.one("opportunities", id)?;
                let found = self.model.documents.shown(route.endpoint, last);
                let found = found.filter(|one| text(one, member) == Some(id));
                let found = found.ok_or(Refusal::NotFound("Resource"))?;
                let shown = self.show(route.endpoint, found, query)?;
                Ok(Answer::value(200, &json!({"data": shown})))
            }
            Form::Counts => self.counts(route.endpoint, query),
            Form::DispositionStages => self.disposition_stages(query),
            Form::PostingUsers => self.posting_users(id, query),
        }
    }

    fn render(&self) -> Render<'_> {
        Render { model: self.model, unknown_field: self.quirks.unknown_field }
    }

    fn check(&self, query: &Query, known: &[&str]) -> Result<(), Refusal> {
        query.check(known, self.quirks.unknown_parameters_pass)
    }

    fn check_list(&self, query: &Query, more: &[&str]) -> Result<(), Refusal> {
        self.check(query, &[&COMMON[..], more].concat())
    }

    /// Shows a record with the references that the query expands.
    fn show(&self, collection: &str, record: &Document, query: &Query) -> Result<Value, Refusal> {
        let render = self.render();
        let mut shown = render.record(collection, record);
        for word in query.words("expand") {
            let of = REFERENCES.iter().find(|(member, _)| *member == word);
            let (member, named) =
                of.ok_or_else(|| Refusal::bad(format!("\"{word}\" cannot be expanded")))?;
            render.expand(&mut shown, member, named);
        }
        Ok(shown)
    }

    /// Whether the key may see a record at all.
    fn sees(&self, record: &Document) -> bool {
        self.access.confidential || text(record, "confidentiality") != Some("confidential")
    }

    /// Returns one record that the key may see.
    fn one(&self, collection: &'static str, id: &str) -> Result<&Document, Refusal> {
        let what = match collection {
            "opportunities" => "Opportunity",
            "contacts" => "Contact",
            "postings" => "Posting",
            _ => "Resource",
        };
        let found = self.model.documents.shown(collection, id);
        let found = found.filter(|one| self.sees(one)).ok_or(Refusal::NotFound(what))?;
        if collection != "contacts" {
            return Ok(found);
        }
        if let Some(winner) = text(found, "_mergedInto") {
            return match self.quirks.merged_contact {
                MergedContact::Gone => Err(Refusal::NotFound(what)),
                MergedContact::Winner => {
                    self.model.get("contacts", winner).ok_or(Refusal::NotFound(what))
                }
            };
        }
        // A contact is seen through its opportunities.
        let theirs = self.model.find("opportunities", "contact", id);
        let mut theirs = theirs.iter().filter_map(|id| self.model.get("opportunities", id));
        if theirs.any(|one| self.sees(one)) { Ok(found) } else { Err(Refusal::NotFound(what)) }
    }

    /// Returns which records a list shows by their confidentiality.
    fn asked(&self, query: &Query) -> Result<impl Fn(&Document) -> bool + use<>, Refusal> {
        let (open, closed) = match query.one("confidentiality")? {
            None | Some("non-confidential") => (true, false),
            Some("confidential") => (false, true),
            Some("all") => (true, true),
            Some(_) => return Err(Refusal::bad("\"confidentiality\" is not valid")),
        };
        let may = self.access.confidential;
        if closed && !may && self.quirks.without_switch == WithoutSwitch::Forbidden {
            let text = "API key has no access to confidential data";
            return Err(Refusal::Forbidden(text.to_owned()));
        }
        Ok(move |record: &Document| match text(record, "confidentiality") {
            Some("confidential") => closed && may,
            _ => open,
        })
    }

    fn opportunities(&self, query: &Query) -> Result<Answer, Refusal> {
        self.check_list(query, &OPPORTUNITIES)?;
        let asked = self.asked(query)?;
        let [created, updated, advanced, archived] =
            ["created_at", "updated_at", "advanced_at", "archived_at"]
                .map(|base| query.window(base));
        let (created, updated) = (created?, updated?);
        let (advanced, archived_at) = (advanced?, archived?);
        let (is_archived, snoozed) = (query.flag("archived")?, query.flag("snoozed")?);
        let contacts: Option<Vec<String>> =
            query.one("email")?.map(|email| self.model.with_email(email));
        let render = self.render();
        let ranks = self.model.ranks();
        let passes = |one: &Document| {
            let archived = one.get("archived").and_then(Value::as_object);
            let reason = archived.and_then(|held| text(held, "reason"));
            let posting = text(one, "_posting");
            let contact = text(one, "contact").unwrap_or_default();
            let later = |at_ms: &i64| *at_ms > self.model.now_ms();
            let is_snoozed = one.get("snoozedUntil").and_then(Value::as_i64).filter(later);
            asked(one)
                && created.passes(one, "createdAt", false)
                && updated.passes(one, "updatedAt", self.quirks.null_matches_windows)
                && advanced.passes(one, "lastAdvancedAt", false)
                && (archived_at.is_open()
                    || archived.is_some_and(|held| archived_at.passes(held, "archivedAt", false)))
                && is_archived.is_none_or(|wanted| wanted == archived.is_some())
                && snoozed.is_none_or(|wanted| wanted == is_snoozed.is_some())
                && contacts.as_ref().is_none_or(|held| held.iter().any(|id| id == contact))
                && query.is_one_of("origin", text(one, "origin"))
                && query.is_one_of("stage_id", text(one, "stage"))
                && query.is_one_of("contact_id", Some(contact))
                && query.is_one_of("archive_reason_id", reason)
                && query.is_one_of("posting_id", posting)
                && query.is_one_of("archived_posting_id", posting.filter(|_| archived.is_some()))
                && query.has_one_of("source", &texts(one, "sources"))
                && (query.all("tag").is_empty() || query.has_one_of("tag", &render.tags(one)))
        };
        let key = |one: &Document| Key {
            rank: text(one, "stage")
                .and_then(|stage| ranks.get(stage))
                .copied()
                .unwrap_or(i64::MAX),
            order: one.get("lastAdvancedAt").and_then(Value::as_i64).unwrap_or(0).saturating_neg(),
            id: text(one, "id").unwrap_or_default().to_owned(),
        };
        let all = self.model.documents.all_shown("opportunities");
        let rows = all.into_iter().filter(|one| passes(one)).map(|one| (key(one), one)).collect();
        self.page("opportunities", query, Rows { rows, falls: true })
    }

    /// Answers a page, with references expanded.
    fn page(
        &self,
        collection: &str,
        query: &Query,
        rows: Rows<&Document>,
    ) -> Result<Answer, Refusal> {
        // A word that cannot be expanded is refused whether there are rows or not.
        self.show(collection, &Document::new(), query)?;
        page::answer(query, rows, |one| self.show(collection, one, query).unwrap_or_default())
    }

    fn deleted(&self, query: &Query) -> Result<Answer, Refusal> {
        self.check_list(query, &["deleted_at_*"])?;
        let window = query.window("deleted_at")?;
        let kept_ms = self.quirks.deleted_kept_ms;
        let since_ms = self.model.now_ms().saturating_sub(kept_ms);
        let deleted_ms = |one: &Document| one.get("deletedAt").and_then(Value::as_i64).unwrap_or(0);
        let all = self.model.documents.all_shown("deleted_opportunities").into_iter();
        let rows = all
            .filter(|one| window.passes(one, "deletedAt", false))
            .filter(|one| kept_ms == 0 || deleted_ms(one) >= since_ms)
            .map(|one| {
                let id = text(one, "id").unwrap_or_default().to_owned();
                (Key { rank: 0, order: deleted_ms(one), id }, one)
            })
            .collect();
        page::answer(query, Rows { rows, falls: false }, |one| match self.quirks.deleted_row {
            DeletedRow::Short => self.render().plain(one),
            DeletedRow::WithReferences => json!({"id": one.get("id"),
                "deletedAt": one.get("deletedAt"), "contact": one.get("_contact"),
                "postings": one.get("_postings")}),
        })
    }

    fn contacts(&self, query: &Query) -> Result<Answer, Refusal> {
        if !self.quirks.contacts_listed {
            return Err(Refusal::NotFound("Resource"));
        }
        self.check_list(query, &[])?;
        let all = self.model.documents.all_shown("contacts").into_iter();
        let seen =
            all.filter(|one| text(one, "id").is_some_and(|id| self.one("contacts", id).is_ok()));
        self.page("contacts", query, in_order(seen))
    }

    fn list(
        &self,
        collection: &'static str,
        more: &[&str],
        query: &Query,
    ) -> Result<Answer, Refusal> {
        self.check_list(query, more)?;
        let asked = self.asked(query)?;
        let (created, updated) = (query.window("created_at")?, query.window("updated_at")?);
        let deactivated = query.flag("includeDeactivated")?.unwrap_or(false);
        let passes = |one: &Document| {
            let category = |name: &str| one.get("categories").and_then(|held| text_of(held, name));
            asked(one)
                && created.passes(one, "createdAt", false)
                && updated.passes(one, "updatedAt", false)
                && ["state", "status", "type", "email", "accessRole"]
                    .iter()
                    .all(|name| query.is_one_of(name, text(one, name)))
                && query.is_one_of("requisition_code", text(one, "requisitionCode"))
                && ["department", "location", "commitment", "team", "level"]
                    .iter()
                    .all(|name| query.is_one_of(name, category(name)))
                && query.has_one_of("tag", &texts(one, "tags"))
                && (collection != "users"
                    || deactivated
                    || one.get("deactivatedAt").is_none_or(Value::is_null))
        };
        if collection == "stages" {
            let stages = self.model.pipeline().into_iter().zip(0..);
            let rows = stages.map(|(one, rank)| {
                let id = text(one, "id").unwrap_or_default().to_owned();
                (Key { rank, order: 0, id }, one)
            });
            let rows = rows.collect();
            return self.page(collection, query, Rows { rows, falls: false });
        }
        let all = self.model.documents.all_shown(collection).into_iter();
        self.page(collection, query, in_order(all.filter(|one| passes(one))))
    }

    fn below(
        &self,
        collection: &'static str,
        member: &'static str,
        id: &str,
        query: &Query,
    ) -> Result<Answer, Refusal> {
        self.check_list(query, &[])?;
        self.one("opportunities", id)?;
        let all = self.model.documents.all_shown(collection);
        let theirs = all.into_iter().filter(|one| text(one, member) == Some(id));
        self.page(collection, query, in_order(theirs))
    }

    /// Lists tags or sources: they have no id, and exist as long as an opportunity has them.
    fn counts(&self, endpoint: &str, query: &Query) -> Result<Answer, Refusal> {
        self.check_list(query, &[])?;
        let render = self.render();
        let mut counts = std::collections::BTreeMap::<String, i64>::new();
        for one in self.model.documents.all_shown("opportunities") {
            let words = if endpoint == "tags" { render.tags(one) } else { texts(one, "sources") };
            for word in words {
                let count = counts.entry(word).or_insert(0);
                *count = count.saturating_add(1);
            }
        }
        let row = |(text, count): (String, i64)| {
            (Key { rank: 0, order: 0, id: text.clone() }, json!({"text": text, "count": count}))
        };
        let rows = counts.into_iter().map(row).collect();
        page::answer(query, Rows { rows, falls: false }, Value::clone)
    }

    /// Shows the same archive reasons with `null` for the type that `archive_reasons` calls
    /// `non-hired`.
    fn disposition_stages(&self, query: &Query) -> Result<Answer, Refusal> {
        self.check(query, &[])?;
        let render = self.render();
        let stages: Vec<Value> =
            self.model.pipeline().into_iter().map(|stage| render.plain(stage)).collect();
        let reason = |one: &Document| {
            let kind = text(one, "type").filter(|kind| *kind == "hired");
            json!({"id": one.get("id"), "text": one.get("text"), "type": kind,
                "status": one.get("status")})
        };
        let reasons = self.model.documents.all_shown("archive_reasons");
        let reasons: Vec<Value> = reasons.into_iter().map(reason).collect();
        let data = json!({"stages": stages, "archiveReasons": reasons});
        Ok(Answer::value(200, &json!({"data": data})))
    }

    fn posting_users(&self, id: &str, query: &Query) -> Result<Answer, Refusal> {
        self.check(query, &[])?;
        let posting = self.one("postings", id)?;
        let render = self.render();
        let mut users: Vec<Value> = Vec::new();
        let mut roles = Vec::new();
        for (member, role) in [("owner", "owner"), ("hiringManager", "hiringManager")] {
            let Some(user) = text(posting, member) else { continue };
            roles.push(json!({"user": user, "role": role}));
            let shown = self.model.get("users", user).map(|user| render.plain(user));
            users.extend(shown.filter(|shown| !users.contains(shown)));
        }
        let body = json!({"posting": render.plain(posting), "users": users, "roles": roles});
        Ok(Answer::value(200, &body))
    }
}

fn text_of<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// Orders records by the time at which they were made.
fn in_order<'a>(records: impl Iterator<Item = &'a Document>) -> Rows<&'a Document> {
    let key = |one: &Document| Key {
        rank: 0,
        order: created_ms(one),
        id: text(one, "id").unwrap_or_default().to_owned(),
    };
    Rows { rows: records.map(|one| (key(one), one)).collect(), falls: false }
}
