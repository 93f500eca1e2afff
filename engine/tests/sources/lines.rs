//! A source file has at most 800 lines, and a line at most 100 columns.
//!
//! `rustfmt` breaks code at 100 columns, but no text, table or macro. [`WIDE`] counts the wider
//! lines by file: rows of JSON as an ATS sends them, addresses, and tables. It may only shrink: a
//! file with more wide lines fails, and so does an entry whose file has none.

use std::collections::BTreeMap;
use std::path::Path;

const LINES_MAX: usize = 800;
const COLUMNS_MAX: usize = 100;

/// The directories that hold sources, from the repository's root.
const DIRECTORIES: &[&str] = &["adapters", "engine", "examples", "fuzz/fuzz_targets", "tests"];

/// The remaining wider lines, by file.
const WIDE: &[(&str, usize)] = &[
    ("adapters/described/tests/lever/hooks.rs", 1),
    ("adapters/described/tests/lever/reads.rs", 3),
    ("adapters/described/tests/lever/support.rs", 2),
    ("adapters/described/tests/lever/writes.rs", 2),
    ("adapters/described/tests/mechanisms.rs", 20),
    ("adapters/greenhouse/sandbox/src/schema/endpoints.rs", 6),
    ("adapters/greenhouse/sandbox/src/writes/custom.rs", 1),
    ("adapters/greenhouse/sandbox/tests/http.rs", 1),
    ("adapters/greenhouse/sandbox/tests/writes.rs", 2),
    ("adapters/greenhouse/src/read/custom.rs", 1),
    ("adapters/greenhouse/src/wire.rs", 1),
    ("adapters/greenhouse/src/write/contacts.rs", 2),
    ("adapters/greenhouse/src/write/input.rs", 2),
    ("adapters/greenhouse/tests/openapi.rs", 1),
    ("adapters/greenhouse/tests/read/records.rs", 14),
    ("adapters/greenhouse/tests/read/tenant.rs", 2),
    ("adapters/greenhouse/tests/write_applications.rs", 1),
    ("adapters/sdk/src/glue.rs", 2),
    ("adapters/sdk/src/lib.rs", 3),
    ("adapters/sdk/src/rows.rs", 1),
    ("engine/daemon/src/commands/demo/mod.rs", 3),
    ("engine/daemon/src/config.rs", 1),
    ("engine/daemon/tests/cli_bad_input.rs", 2),
    ("engine/daemon/tests/cli_life.rs", 1),
    ("engine/daemon/tests/cli_plain.rs", 1),
    ("engine/daemon/tests/cli_support/mod.rs", 1),
    ("engine/daemon/tests/signals.rs", 1),
    ("engine/model/src/plain.rs", 1),
    ("engine/model/src/unified.rs", 1),
    ("engine/src/declare.rs", 5),
    ("engine/src/declare/shape.rs", 10),
    ("engine/src/declare/texts.rs", 1),
    ("engine/src/declare/twice.rs", 3),
    ("engine/src/reconcile/requests/signature.rs", 1),
    ("engine/src/store/redb/files.rs", 1),
    ("engine/src/store/rows.rs", 1),
    ("engine/tests/adapter_bombs.rs", 3),
    ("engine/tests/adapter_hostile.rs", 1),
    ("engine/tests/adapter_support/mod.rs", 1),
    ("engine/tests/transport_http.rs", 3),
    ("examples/embed.rs", 2),
    ("examples/load_component.rs", 1),
    ("examples/tests/examples.rs", 2),
    ("tests/benches/parts/command.rs", 1),
    ("tests/crash_points/main.rs", 1),
    ("tests/fuzz/src/replies.rs", 1),
    ("tests/host/records.rs", 1),
    ("tests/ingest/unsupported.rs", 3),
    ("tests/keeping.rs", 1),
    ("tests/others.rs", 1),
    ("tests/referrals.rs", 5),
    ("tests/simulation/regressions.rs", 2),
    ("tests/strangers.rs", 3),
    ("tests/sweeps/adoptions.rs", 1),
    ("tests/declared/main.rs", 1),
];

fn sources(path: &Path, found: &mut BTreeMap<String, String>, root: &Path) {
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                sources(&path, found, root);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            found.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

fn all() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeMap::new();
    DIRECTORIES.iter().for_each(|directory| sources(&root.join(directory), &mut found, &root));
    found
}

#[test]
fn no_source_file_is_longer_than_800_lines() {
    let long: Vec<String> = all()
        .iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn only_listed_lines_are_wider_than_100_columns() {
    let wide = |text: &str| text.lines().filter(|line| line.chars().count() > COLUMNS_MAX).count();
    let found: BTreeMap<String, usize> = all()
        .into_iter()
        .map(|(name, text)| (name, wide(&text)))
        .filter(|(_, lines)| *lines > 0)
        .collect();
    let listed: BTreeMap<String, usize> =
        WIDE.iter().map(|(name, lines)| ((*name).to_owned(), *lines)).collect();
    let wrong: Vec<String> = found
        .keys()
        .chain(listed.keys())
        .map(|name| (name, found.get(name), listed.get(name)))
        .filter(|(_, found, listed)| found > listed || found.is_none())
        .map(|(name, found, listed)| {
            format!("{name}: {} wide lines, {} listed", found.unwrap_or(&0), listed.unwrap_or(&0))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
