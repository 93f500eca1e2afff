//! Reads query strings of lists, checks them against the endpoint's table, and turns them into
//! tests on columns.
//!
//! Everything unknown is refused, as in v3. A sandbox that ignored a misspelt filter would return
//! every record and hide the mistake in the client.

use atsync_sandbox::parse_ms;

use crate::model::Model;
use crate::model::cell::{Cell, Row};
use crate::refusal::{Problem, Refusal};
use crate::schema::{Endpoint, Kind, Param, ParamKind};

/// Greenhouse's cap on id lists.
const IDS_MAX: usize = 50;
/// Greenhouse's cap on `fields`.
const FIELDS_MAX: usize = 50;
/// Greenhouse's page sizes.
const PER_PAGE_DEFAULT: usize = 100;
const PER_PAGE_MAX: usize = 500;

/// One comparison of a date-time filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    AtLeast(i64),
    AtMost(i64),
    After(i64),
    Before(i64),
}

impl Compare {
    fn holds(self, at_ms: i64) -> bool {
        match self {
            Self::AtLeast(than) => at_ms >= than,
            Self::AtMost(than) => at_ms <= than,
            Self::After(than) => at_ms > than,
            Self::Before(than) => at_ms < than,
        }
    }
}

/// One test that a listed row passes.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Ids(Vec<i64>),
    IntIn(usize, Vec<i64>),
    ListHolds(usize, Vec<i64>),
    TextIn(usize, Vec<String>),
    Bool(usize, bool),
    Time(usize, Vec<Compare>),
    /// A custom field has this option.
    Option(usize, i64),
    Email(String),
    /// The column's JSON list contains this text.
    JsonListHolds(usize, String),
    NotSpecial,
    Never,
}

/// A checked list request.
#[derive(Debug, Clone)]
pub(crate) struct ListQuery {
    pub(crate) per_page: usize,
    pub(crate) columns: Option<Vec<usize>>,
    pub(crate) tests: Vec<Test>,
}

/// Checks a list's parameters against its endpoint.
pub(crate) fn check(endpoint: &Endpoint, pairs: &[(String, String)]) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, text: &str| {
        problems.push(Problem { field: field.to_owned(), text: text.to_owned() })
    };
    for (at, (name, value)) in pairs.iter().enumerate() {
        let Some(param) = endpoint.params.iter().find(|param| param.name == name) else {
            refuse(name, "is not an accepted parameter");
            continue;
        };
        if pairs.iter().take(at).any(|(earlier, _)| earlier == name) {
            refuse(name, "must be given once");
        }
        if let Err(text) = check_value(param, value) {
            refuse(name, text);
        }
        if name == "fields"
            && value
                .split(',')
                .any(|field| !endpoint.fields.iter().any(|known| known.name == field))
        {
            refuse(name, "contains an unknown field");
        }
    }
    let given = |name: &str| pairs.iter().any(|(given, _)| given == name);
    if given("created_at") && given("updated_at") {
        refuse("updated_at", "cannot be combined with created_at");
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn check_value(param: &Param, value: &str) -> Result<(), &'static str> {
    let bounded = value.split(',').count() <= IDS_MAX;
    match &param.kind {
        _ if param.name == "per_page" => match value.parse::<usize>() {
            Ok(1..=PER_PAGE_MAX) => Ok(()),
            _ => Err("must be between 1 and 500"),
        },
        ParamKind::Ids if !bounded => Err("must contain at most 50 ids"),
        ParamKind::Ids if ids_of(value).is_none() => Err("must be a list of integers"),
        ParamKind::Texts if param.name == "fields" && value.split(',').count() > FIELDS_MAX => {
            Err("is too long")
        }
        ParamKind::Texts if !bounded => Err("must contain at most 50 values"),
        ParamKind::Int if value.parse::<i64>().is_err() => Err("must be an integer"),
        ParamKind::Bool if value.parse::<bool>().is_err() => Err("must be a boolean"),
        ParamKind::Time if compares(value).is_none() => Err("must be operator|date-time"),
        ParamKind::One(words) if !words.contains(&value) => Err("is not included in the list"),
        _ => Ok(()),
    }
}

