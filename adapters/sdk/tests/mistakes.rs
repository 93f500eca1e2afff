//! Mistakes in an adapter's data are compile errors that name the member and the author's line.
//!
//! Each case replaces one piece of a small adapter by a wrong one, and compiles the result with the
//! `rustc` and against the library that this test was built with: no network, no other build. The
//! piece with the mistake is found again by its line.

#![allow(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The adapter, before a mistake.
const RIGHT: &str = r#"
use atsync_adapter::kit::*;

struct Mine;
atsync_adapter::adapter!(Mine);

impl Adapter for Mine {
    const ABOUT: About = About::new("mine", "0.1.0")
        .origins(&[Origin::fixed("api", "https://mine.example")])
        .auth(&[Auth::Bearer])
        .rates(&[Rate::new("api", 10, 1000)])
        .account(Account::at(Ask::get("/account"), "/id"))
        .permissions(&[
            Permission::new("people", "People").ask(Ask::get("/people")),
        ])
        .kinds(&[JOBS, PEOPLE, NOTES])
        .operations(&[NOTE]);
}

const JOBS: Kind = Kind::of::<Any>("jobs")
    .fields(&["title", "state"])
    .expected(&["title"])
    .list(List::get("/jobs").pages("page").size("per_page", 100));
const PEOPLE: Kind = Kind::of::<Any>("candidates")
    .fields(&["name"])
    .list(List::get("/people").window(Clock::Millis, &[("since", "{from}")]))
    .overlap_ms(1000)
    .fetch(Fetch::get("/people/{id}"))
    .deletes(&[DeleteSign::GoneOnFetch])
    .permission("people");
const NOTES: Kind = Kind::of::<Any>("notes")
    .fields(&["body"])
    .under("candidates")
    .list(List::get("/people/{parent}/notes"));
const NOTE: Operation = Operation::new("notes.create", EffectClass::Probeable, write)
    .members(&[("body", FieldMode::CreateOnly)])
    .required(&["body"])
    .refused(&[400])
    .permissions(&["people"]);

