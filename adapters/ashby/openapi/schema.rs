//! Ashby's OpenAPI document: requests and answers are checked against it where it lies beside the
//! checkout. Its schemas are inline and refer to each other by JSON pointers.

use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// How many references may follow each other, and how deep an example goes.
const DEPTH_MAX: usize = 12;

/// The document.
#[derive(Debug)]
pub(crate) struct Document(Value);

/// Reads the document, or says that the test is skipped.
pub(crate) fn document() -> Option<Document> {
    let shared = std::env::var_os("ATSYNC_SHARED").map(PathBuf::from);
    let beside = |levels: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(levels);
    let folders = shared.into_iter().chain(["../../../shared", "../../../../shared"].map(beside));
    for folder in folders {
        if let Ok(text) = std::fs::read_to_string(folder.join("ats/ashby-openapi.yml")) {
            let read = serde_saphyr::from_str(&text);
            return Some(Document(read.expect("the document is YAML")));
        }
    }
    println!("skipped: no ats/ashby-openapi.yml in $ATSYNC_SHARED or ../shared");
    None
}

impl Document {
    /// The schema of a request's body; the path is as in `/job.list`.
    pub(crate) fn request(&self, path: &str) -> &Value {
        let post = &self.0["paths"][path]["post"];
        assert!(post.is_object(), "{path} is not in the document");
        &post["requestBody"]["content"]["application/json"]["schema"]
    }

    /// The schema of an answer without a refusal. The roles of hiring teams have two: the second
    /// one is that of rows with ids, which the adapter asks for.
    pub(crate) fn answer(&self, path: &str) -> &Value {
        let post = &self.0["paths"][path]["post"];
        let schema = &post["responses"]["200"]["content"]["application/json"]["schema"];
        let schema = self.real(schema);
        let arm = usize::from(path == "/hiringTeamRole.list");
        schema["oneOf"].get(arm).unwrap_or(schema)
    }

    /// The schema of a webhook's body.
    pub(crate) fn webhook(&self, name: &str) -> &Value {
        let post = &self.0["webhooks"][name]["post"];
        assert!(post.is_object(), "{name} is not in the document");
        &post["requestBody"]["content"]["application/json"]["schema"]
    }

    /// The schema that a reference leads to.
    fn real<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        for _ in 0..DEPTH_MAX {
            let Some(to) = schema["$ref"].as_str() else { break };
            let to = to.trim_start_matches('#').replace("%7B", "{").replace("%7D", "}");
            schema = self.0.pointer(&to).unwrap_or_else(|| panic!("{to}"));
        }
        schema
    }

    /// Lists what of a value does not fit a schema, as `path: reason`. A member that an object's
    /// schema does not have counts, where `closed`.
    pub(crate) fn faults(&self, schema: &Value, value: &Value, closed: bool) -> Vec<String> {
        let mut found = Vec::new();
        self.check(schema, value, "", closed, &mut found);
        found
    }

    fn check(
        &self,
        schema: &Value,
        value: &Value,
        at: &str,
        closed: bool,
        found: &mut Vec<String>,
    ) {
        let schema = self.real(schema);
        if schema["nullable"] == true && value.is_null() {
            return;
        }
        for arms in ["oneOf", "anyOf"] {
            let Some(arms) = schema[arms].as_array() else { continue };
            if !arms.iter().any(|arm| self.faults(arm, value, closed).is_empty()) {
                found.push(format!("{at}: {value} fits no arm"));
            }
            return;
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.check(part, value, at, false, found);
        }
        let words: Vec<&str> = match &schema["type"] {
            Value::String(word) => vec![word],
            Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let is = |word: &&str| match *word {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            _ => value.is_null(),
        };
        if !words.is_empty() && !words.iter().any(is) {
            return found.push(format!("{at}: {value} is none of {words:?}"));
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            found.push(format!("{at}: {value} is none of the words"));
        }
        if let Some(members) = value.as_object() {
            self.object(schema, members, at, closed, found);
        }
        if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
            for (index, item) in list.iter().enumerate() {
                self.check(items, item, &format!("{at}/{index}"), closed, found);
            }
        }
    }

    fn object(
        &self,
        schema: &Value,
        members: &Map<String, Value>,
        at: &str,
        closed: bool,
        found: &mut Vec<String>,
    ) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                found.push(format!("{at}: {name} is missing"));
            }
        }
        let known = self.properties(schema);
        for (name, member) in members {
            let at = format!("{at}/{name}");
            if let Some(schema) = schema["properties"].get(name) {
                self.check(schema, member, &at, closed, found);
            } else if closed && !known.is_empty() && !known.iter().any(|one| one == name) {
                found.push(format!("{at}: is not in the document"));
            }
        }
    }

    /// The names of an object's members, in all parts of its schema.
    pub(crate) fn properties(&self, schema: &Value) -> Vec<String> {
        let schema = self.real(schema);
        let own = schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned();
        let parts = schema["allOf"].as_array().into_iter().flatten();
        own.chain(parts.flat_map(|part| self.properties(part))).collect()
    }

    /// A value of a schema with every member, or with those alone that it requires.
    pub(crate) fn example(&self, schema: &Value, whole: bool, depth: usize) -> Value {
        let schema = self.real(schema);
        if let Some(arm) = schema["oneOf"].get(0).or(schema["anyOf"].get(0)) {
            return self.example(arm, whole, depth);
        }
        let mut made = self.example_of(schema, whole, depth);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            match (self.example(part, whole, depth), &mut made) {
                (Value::Object(more), Value::Object(members)) => members.extend(more),
                (Value::Null, _) => {}
                (more, _) => made = more,
            }
        }
        made
    }

    fn example_of(&self, schema: &Value, whole: bool, depth: usize) -> Value {
        if let Some(word) = schema["enum"].get(0) {
            return word.clone();
        }
        match schema["type"].as_str() {
            Some("string") if schema["format"] == "date-time" => json!("2026-05-11T13:53:44.123Z"),
            Some("string") if schema["format"] == "date" => json!("2026-05-11"),
            Some("string") if schema["format"] == "uuid" => {
                json!("3ae2b801-19f6-41ef-ad28-214bd731948f")
            }
            Some("string") => schema["example"].as_str().unwrap_or("text").into(),
            Some("boolean") => json!(true),
            Some("integer" | "number") => json!(3),
            Some("array") if depth < DEPTH_MAX => {
                json!([self.example(&schema["items"], whole, depth + 1)])
            }
            Some("array") => json!([]),
            _ => match schema["properties"].as_object() {
                Some(all) if depth < DEPTH_MAX => {
                    let required = schema["required"].as_array();
                    let is_wanted = |name: &String| {
                        whole || required.is_some_and(|all| all.contains(&json!(name)))
                    };
                    let wanted = all.iter().filter(|(name, _)| is_wanted(name));
                    let made = wanted.map(|(name, one)| {
                        let made = self.example(one, whole, depth + 1);
                        // Some days are documented as texts without a format.
                        let is_day = name.ends_with("Date") && made == "text";
                        (name.clone(), if is_day { json!("2026-05-11") } else { made })
                    });
                    Value::Object(made.collect())
                }
                _ if schema["type"] == "object" => json!({}),
                _ => Value::Null,
            },
        }
    }
}
