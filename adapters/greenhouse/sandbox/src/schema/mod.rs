//! The shape of Harvest v3 as data: collections, their query parameters and the columns of their
//! rows.
//!
//! The table in [`endpoints`] is parsed once, at first use, into typed values, which everything
//! else reads: query checks, row storage, `fields=` trimming, the test against the reference. A
//! word that does not parse is dropped rather than fatal, and the unit test below proves that none
//! is dropped.

mod endpoints;
mod kind;

use std::sync::LazyLock;

pub(crate) use kind::Kind;

/// The type of a query parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ParamKind {
    /// A comma-separated list of ids, at most fifty.
    Ids,
    /// A comma-separated list of words, at most fifty.
    Texts,
    /// One id or number.
    Int,
    /// Any text.
    Text,
    /// `true` or `false`.
    Bool,
    /// `op|date-time`, once or twice.
    Time,
    /// One of a closed set of words.
    One(Vec<&'static str>),
}

/// One query parameter of a list.
#[derive(Debug, Clone)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) kind: ParamKind,
    /// Whether it was seen live before the reference named it.
    pub(crate) newer: bool,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldKind {
    /// An id or another whole number.
    Int,
    /// Any number.
    Num,
    /// Text, dates included.
    Text,
    /// True or false.
    Bool,
    /// A date-time.
    Time,
    /// A JSON array.
    List,
    /// A JSON object.
    Map,
}

/// One field of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: FieldKind,
    /// Whether it was seen live before the reference named it.
    pub(crate) newer: bool,
    /// Whether only the stub answer of a candidate has it.
    pub(crate) stub_only: bool,
}

/// One GET endpoint.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The path below `/v3/`.
    pub(crate) path: &'static str,
    /// The resource in the name of its scope.
    pub(crate) resource: &'static str,
    /// Whether it is a list (and takes the common parameters).
    pub(crate) list: bool,
    pub(crate) params: Vec<Param>,
    pub(crate) fields: Vec<Field>,
}

static SCHEMA: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
    endpoints::ENDPOINTS.iter().map(|(path, params, fields)| parse(path, params, fields)).collect()
});

/// Lists every GET endpoint.
pub(crate) fn endpoints() -> &'static [Endpoint] {
    &SCHEMA
}

/// Returns the list endpoint of a collection.
pub(crate) fn list_endpoint(collection: &str) -> Option<&'static Endpoint> {
    SCHEMA.iter().find(|endpoint| endpoint.list && endpoint.path == collection)
}

fn parse(path: &'static str, params: &'static str, fields: &'static str) -> Endpoint {
    let list = !path.contains('{');
    let mut parsed = Vec::new();
    if list {
        let dated = !params.split_whitespace().any(|word| word == "-times");
        let mut common = vec![
            ("cursor", ParamKind::Text),
            ("per_page", ParamKind::Int),
            ("ids", ParamKind::Ids),
        ];
        if dated {
            common.extend([("created_at", ParamKind::Time), ("updated_at", ParamKind::Time)]);
        }
        common.push(("fields", ParamKind::Texts));
        parsed.extend(common.into_iter().map(|(name, kind)| Param { name, kind, newer: false }));
    }
    parsed.extend(params.split_whitespace().filter_map(parse_param));
    let resource = path.split('/').next().unwrap_or(path);
    Endpoint {
        path,
        resource,
        list,
        params: parsed,
        fields: fields.split_whitespace().filter_map(parse_field).collect(),
    }
}

fn parse_param(word: &'static str) -> Option<Param> {
    let (newer, word) = word.strip_prefix('+').map_or((false, word), |rest| (true, rest));
    let (name, kind) = word.split_once(':')?;
    let kind = match kind {
        "ids" => ParamKind::Ids,
        "texts" => ParamKind::Texts,
        "int" => ParamKind::Int,
        "text" => ParamKind::Text,
        "bool" => ParamKind::Bool,
        "time" => ParamKind::Time,
        words => {
            ParamKind::One(words.strip_prefix("one(")?.strip_suffix(')')?.split('|').collect())
        }
    };
    Some(Param { name, kind, newer })
}

