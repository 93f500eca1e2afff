//! There is no circle between the files of a crate: a reader understands a file together with those
//! below it, and needs no others.
//!
//! What counts as a use: each path in a file's own code that begins with `crate`, `super`, `self`,
//! a child module or a name that the file imports. A path leads to the file that declares its last
//! name, through re-exports. So a child may take a type from its parent if the parent only declares
//! or re-exports children, and a parent may call its children if these take nothing from the
//! parent's own file; both at once are a circle. `mod` and `pub use` are no uses. Left out: code of
//! tests, `$crate` paths of macros, methods called on a value.
//!
//! [`LEFT`] holds the remaining circles. It may only shrink: a circle that is not in it fails, and
//! so does an entry that is no longer needed.

use crate::tokens::{Module, sources, tokens, tree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The sources of each checked crate, from the repository's root.
const CRATES: &[&str] =
    &["adapters/greenhouse/src", "engine/daemon/src", "engine/model/src", "engine/src"];

/// The remaining circles, currently none: a crate, and the files of one circle.
const LEFT: &[(&str, &str)] = &[];

/// A source file's own code.
#[derive(Default)]
struct Code {
    /// The names that it imports or re-exports, and the paths that they lead to.
    names: BTreeMap<String, Module>,
    /// The modules whose whole content it imports.
    globs: Vec<Module>,
    /// The paths in its code.
    paths: Vec<Vec<String>>,
}

/// Where a path leads from a module: its names from the crate's root, if it stays in the crate.
fn absolute(module: &Module, path: &[String], children: &BTreeSet<String>) -> Option<Module> {
    let mut base = module.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => {
            base.clear();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|name| name == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        name if children.contains(name) => {}
        _ => return None,
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

fn code(module: &Module, text: &str, children: &BTreeSet<String>) -> Code {
    let tokens = tokens(text);
    let mut code = Code::default();
    let mut bodies = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        if tokens[i] == "use" {
            let end = (i..tokens.len()).find(|at| tokens[*at] == ";").unwrap_or(tokens.len());
            let mut paths = Vec::new();
            tree(&tokens[i + 1..end], &[], &mut paths);
            let is_public = i > 0 && matches!(tokens[i - 1].as_str(), "pub" | ")");
            for (path, name) in paths {
                let Some(target) = absolute(module, &path, children) else { continue };
                if name == "*" {
                    code.globs.push(target[..target.len() - 1].to_vec());
                } else {
                    code.names.insert(name, target);
                    if !is_public {
                        code.paths.push(path);
                    }
                }
            }
            i = end;
        } else if tokens[i] == "pub" && tokens.get(i + 1).is_some_and(|token| token == "(") {
            let end = (i..tokens.len()).find(|at| tokens[*at] == ")").unwrap_or(i);
            // The parenthesis stays, as the mark of a re-export.
            i = end.max(i + 1) - 1;
        } else if tokens.get(i + 1).is_some_and(|token| token == "::")
            && (i == 0 || !matches!(tokens[i - 1].as_str(), "::" | "$"))
        {
            let mut path = vec![tokens[i].clone()];
            while tokens.get(i + 1).is_some_and(|token| token == "::")
                && tokens
                    .get(i + 2)
                    .is_some_and(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '_'))
            {
                path.push(tokens[i + 2].clone());
                i += 2;
            }
            bodies.push(path);
        }
        i += 1;
    }
    code.paths.extend(bodies);
    code
}

/// The file that declares the target of a path, and whether the path names that file itself.
fn declared(path: &[String], codes: &BTreeMap<Module, Code>, depth: usize) -> (Module, bool) {
    for length in (0..=path.len()).rev() {
        let Some(code) = codes.get(&path[..length]) else { continue };
        if let Some(further) = path.get(length).and_then(|name| code.names.get(name))
            && depth < 8
            && further.as_slice() != path
        {
            let further: Module = further.iter().chain(&path[length + 1..]).cloned().collect();
            return declared(&further, codes, depth + 1);
        }
        return (path[..length].to_vec(), length == path.len());
    }
    (Vec::new(), false)
}

/// The files that each file uses.
fn uses(files: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let children = |module: &Module| -> BTreeSet<String> {
        let below =
            files.keys().filter(|file| file.len() == module.len() + 1 && file.starts_with(module));
        below.filter_map(|file| file.last().cloned()).collect()
    };
    let codes: BTreeMap<Module, Code> = files
        .iter()
        .map(|(module, text)| (module.clone(), code(module, text, &children(module))))
        .collect();
    let mut uses = BTreeMap::new();
    for (module, code) in &codes {
        let children = children(module);
        let mut used: BTreeSet<Module> = code.globs.iter().cloned().collect();
        for path in &code.paths {
            let imported = path.first().and_then(|name| code.names.get(name));
            let target = match imported {
                Some(further) => Some(further.iter().chain(&path[1..]).cloned().collect()),
                None => absolute(module, path, &children),
            };
            let Some(target) = target else { continue };
            let (file, is_module) = declared(&target, &codes, 0);
            // A file that imports a module uses the targets of its paths through that module.
            if !is_module {
                used.insert(file);
            }
        }
        used.remove(module);
        uses.insert(module.clone(), used);
    }
    uses
}

/// The circles of a graph: groups of files that all reach each other.
fn circles(uses: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<String> {
    let reach = |from: &Module| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(next) = open.pop() {
            open.extend(uses[next].iter().filter(|used| seen.insert((*used).clone())));
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> =
        uses.keys().map(|module| (module, reach(module))).collect();
    let name = |module: &Module| match module.is_empty() {
        true => "lib".to_owned(),
        false => module.join("/"),
    };
    let groups: BTreeSet<Vec<String>> = uses
        .keys()
        .filter(|module| reached[module].contains(*module))
        .map(|module| {
            let others = reached[module].iter().filter(|other| reached[other].contains(module));
            others.map(name).collect()
        })
        .collect();
    groups.into_iter().map(|group| group.join(" ")).collect()
}

#[test]
fn no_new_circle_between_files_appears_and_no_removed_one_stays_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeSet::new();
    for sources_of in CRATES {
        let mut files = BTreeMap::new();
        let path = root.join(sources_of);
        sources(&path, &path, &mut files);
        assert!(!files.is_empty(), "{sources_of}");
        for circle in circles(&uses(&files)) {
            found.insert(((*sources_of).to_owned(), circle));
        }
    }
    let left: BTreeSet<(String, String)> =
        LEFT.iter().map(|(of, circle)| ((*of).to_owned(), (*circle).to_owned())).collect();
    let new: Vec<_> = found.difference(&left).collect();
    let unused: Vec<_> = left.difference(&found).collect();
    assert!(
        new.is_empty() && unused.is_empty(),
        "not listed: {new:#?}\nlisted, but not found: {unused:#?}"
    );
}

fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let files = files
        .iter()
        .map(|(name, text)| (name.split('/').map(str::to_owned).collect(), (*text).to_owned()))
        .collect();
    circles(&uses(&files))
}

#[test]
fn two_files_that_use_each_other_are_a_circle() {
    let a = ("a", "use crate::b::{self, B};\nfn f() {}\n");
    let b = ("b", "fn g() { crate::a::f(); }\npub struct B;\n");
    assert_eq!(circles_of(&[a, b]), ["a b"]);
}

#[test]
fn a_parent_that_only_re_exports_its_children_is_no_part_of_a_circle() {
    let parent = ("a", "mod one;\nmod two;\npub use one::One;\n");
    let one = ("a/one", "pub struct One;\n");
    let two = ("a/two", "use super::One;\nfn f(_: One) {}\n");
    assert_eq!(circles_of(&[parent, one, two]), Vec::<String>::new());
    let calling = ("a", "mod one;\nmod two;\npub use one::One;\nfn g() { two::f(One) }\n");
    assert_eq!(circles_of(&[calling, one, two]), Vec::<String>::new());
    let own = ("a", "mod one;\nmod two;\npub struct One;\nfn g() { two::f(One) }\n");
    assert_eq!(circles_of(&[own, one, two]), ["a a/two"]);
}

#[test]
fn comments_texts_and_tests_use_nothing() {
    let a = ("a", "//! [`crate::b`]\nfn f() { g(\"crate::b::B\", 'x', r#\"crate::b::B\"#); }\n");
    let b = ("b", "use crate::a::f;\npub struct B;\n#[cfg(test)]\nmod tests { use crate::b; }\n");
    let c = ("c", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::d::D;\n}\n");
    let d = ("d", "use crate::c::f;\npub struct D;\n");
    assert_eq!(circles_of(&[a, b, c, d]), Vec::<String>::new());
}
