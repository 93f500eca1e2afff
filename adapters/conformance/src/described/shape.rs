//! The file of a described sandbox.

use crate::stage::{HookScript, KindScript, OperationScript, Script};
use crate::wire::Credential;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A sandbox as data.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SandboxFile {
    /// The credential that the adapter is given.
    #[serde(default)]
    pub credential: Credential,
    /// The header that a request must have, and its value; another one answers 401. Default: none.
    #[serde(default)]
    pub authorization: Option<(String, String)>,
    /// The connection's settings.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// By permission of the manifest: the requests that need it, as `GET /jobs`; a segment `*`
    /// stands for any one.
    #[serde(default)]
    pub permissions: BTreeMap<String, Vec<String>>,
    /// The answer to a request without its permission.
    #[serde(default = "denied")]
    pub denied: Answer,
    /// The answer to a throttled request.
    #[serde(default = "throttled")]
    pub throttled: Answer,
    /// Answers that are always the same, by request: `GET /me`.
    #[serde(default)]
    pub fixed: BTreeMap<String, Value>,
    /// The collections, by name.
    pub resources: BTreeMap<String, Resource>,
    /// What an operation is tried with, where the suite cannot make it up.
    #[serde(default)]
    pub operations: BTreeMap<String, OperationScript>,
    /// Webhooks that the suite signs as the ATS would.
    #[serde(default)]
    pub webhooks: HookScript,
}

/// An answer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Its body.
    #[serde(default)]
    pub body: Value,
}

fn denied() -> Answer {
    Answer { status: 403, headers: BTreeMap::new(), body: Value::Null }
}

fn throttled() -> Answer {
    let headers = BTreeMap::from([("retry-after".to_owned(), "7".to_owned())]);
    Answer { status: 429, headers, body: Value::Null }
}

/// A collection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The unified kind that its rows are. Default: its name.
    #[serde(default)]
    pub kind: Option<String>,
    /// The path of its list: `/jobs`, or `/people/{id}/notes` with `parent`.
    pub path: String,
    /// The member of a row with the id that stands in its list's path: `person_id`. As every member
    /// named here, it may lie deeper: `job.id`.
    #[serde(default)]
    pub parent: Option<String>,
    /// The member by which paths and other rows name a row.
    #[serde(default = "id")]
    pub key: String,
    /// The members of a row that make the id of its record, joined by `/`. Default: `key`.
    #[serde(default)]
    pub record: Vec<String>,
    /// Further lists of the same rows.
    #[serde(default)]
    pub also: Vec<Also>,
    /// The list is a POST with the parameters in a JSON body.
    #[serde(default)]
    pub by_post: bool,
    /// The path of one row: `/jobs/{id}`. Default: there is none.
    #[serde(default)]
    pub item: Option<String>,
    /// The member of the answer that has the rows; empty: the answer is the list.
    #[serde(default)]
    pub rows_at: String,
    /// The member of the answer to a request for one row that has it; empty: the answer is the row.
    #[serde(default)]
    pub row_at: String,
    /// How the list is paged.
    #[serde(default)]
    pub paging: Paging,
    /// How the list is filtered by the time of change.
    #[serde(default)]
    pub window: Option<Window>,
    /// The parameters that select rows by a member: `{"email": "email"}`.
    #[serde(default)]
    pub filters: BTreeMap<String, String>,
    /// The members that an edit sets.
    #[serde(default)]
    pub edit: Map<String, Value>,
    /// The member with the time of change. An edit sets it.
    #[serde(default = "updated_at")]
    pub changed: String,
    /// How a row is created: its list's path by POST, unless `by_post`.
    #[serde(default)]
    pub create: Option<Create>,
    /// A row can be changed by PATCH at its path.
    #[serde(default)]
    pub update: bool,
    /// A row can be removed by DELETE at its path.
    #[serde(default)]
    pub delete: bool,
    /// Why there is no row.
    #[serde(default)]
    pub empty: Option<String>,
    /// Why some of its rows do not come as records of the kind.
    #[serde(default)]
    pub hidden: Option<String>,
    /// The rows, each with its `key`.
    #[serde(default)]
    pub rows: Vec<Map<String, Value>>,
}

/// A further list of the rows of a collection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Also {
    /// Its path: `/jobs/{id}/people`.
    pub path: String,
    /// The member of a row with the id that stands in the path.
    #[serde(default)]
    pub parent: Option<String>,
}

fn id() -> String {
    "id".to_owned()
}

fn updated_at() -> String {
    "updated_at".to_owned()
}

/// How a row is created. In `set` and `answer`, a text that begins with `$` stands for a value:
/// `$body.author_id`, `$query.stage`, `$parent.title`, and in `answer` `$row` and `$row.id`. Where
/// there is no such value, the member is left out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Create {
    /// Its path, where it is not the list's.
    pub path: Option<String>,
    /// The collection of the row that `{id}` in the path names, which is `$parent`. Where there is
    /// no such row, the answer is 404.
    pub below: Option<String>,
    /// The member of the body that has the members of the row. Default: the body itself.
    pub at: Option<String>,
    /// Members of the body that must be there; without one the answer is 422.
    pub required: Vec<String>,
    /// Members that must name a row of another collection: `{"person_id": "people"}`.
    pub references: BTreeMap<String, String>,
    /// Members that no two rows may share.
    pub unique: Vec<String>,
    /// Members that a new row gets where the request has none.
    pub defaults: Map<String, Value>,
    /// Members that a new row gets whatever the request has.
    pub set: Map<String, Value>,
    /// The body of the answer. Default: the row, as `row_at` says.
    pub answer: Option<Value>,
    /// The status of the answer. Default: 201.
    pub status: Option<u16>,
}