fn parse_field(word: &'static str) -> Option<Field> {
    let (newer, word) = word.strip_prefix('+').map_or((false, word), |rest| (true, rest));
    let (stub_only, word) = word.strip_prefix('?').map_or((false, word), |rest| (true, rest));
    let (name, kind) = word.split_once(':')?;
    let kind = match kind {
        "int" => FieldKind::Int,
        "num" => FieldKind::Num,
        "text" => FieldKind::Text,
        "bool" => FieldKind::Bool,
        "time" => FieldKind::Time,
        "list" => FieldKind::List,
        "map" => FieldKind::Map,
        _ => return None,
    };
    Some(Field { name, kind, newer, stub_only })
}

/// One GET endpoint as text, for tests that compare the sandbox with a reference of their own.
#[derive(Debug, Clone)]
pub struct EndpointShape {
    /// The path, `/v3/` included.
    pub path: String,
    /// Parameters and their JSON kind (`array`, `string`, `integer`, `boolean`, `object`), with the
    /// closed set of words.
    pub params: Vec<(String, &'static str, Vec<String>)>,
    /// Fields of a row and their JSON kind.
    pub fields: Vec<(String, &'static str)>,
    /// Parameters seen live that the reference does not name.
    pub newer_params: Vec<String>,
    /// Fields seen live that the reference of June 2026 does not name.
    pub newer_fields: Vec<String>,
}

/// Describes every GET endpoint that the sandbox serves.
#[must_use]
pub fn endpoint_shapes() -> Vec<EndpointShape> {
    endpoints().iter().map(shape).collect()
}

fn shape(endpoint: &Endpoint) -> EndpointShape {
    let param_kind = |param: &Param| match &param.kind {
        ParamKind::Ids | ParamKind::Texts => "array",
        ParamKind::Int => "integer",
        ParamKind::Text | ParamKind::One(_) => "string",
        ParamKind::Bool => "boolean",
        ParamKind::Time => "object",
    };
    let words = |param: &Param| match &param.kind {
        ParamKind::One(words) => words.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    let field_kind = |field: &Field| match field.kind {
        FieldKind::Int => "integer",
        FieldKind::Num => "number",
        FieldKind::Text | FieldKind::Time => "string",
        FieldKind::Bool => "boolean",
        FieldKind::List => "array",
        FieldKind::Map => "object",
    };
    let (newer_params, params): (Vec<&Param>, Vec<&Param>) =
        endpoint.params.iter().partition(|param| param.newer);
    let (newer_fields, fields): (Vec<&Field>, Vec<&Field>) =
        endpoint.fields.iter().partition(|field| field.newer);
    EndpointShape {
        path: format!("/v3/{}", endpoint.path),
        params: params
            .into_iter()
            .map(|param| (param.name.to_owned(), param_kind(param), words(param)))
            .collect(),
        fields: fields
            .into_iter()
            .map(|field| (field.name.to_owned(), field_kind(field)))
            .collect(),
        newer_params: newer_params.into_iter().map(|param| param.name.to_owned()).collect(),
        newer_fields: newer_fields.into_iter().map(|field| field.name.to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_table_parses() {
        for ((path, params, fields), endpoint) in endpoints::ENDPOINTS.iter().zip(endpoints()) {
            let common = match (endpoint.list, params.contains("-times")) {
                (false, _) => 0,
                (true, true) => 3, // four common ones less the word `-times` itself
                (true, false) => 6,
            };
            assert_eq!(endpoint.params.len(), params.split_whitespace().count() + common, "{path}");
            assert_eq!(endpoint.fields.len(), fields.split_whitespace().count(), "{path}");
        }
    }

    #[test]
    fn every_collection_with_rows_is_an_endpoint() {
        for kind in Kind::ALL {
            assert!(list_endpoint(kind.name()).is_some(), "{}", kind.name());
        }
    }
}