fn ids_of(value: &str) -> Option<Vec<i64>> {
    value.split(',').map(|id| id.trim().parse().ok()).collect()
}

/// Parses `gte|A` or `gte|A|lte|B`.
fn compares(value: &str) -> Option<Vec<Compare>> {
    let words: Vec<&str> = value.split('|').collect();
    if words.is_empty() || words.len() > 4 || !words.len().is_multiple_of(2) {
        return None;
    }
    let one = |pair: &[&str]| match pair {
        ["gte", at] => parse_ms(at).map(Compare::AtLeast),
        ["lte", at] => parse_ms(at).map(Compare::AtMost),
        ["gt", at] => parse_ms(at).map(Compare::After),
        ["lt", at] => parse_ms(at).map(Compare::Before),
        _ => None,
    };
    words.chunks(2).map(one).collect()
}

/// Turns checked parameters into tests.
pub(crate) fn read(
    model: &Model,
    kind: Kind,
    endpoint: &Endpoint,
    pairs: &[(String, String)],
) -> Result<ListQuery, Refusal> {
    check(endpoint, pairs).map_err(Refusal::Invalid)?;
    let mut query = ListQuery { per_page: PER_PAGE_DEFAULT, columns: None, tests: Vec::new() };
    for (name, value) in pairs {
        match name.as_str() {
            "per_page" => query.per_page = value.parse().unwrap_or(PER_PAGE_DEFAULT),
            "fields" => {
                query.columns =
                    Some(value.split(',').filter_map(|field| kind.column(field)).collect())
            }
            _ => query.tests.extend(test_of(model, kind, endpoint, name, value)),
        }
    }
    let asked = |name: &str, wanted: &str| {
        pairs.iter().any(|(given, value)| given == name && value == wanted)
    };
    let shows_special = asked("include_defaults", "true") || asked("show_service_accounts", "true");
    if matches!(kind, Kind::RejectionReasons | Kind::Users) && !shows_special {
        query.tests.push(Test::NotSpecial);
    }
    // Only job posts have deleted rows that the default listing hides and `active=false` shows.
    if kind == Kind::JobPosts
        && !pairs.iter().any(|(name, _)| name == "active")
        && let Some(active) = kind.column("active")
    {
        query.tests.push(Test::Bool(active, true));
    }
    Ok(query)
}

fn test_of(
    model: &Model,
    kind: Kind,
    endpoint: &Endpoint,
    name: &str,
    value: &str,
) -> Option<Test> {
    let column = |name: &str| kind.column(name);
    match (kind, name) {
        (_, "ids") => return ids_of(value).map(Test::Ids),
        (_, "include_defaults" | "show_service_accounts") => return None,
        (Kind::Candidates, "email") => return Some(Test::Email(value.to_lowercase())),
        (Kind::Candidates, "tag") => {
            return Some(Test::JsonListHolds(column("tags")?, value.to_owned()));
        }
        (Kind::Applications, "status") => {
            // The filter says `active`, the row says `in_process`.
            let word = if value == "active" { "in_process" } else { value };
            return Some(Test::TextIn(column("status")?, vec![word.to_owned()]));
        }
        (Kind::RejectionDetails, "custom_field_option_id") => {
            return Some(Test::Option(column("question_custom_fields")?, value.parse().ok()?));
        }
        (_, "custom_field_option_id") => {
            return Some(Test::Option(column("custom_fields")?, value.parse().ok()?));
        }
        (Kind::CustomFieldOptions, "custom_field_key") => {
            let fields = model.find_text(Kind::CustomFields, "name_key", value);
            return Some(Test::IntIn(column("custom_field_id")?, fields));
        }
        (Kind::Users, "external_office_id" | "external_department_id") => {
            let (parents, list) = if name == "external_office_id" {
                (Kind::Offices, "office_ids")
            } else {
                (Kind::Departments, "department_ids")
            };
            return Some(Test::ListHolds(
                column(list)?,
                model.find_text(parents, "external_id", value),
            ));
        }
        _ => {}
    }
    let param = endpoint.params.iter().find(|param| param.name == name)?;
    let singular = name.strip_suffix('s').unwrap_or(name);
    let plural = format!("{singular}s");
    Some(match &param.kind {
        ParamKind::Ids | ParamKind::Int => {
            let ids = ids_of(value)?;
            match (column(singular), column(&plural)) {
                (Some(column), _) => Test::IntIn(column, ids),
                (None, Some(column)) => Test::ListHolds(column, ids),
                (None, None) => Test::Never,
            }
        }
        ParamKind::Texts => column(singular).map_or(Test::Never, |at| {
            Test::TextIn(at, value.split(',').map(str::to_owned).collect())
        }),
        ParamKind::Text | ParamKind::One(_) => {
            column(name).map_or(Test::Never, |at| Test::TextIn(at, vec![value.to_owned()]))
        }
        ParamKind::Bool => column(name).map_or(Test::Never, |at| Test::Bool(at, value == "true")),
        ParamKind::Time => column(name)
            .map_or(Test::Never, |at| Test::Time(at, compares(value).unwrap_or_default())),
    })
}

