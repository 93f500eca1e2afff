//! The table of kinds in `KINDS.md` is that of the manifest.

use atsync_adapter::PureAdapter;
use atsync_adapter::manifest::{ChangeRule, DeleteSign, KindRule};
use atsync_greenhouse::{Greenhouse, kinds};

const HEAD: &str = "\
# The kinds of the Greenhouse adapter

Each list of Harvest v3, the kind that its rows are read as, and the permission that an
administrator grants. A *window* reads what changed since the last pass; without one, each pass
reads all. A deletion is seen by a webhook, or when a fetch by id does not show the record, which a
sweep does.

A raw kind (`raw_…`) is read when a schedule, `atsync pull` or the host names it. A kind that is
marked *sensitive* must be named by the setting `sensitive_kinds` too. A raw record has `content`
(the row itself), `references`, `created_at` and `updated_at`. `tests/read/kinds_table.rs` compares
this file with the manifest.

| kind | list | permission | window | deletions | |
|---|---|---|---|---|---|
";

fn line(rule: &KindRule) -> String {
    let list = kinds::named(&rule.name).unwrap().collection;
    let window = if rule.changes.contains(&ChangeRule::Window) { "yes" } else { "no" };
    let signs: Vec<&str> = rule
        .deletes
        .iter()
        .map(|sign| match sign {
            DeleteSign::Hook => "webhook",
            DeleteSign::GoneOnFetch => "fetch",
            other => panic!("{other:?}: name it here"),
        })
        .collect();
    let signs = if signs.is_empty() { "not seen".to_owned() } else { signs.join(", ") };
    let more = if rule.opt_in.is_some() { "sensitive" } else { "" };
    let permission = rule.permission.as_deref().unwrap();
    format!("| `{}` | `/v3/{list}` | `{permission}` | {window} | {signs} | {more} |\n", rule.name)
}

#[test]
fn the_document_lists_every_kind_with_its_permission_window_and_deletions() {
    let lines: String = Greenhouse::describe().kinds.iter().map(line).collect();
    let text = include_str!("../../KINDS.md");
    assert_eq!(text, format!("{HEAD}{lines}"), "copy the right side to KINDS.md");
}
