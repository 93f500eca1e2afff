//! Reads manifests of older contracts: a table says what became of a member.
//!
//! A manifest refuses members that it does not know, so a member that is renamed, dropped or
//! written in another way would end every adapter that was built before. Instead the change gets a
//! line in [`REWRITES`], which holds for the manifests up to the last version that had the old
//! form, and is applied before the manifest is parsed. A new member needs none: it has a default.
//! Lines are applied in their order, so that a later one finds what an earlier one made. Bounds:
//! what became of a member depends on that member alone.

use crate::adapter::contract::Version;
use serde_json::{Map, Value};

/// What became of members since a version was released, oldest first. Empty: no member has changed
/// since 0.1.0, the first version.
pub const REWRITES: &[Rewrite] = &[];

/// What became of one member.
#[derive(Clone, Copy, Debug)]
pub struct Rewrite {
    /// The last version whose manifests have the old form.
    pub until: Version,
    /// The member, in the words of a refusal: `kinds[].page_max`.
    pub member: &'static str,
    /// What became of it.
    pub becomes: Becomes,
}

/// What became of a member.
#[derive(Clone, Copy, Debug)]
pub enum Becomes {
    /// It has another name.
    Renamed(&'static str),
    /// It is no more, and nothing depends on it.
    Dropped,
    /// Its value is written in another way.
    Rewritten(fn(Value) -> Value),
}

/// Brings a manifest of a version into the form of today; returns whether a line of the table is
/// about that version.
pub fn rewrite(table: &[Rewrite], version: Version, manifest: &mut Value) -> bool {
    let mut lines = table.iter().filter(|line| version <= line.until).peekable();
    let is_older = lines.peek().is_some();
    lines.for_each(|line| apply(line.member, line.becomes, manifest));
    is_older
}

/// Finds the member in every element of the lists on its way. What is absent stays absent.
fn apply(path: &str, becomes: Becomes, value: &mut Value) {
    let (member, rest) = match path.split_once('.') {
        Some((member, rest)) => (member, Some(rest)),
        None => (path, None),
    };
    let Value::Object(object) = value else { return };
    let Some(rest) = rest else { return change(object, member, becomes) };
    match (member.strip_suffix("[]"), object.get_mut(member.trim_end_matches("[]"))) {
        (Some(_), Some(Value::Array(list))) => {
            list.iter_mut().for_each(|element| apply(rest, becomes, element));
        }
        (None, Some(inner)) => apply(rest, becomes, inner),
        _ => {}
    }
}

fn change(object: &mut Map<String, Value>, member: &str, becomes: Becomes) {
    let Some(old) = object.remove(member) else { return };
    let (name, value) = match becomes {
        Becomes::Dropped => return,
        Becomes::Renamed(name) => (name, old),
        Becomes::Rewritten(made) => (member, made(old)),
    };
    object.insert(name.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use super::{Becomes, REWRITES, Rewrite, rewrite};
    use crate::adapter::contract::{OURS, Version};
    use serde_json::{Value, json};

    const UNTIL: Version = Version(0, 1, 3);
    const TABLE: &[Rewrite] = &[
        Rewrite { until: UNTIL, member: "kinds[].rows", becomes: Becomes::Renamed("page_max") },
        Rewrite { until: UNTIL, member: "rates[].reset.hint", becomes: Becomes::Dropped },
        Rewrite { until: UNTIL, member: "title", becomes: Becomes::Rewritten(first) },
        // Of a later version, and about what the first line made.
        Rewrite {
            until: Version(0, 1, 5),
            member: "kinds[].page_max",
            becomes: Becomes::Rewritten(|rows| json!({ "rows": rows })),
        },
    ];

    fn first(list: Value) -> Value {
        list.get(0).cloned().unwrap_or(list)
    }

    fn old() -> Value {
        json!({"title": ["Ats"], "kinds": [{"rows": 5}, {"name": "jobs"}, 7],
            "rates": [{"reset": {"hint": 1, "how": "ignore"}}, {"reset": null}]})
    }

    #[test]
    fn each_line_is_applied_to_the_versions_up_to_its_own() {
        let now = |version| {
            let mut manifest = old();
            let is_older = rewrite(TABLE, version, &mut manifest);
            (is_older, manifest)
        };
        let kinds = json!([{"page_max": {"rows": 5}}, {"name": "jobs"}, 7]);
        let rates = json!([{"reset": {"how": "ignore"}}, {"reset": null}]);
        let made = json!({"title": "Ats", "kinds": kinds, "rates": rates});
        assert_eq!(now(Version(0, 1, 0)), (true, made.clone()));
        assert_eq!(now(UNTIL), (true, made));
        assert_eq!(now(Version(0, 1, 4)), (true, old()));
        assert_eq!(now(Version(0, 1, 6)), (false, old()));
        let mut none = json!([]);
        assert!(rewrite(TABLE, UNTIL, &mut none) && none == json!([]));
    }

    #[test]
    fn the_table_is_about_older_versions_alone_and_is_in_their_order() {
        assert!(REWRITES.iter().all(|line| line.until < OURS));
        assert!(REWRITES.iter().map(|line| line.until).is_sorted());
    }
}
