//! The engine knows no kind of record by name: it reads the model's table
//! (`engine/model/src/resource.rs`), so that a new kind is a row there and no search through the
//! rooms.
//!
//! What counts as a name: a constant of `atsync_model::kinds`, and a text that is a kind's name, or
//! one of its plain operations (`candidates.create`), and nothing else. [`HOOKS`] are the files
//! about the relations of certain kinds, mostly about an application's lifecycle; an entry that is
//! no longer needed fails.

use crate::tokens::{sources, with_texts};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The files that may name kinds, each with its purpose.
const HOOKS: &[(&str, &str)] = &[
    ("plan/lifecycle", "the outcome of an application, and the reason that its rejection has"),
    ("plan/opening", "the opening that a hire fills"),
    ("plan/place", "the stage of an application, and the pool of a prospect"),
    ("reconcile/lifecycle/import", "a candidate of the ATS as a desired record"),
];

/// The kinds' names, read from the model.
fn words() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("model/src/kinds.rs");
    let tokens = with_texts(&std::fs::read_to_string(root).unwrap());
    let texts = tokens.iter().filter_map(|token| token.strip_prefix('"'));
    texts.map(str::to_owned).collect()
}

/// The kind of an operation's name; another text is returned as it is.
fn kind_of(word: &str) -> &str {
    let verbs = ["create", "update", "destroy", "delete"];
    match word.split_once('.') {
        Some((kind, verb)) if verbs.contains(&verb) => kind,
        _ => word,
    }
}

/// The kinds that a file's code names.
fn named(text: &str, words: &BTreeSet<String>) -> BTreeSet<String> {
    let tokens = with_texts(text);
    let mut named = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        if let Some(word) = token.strip_prefix('"')
            && words.contains(kind_of(word))
        {
            named.insert(word.to_owned());
        }
        if token == "kinds"
            && tokens.get(at + 1).is_some_and(|sign| sign == "::")
            && let Some(name) = tokens.get(at + 2).filter(|name| *name != "ALL")
        {
            named.insert(format!("kinds::{name}"));
        }
    }
    named
}

#[test]
fn only_the_model_and_the_hooks_know_a_kind_by_name() {
    let words = words();
    assert!(words.contains("candidates"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    sources(&root, &root, &mut files);
    let found: BTreeMap<String, BTreeSet<String>> = files
        .iter()
        .map(|(module, text)| (module.join("/"), named(text, &words)))
        .filter(|(_, named)| !named.is_empty())
        .collect();
    let hooks = HOOKS.iter().map(|(file, _)| *file);
    let listed: BTreeSet<&str> = hooks.collect();
    let new: Vec<_> = found.iter().filter(|(file, _)| !listed.contains(file.as_str())).collect();
    let unused: Vec<_> = listed.iter().filter(|file| !found.contains_key(**file)).collect();
    assert!(
        new.is_empty() && unused.is_empty(),
        "not listed: {new:#?}\nlisted, but not found: {unused:#?}"
    );
}

#[test]
fn a_constant_and_a_text_name_a_kind_and_a_comment_and_a_test_do_not() {
    let words = words();
    let named = |text: &str| named(text, &words);
    assert_eq!(named("fn f() { g(kinds::JOBS) }"), BTreeSet::from(["kinds::JOBS".to_owned()]));
    for name in ["jobs", "jobs.update"] {
        let text = format!("fn f() {{ g(\"{name}\") }}");
        assert_eq!(named(&text), BTreeSet::from([name.to_owned()]));
    }
    assert!(named("// \"jobs\" kinds::JOBS\nfn f() { g(\"two jobs\", kinds::ALL) }").is_empty());
    assert!(named("#[cfg(test)]\nmod tests { const A: &str = \"jobs\"; }").is_empty());
}

/// The ATSs that have an adapter in this repository.
const ATSS: &[&str] =
    &["ashby", "greenhouse", "lever", "recruitee", "smartrecruiters", "teamtailor", "workable"];

#[test]
fn the_engine_names_no_ats() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    sources(&root, &root, &mut files);
    assert!(files.len() > 100, "{}", files.len());
    for (module, text) in files {
        let text = text.to_ascii_lowercase();
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        let named: Vec<_> = ATSS.iter().filter(|name| words.contains(**name)).collect();
        assert!(named.is_empty(), "{}: {named:?}", module.join("/"));
    }
}