impl Test {
    /// Whether a row passes every test.
    pub(crate) fn passes(&self, kind: Kind, row: &Row) -> bool {
        match self {
            Self::Ids(ids) => ids.contains(&row.id),
            Self::IntIn(column, ids) => row.cell(*column).int().is_some_and(|id| ids.contains(&id)),
            Self::ListHolds(column, ids) => {
                row.cell(*column).ids().iter().any(|id| ids.contains(id))
            }
            Self::TextIn(column, words) => {
                row.cell(*column).text().is_some_and(|text| words.iter().any(|word| word == text))
            }
            Self::Bool(column, wanted) => row.cell(*column).bool() == Some(*wanted),
            Self::Time(column, compares) => row
                .cell(*column)
                .time_ms()
                .is_some_and(|at| compares.iter().all(|compare| compare.holds(at))),
            Self::Option(column, option) => {
                row.cell(*column).fields().iter().any(|(_, value)| mentions(value, *option))
            }
            Self::Email(email) => {
                kind.column("email_addresses").is_some_and(|at| holds_email(row.cell(at), email))
            }
            Self::JsonListHolds(column, word) => match row.cell(*column) {
                Cell::Json(_) => row
                    .cell(*column)
                    .value()
                    .as_array()
                    .is_some_and(|list| list.contains(&word.as_str().into())),
                _ => false,
            },
            Self::NotSpecial => !row.special,
            Self::Never => false,
        }
    }

    /// Returns the only ids that can pass, if an index has them.
    pub(crate) fn narrowed(&self, model: &Model, kind: Kind) -> Option<Vec<i64>> {
        let table = model.table(kind)?;
        match self {
            Self::Ids(ids) => Some(ids.clone()),
            Self::Email(email) => Some(table.with_email(email).to_vec()),
            Self::Never => Some(Vec::new()),
            Self::IntIn(column, values) => {
                let mut ids = Vec::new();
                for value in values {
                    ids.extend_from_slice(table.indexed(*column, *value)?);
                }
                Some(ids)
            }
            _ => None,
        }
    }
}

fn mentions(value: &str, option: i64) -> bool {
    value.trim_matches(['[', ']']).split(',').any(|id| id.trim().parse() == Ok(option))
}

fn holds_email(cell: &Cell, email: &str) -> bool {
    let value = cell.value();
    let entries = value.as_array().map_or(&[][..], Vec::as_slice);
    entries
        .iter()
        .filter_map(|entry| entry.get("value")?.as_str())
        .any(|held| held.to_lowercase() == email)
}