#[derive(atsync_adapter::serde::Deserialize)]
#[serde(crate = "atsync_adapter::serde")]
struct Any {}
impl Row for Any {
    fn record(self, _: &Source<'_>) -> Record { Record::none() }
}
fn write(_: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> { Ok(op.done()) }
"#;

/// The mistakes: the right piece, the wrong one, and what the compiler says.
const MISTAKES: &[(&str, &str, &str)] = &[
    (r#"About::new("mine", "0.1.0")"#, r#"About::new("Mine", "0.1.0")"#, "name: `Mine` is none"),
    (r#"About::new("mine", "0.1.0")"#, r#"About::new("mine", "0.1")"#, "version: `0.1` is none"),
    ("https://mine.example", "http://mine.example", "origins[api].url: `http://mine.example`"),
    (r#"Rate::new("api", 10, 1000)"#, r#"Rate::new("api", 0, 1000)"#, "rates[api]: the limit"),
    (r#"("jobs")"#, r#"("jbos")"#, "kinds: `jbos` is no kind of the unified model"),
    (r#"&["title", "state"]"#, r#"&["titel", "state"]"#, "kinds[jobs].fields: `titel` is no field"),
    (
        r#"&["title", "state"]"#,
        r#"&["title", "title"]"#,
        "kinds[jobs].fields: `title` occurs twice",
    ),
    (
        r#".expected(&["title"])"#,
        r#".expected(&["notes"])"#,
        "kinds[jobs].expected: `notes` is none",
    ),
    (r#"("notes.create","#, r#"("notes.make","#, "operations: the engine plans no `notes.make`"),
    (r#"[("body", "#, r#"[("text", "#, "operations[notes.create].members: `text` is no member"),
    (
        r#".required(&["body"])"#,
        r#".required(&["candidate"])"#,
        "operations[notes.create].required: `candidate`",
    ),
    (".refused(&[400])", ".refused(&[500])", "operations[notes.create].refused: 500 is none"),
];

/// The mistakes that only the parts together show: also the piece whose line the text names.
const MISFITS: &[(&str, &str, &str, &str)] = &[
    (
        r#".permission("people")"#,
        r#".permission("poeple")"#,
        r#"("candidates")"#,
        "kinds[candidates].permission: there is no permission `poeple`",
    ),
    (
        r#".permissions(&["people"])"#,
        r#".permissions(&["write"])"#,
        r#"("notes.create","#,
        "operations[notes.create].permissions: there is no permission `write`",
    ),
    (
        "&[JOBS, PEOPLE, NOTES]",
        "&[JOBS, JOBS, PEOPLE, NOTES]",
        r#"("jobs")"#,
        "kinds: `jobs` occurs twice",
    ),
    (
        "&[JOBS, PEOPLE, NOTES]",
        "&[JOBS, PEOPLE]",
        r#"("notes.create","#,
        "operations[notes.create]: there is no kind `notes`",
    ),
    (
        "&[JOBS, PEOPLE, NOTES]",
        "&[JOBS, NOTES]",
        r#"("notes")"#,
        "kinds[notes].under: there is no kind `candidates`",
    ),
    (
        r#"    .list(List::get("/people").window(Clock::Millis, &[("since", "{from}")]))"#,
        "",
        r#"("notes")"#,
        "kinds[notes].under: `candidates` is not listed",
    ),
    (
        "    .overlap_ms(1000)",
        "",
        r#"("candidates")"#,
        "kinds[candidates].overlap_ms: windows need an overlap",
    ),
    (
        r#".under("candidates")"#,
        r#".under("notes")"#,
        r#"("notes")"#,
        "kinds[notes].under: the kinds come from each other in a circle",
    ),
    (
        "/people/{parent}/notes",
        "/people/{person}/notes",
        r#"("notes")"#,
        "kinds[notes].list: the request has no value for the placeholder {person}",
    ),
    (
        "/people/{parent}/notes",
        "/notes",
        r#"("notes")"#,
        "kinds[notes].list: it is listed under a parent, and the request has no {parent}",
    ),
    (
        "/people/{id}",
        "/people",
        r#"("candidates")"#,
        "kinds[candidates].fetch: the request has no {id}",
    ),
    (
        r#"    .fetch(Fetch::get("/people/{id}"))"#,
        "",
        r#"("candidates")"#,
        "kinds[candidates].deletes: GoneOnFetch needs",
    ),
    (
        r#".pages("page").size("per_page", 100)"#,
        r#".pages("page")"#,
        r#"("jobs")"#,
        "kinds[jobs].list: nothing says which page is the last",
    ),
    (
        r#"Ask::get("/people"))"#,
        r#"Ask::get("/people").origin("files"))"#,
        r#"Permission::new("people""#,
        "permissions[people]: there is no origin `files`",
    ),
    (
        r#"        .account(Account::at(Ask::get("/account"), "/id"))"#,
        "",
        r#"About::new("mine""#,
        "account: an adapter with operations must say which customer",
    ),
    (
        r#"List::get("/jobs")"#,
        r#"List::get("/{settings.sub}/jobs")"#,
        r#"("jobs")"#,
        "kinds[jobs].list: there is no setting `sub`",
    ),
];

/// The directory with the libraries that this test was linked with.
fn libraries() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// The newest library of the SDK. The compiler finds by its hash what that was linked with.
fn sdk() -> PathBuf {
    let files = std::fs::read_dir(libraries()).unwrap().map(|file| file.unwrap().path());
    let is_it = |path: &PathBuf| {
        let file = path.file_name().unwrap().to_string_lossy();
        file.starts_with("libatsync_adapter-") && file.ends_with(".rlib")
    };
    files.filter(is_it).max_by_key(|path| path.metadata().unwrap().modified().unwrap()).unwrap()
}

/// What the compiler says to an adapter; empty when it takes it.
fn compile(directory: &Path, source: &str) -> String {
    let file = directory.join("mine.rs");
    std::fs::write(&file, source).unwrap();
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "-Aunused", "mine.rs"]);
    rustc.arg("-L").arg(format!("dependency={}", libraries().display()));
    rustc.arg("--extern").arg(format!("atsync_adapter={}", sdk().display()));
    let done = rustc.current_dir(directory).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.success(), said.is_empty(), "{said}");
    said
}

/// A directory of this test's own.
fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

/// The adapter with a wrong piece.
fn wrong(right: &str, wrong: &str) -> String {
    assert_eq!(RIGHT.matches(right).count(), 1, "{right}");
    RIGHT.replace(right, wrong)
}

/// The line of a piece, from 1.
fn line(source: &str, piece: &str) -> usize {
    let at = source.find(piece).unwrap_or_else(|| panic!("no {piece}"));
    source[..at].lines().count()
}

#[test]
fn an_adapter_without_a_mistake_compiles() {
    assert_eq!(compile(&directory("right"), RIGHT), "");
}

#[test]
fn a_mistake_of_one_part_is_found_on_its_line() {
    let directory = directory("mistakes");
    for (right, bad, text) in MISTAKES {
        let source = wrong(right, bad);
        let said = compile(&directory, &source);
        let text = format!("mine.rs:{}: {text}", line(&source, bad));
        assert!(said.contains(&text), "{bad}: not `{text}`: {said}");
    }
}

#[test]
fn a_part_that_does_not_fit_the_others_is_named_with_its_line() {
    let directory = directory("misfits");
    for (right, bad, part, text) in MISFITS {
        let source = wrong(right, bad);
        let said = compile(&directory, &source);
        let text = format!("mine.rs:{}: {text}", line(&source, part));
        assert!(said.contains(&text), "{bad}: not `{text}`: {said}");
    }
}
