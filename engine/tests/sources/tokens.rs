//! Rust sources as names and signs, read without a compiler.
//!
//! The reader finds paths and use trees in code that `rustfmt` formats. Left out: what macros
//! expand to, and code of tests, which begins at `#[cfg(test)]` with a `mod`.

use std::collections::BTreeMap;
use std::path::Path;

/// The names of a module from the crate's root.
pub(crate) type Module = Vec<String>;

/// Reads every source below a directory but those of tests.
pub(crate) fn sources(root: &Path, path: &Path, found: &mut BTreeMap<Module, String>) {
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            sources(root, &path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            let relative = path.strip_prefix(root).unwrap().with_extension("");
            let mut module: Module =
                relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if matches!(name.as_str(), "mod.rs" | "lib.rs") {
                module.pop();
            }
            found.insert(module, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Splits code into names, `::` and single characters; comments and literals are left out.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let mut tokens = with_texts(text);
    tokens.retain(|token| !token.starts_with('"'));
    tokens
}

/// Like [`tokens`], with the texts: each is one token that begins with its quotation mark.
pub(crate) fn with_texts(text: &str) -> Vec<String> {
    let text: Vec<char> = text.chars().collect();
    let at = |i: usize| text.get(i).copied().unwrap_or('\0');
    let (mut tokens, mut i) = (Vec::new(), 0);
    while i < text.len() {
        let c = at(i);
        if c == '/' && at(i + 1) == '/' {
            while i < text.len() && at(i) != '\n' {
                i += 1;
            }
        } else if c == '"' {
            let begin = i;
            i += 1;
            while i < text.len() && at(i) != '"' {
                i += if at(i) == '\\' { 2 } else { 1 };
            }
            tokens.push(text[begin..i.min(text.len())].iter().collect());
            i += 1;
        } else if c == 'r'
            && (at(i + 1) == '"' || (at(i + 1) == '#' && matches!(at(i + 2), '"' | '#')))
        {
            let hashes = (i + 1..).take_while(|at| text.get(*at) == Some(&'#')).count();
            i += hashes + 2;
            let end = |i: usize| at(i) == '"' && (1..=hashes).all(|hash| at(i + hash) == '#');
            let begin = i - 1;
            while i < text.len() && !end(i) {
                i += 1;
            }
            tokens.push(text[begin..i.min(text.len())].iter().collect());
            i += hashes + 1;
        } else if c == '\'' {
            // A character, or a lifetime.
            let is_escaped = at(i + 1) == '\\';
            if is_escaped || at(i + 2) == '\'' {
                i += if is_escaped { 3 } else { 2 };
                while i < text.len() && at(i) != '\'' {
                    i += 1;
                }
            }
            i += 1;
        } else if c.is_alphanumeric() || c == '_' {
            let name: String =
                text[i..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
            i += name.chars().count();
            tokens.push(name);
        } else if c == ':' && at(i + 1) == ':' {
            tokens.push("::".to_owned());
            i += 2;
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            i += 1;
        }
    }
    let test: Vec<String> = ["#", "[", "cfg", "(", "test", ")", "]"].map(str::to_owned).to_vec();
    let is_test = |at: usize| {
        tokens[at..].starts_with(&test)
            && tokens[at..].iter().skip(test.len()).take(12).any(|token| token == "mod")
    };
    let end = (0..tokens.len()).find(|at| is_test(*at)).unwrap_or(tokens.len());
    tokens.truncate(end);
    tokens
}

/// The paths of a use tree, each with its local name.
pub(crate) fn tree(tokens: &[String], before: &[String], paths: &mut Vec<(Vec<String>, String)>) {
    let mut path = before.to_vec();
    let mut i = 0;
    while let Some(token) = tokens.get(i) {
        match token.as_str() {
            "::" => {}
            "{" => {
                let (mut depth, mut start) = (0, i + 1);
                for at in i..tokens.len() {
                    match tokens[at].as_str() {
                        "{" => depth += 1,
                        "}" => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 || (depth == 1 && tokens[at] == ",") {
                        if start < at {
                            tree(&tokens[start..at], &path, paths);
                        }
                        start = at + 1;
                    }
                    if depth == 0 {
                        break;
                    }
                }
                return;
            }
            "as" => {
                let name = tokens.get(i + 1).cloned().unwrap_or_default();
                paths.push((path, name));
                return;
            }
            "self" if !path.is_empty() => {}
            name => path.push(name.to_owned()),
        }
        i += 1;
    }
    let name = path.last().cloned().unwrap_or_default();
    paths.push((path, name));
}