/// How a list is paged.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "style", rename_all = "snake_case", deny_unknown_fields)]
pub enum Paging {
    /// All rows in one answer.
    None,
    /// A page's number.
    Page {
        /// The parameter of the number.
        page: String,
        /// The parameter of the size; `limit` is another name for it.
        #[serde(alias = "limit")]
        size: String,
        /// The number of the first page.
        #[serde(default = "one")]
        first: u64,
        /// The largest page.
        #[serde(default = "hundred")]
        max: u64,
    },
    /// The number of rows before the page.
    Offset {
        /// Its parameter.
        offset: String,
        /// The parameter of the size; `size` is another name for it.
        #[serde(alias = "size")]
        limit: String,
        /// The largest page.
        #[serde(default = "hundred")]
        max: u64,
    },
    /// A text that the answer gives for the next page.
    Cursor {
        /// Its parameter.
        cursor: String,
        /// The parameter of the size; `size` is another name for it.
        #[serde(alias = "size")]
        limit: String,
        /// The member of the answer that has it; missing on the last page.
        next_at: String,
        /// The member that says whether there are more, where there is one.
        #[serde(default)]
        more_at: Option<String>,
        /// The largest page.
        #[serde(default = "hundred")]
        max: u64,
    },
    /// The URL of the next page in the answer, which names the first row of that page. It has no
    /// other filter of the request.
    NextUrl {
        /// The parameter with the `id` of the first row to show.
        from: String,
        /// The parameter with the `id` of the last row to show. Default: none.
        #[serde(default)]
        to: Option<String>,
        /// The parameter of the size; `size` is another name for it.
        #[serde(alias = "size")]
        limit: String,
        /// The member of the answer that has the URL; missing on the last page.
        next_at: String,
        /// The largest page.
        #[serde(default = "hundred")]
        max: u64,
    },
    /// A `Link` header with `rel="next"`.
    Link {
        /// The parameter of the size; `size` is another name for it.
        #[serde(alias = "size")]
        limit: String,
        /// The largest page.
        #[serde(default = "hundred")]
        max: u64,
    },
}

fn one() -> u64 {
    1
}

fn hundred() -> u64 {
    100
}

impl Default for Paging {
    fn default() -> Self {
        Self::Page { page: "page".into(), size: "per_page".into(), first: 1, max: 100 }
    }
}

/// The parameters of a window over the time of change; texts are compared.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The parameter of its beginning.
    pub from: String,
    /// The parameter of its end. Default: none.
    #[serde(default)]
    pub to: Option<String>,
    /// How the parameters are written. Rows have RFC 3339, or the numbers that are written here.
    #[serde(default)]
    pub times: Times,
}

/// How a time is written in a parameter.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// As the rows have it.
    #[default]
    Rfc3339,
    /// Milliseconds since 1970.
    #[serde(alias = "epoch-ms")]
    EpochMs,
    /// Seconds since 1970.
    #[serde(alias = "epoch-s")]
    EpochS,
}

impl SandboxFile {
    /// Reads YAML or JSON, which is YAML too.
    ///
    /// # Errors
    /// A sentence with the place of the mistake.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.len() > super::FILE_BYTES_MAX {
            return Err(format!(
                "the sandbox has {} bytes, and {} are allowed",
                text.len(),
                super::FILE_BYTES_MAX
            ));
        }
        let file: Self = serde_saphyr::from_str(text).map_err(|error| {
            // Behind its first line it shows a part of the file.
            let error = error.to_string();
            let first = error.lines().next().unwrap_or_default();
            format!("the sandbox cannot be read: {}", first.trim_start_matches("error: "))
        })?;
        for (name, resource) in &file.resources {
            if !resource.path.starts_with('/') {
                return Err(format!("resources.{name}.path must begin with /"));
            }
            if let Some(also) = resource.also.iter().find(|also| !also.path.starts_with('/')) {
                return Err(format!(
                    "resources.{name}.also: the path {:?} must begin with /",
                    also.path
                ));
            }
            let key = resource.key.as_str();
            if let Some(at) = resource.rows.iter().position(|row| !row.contains_key(key)) {
                return Err(format!("resources.{name}.rows[{at}] has no member `{key}`"));
            }
            if let Some(create) = &resource.create {
                let references = create.references.values().map(|other| ("references", other));
                let below = create.below.iter().map(|other| ("below", other));
                for (member, other) in references.chain(below) {
                    if !file.resources.contains_key(other) {
                        return Err(format!(
                            "resources.{name}.create.{member} names {other:?}, and there is no \
                             such resource"
                        ));
                    }
                }
            }
        }
        Ok(file)
    }

    /// What the suite wants to know in advance.
    pub(super) fn script(&self) -> Script {
        let kind = |(name, resource): (&String, &Resource)| {
            let kind = resource.kind.clone().unwrap_or_else(|| name.clone());
            let is_unpaged = matches!(resource.paging, Paging::None);
            let script = KindScript {
                empty: resource.empty.clone(),
                hidden: resource.hidden.clone(),
                unpaged: is_unpaged.then(|| "its list has no pages".to_owned()),
                ..KindScript::default()
            };
            (kind, script)
        };
        Script {
            credential: self.credential.clone(),
            settings: self.settings.clone(),
            kinds: self.resources.iter().map(kind).collect(),
            operations: self.operations.clone(),
            webhooks: self.webhooks.clone(),
            registrar: None,
        }
    }
}
