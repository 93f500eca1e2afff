//! The names that expressions read and call.

use crate::description::{Description, Mapping};
use crate::expression::{Compiled, FILTERS, TESTS};
use crate::helpers;
use crate::manifest::setting;

/// The names of a scope.
#[derive(Clone)]
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn of(lists: &[&[&str]]) -> Self {
        Self(lists.iter().flat_map(|list| list.iter()).map(|name| (*name).to_owned()).collect())
    }

    pub(super) fn with(&self, name: &str) -> Self {
        let mut names = self.0.clone();
        names.push(name.to_owned());
        Self(names)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }

    /// What is wrong with the names of an expression.
    pub(super) fn unknown(
        &self,
        expression: &Compiled<'_>,
        description: &Description,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let text = expression.text();
        for read in expression.reads() {
            let Some(root) = read.first() else { continue };
            if description.escapes.contains(root) {
                continue;
            }
            if !self.has(root) {
                let hint = near(root, self.0.iter().map(String::as_str));
                wrong.push(format!("`{text}` reads `{root}`, which there is not here{hint}"));
                continue;
            }
            let Some(member) = read.get(1) else { continue };
            match root.as_str() {
                "settings" if setting(description, member).is_none() => {
                    let known =
                        description.settings.as_ref().and_then(|schema| schema.get("properties"));
                    let known = known.and_then(|known| known.as_object());
                    let hint =
                        near(member, known.into_iter().flatten().map(|(name, _)| name.as_str()));
                    wrong.push(format!(
                        "`{text}` reads the setting `{member}`, which the settings lack{hint}"
                    ));
                }
                "tenant" if !is_in_catalogue(description, member) => {
                    wrong.push(format!(
                        "`{text}` reads `tenant.{member}`, which the tenant's catalogue lacks"
                    ));
                }
                "headers" if member.chars().any(|sign| sign.is_ascii_uppercase()) => {
                    let lower = member.to_ascii_lowercase();
                    wrong.push(format!(
                        "`{text}` reads the header `{member}`; their names are in lower case: \
                         `{lower}`"
                    ));
                }
                "mark" if !matches!(member.as_str(), "text" | "time_ms") => {
                    wrong.push(format!("`{text}`: a mark has `text` and `time_ms`"));
                }
                _ => {}
            }
        }
        let words = words(text);
        for (index, word) in words.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|at| words.get(at));
            let earlier = index.checked_sub(2).and_then(|at| words.get(at));
            let is_test = before.is_some_and(|before| *before == "is")
                || (before.is_some_and(|before| *before == "not")
                    && earlier.is_some_and(|word| *word == "is"));
            if before.is_some_and(|before| *before == "|") {
                let known =
                    helpers::ALL.iter().map(|(name, _)| *name).chain(FILTERS.iter().copied());
                if !known.clone().any(|name| name == *word) {
                    wrong.push(format!(
                        "`{text}` calls the filter `{word}`, which there is not{}",
                        near(word, known)
                    ));
                }
            } else if is_test && *word != "not" && !TESTS.contains(word) {
                let hint = near(word, TESTS.iter().copied());
                wrong.push(format!("`{text}` uses the test `{word}`, which there is not{hint}"));
            }
        }
        wrong
    }
}

fn is_in_catalogue(description: &Description, member: &str) -> bool {
    match description.tenant.as_ref().and_then(|tenant| tenant.catalogue.as_ref()) {
        Some(Mapping::Members(members)) => members.contains_key(member),
        // One expression makes all of it.
        Some(_) => true,
        None => false,
    }
}

/// The words and signs of an expression, without its texts.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if matches!(first, '\'' | '"') {
            let mut is_escaped = false;
            let end = rest.char_indices().skip(1).find(|(_, sign)| {
                let is_end = *sign == first && !is_escaped;
                is_escaped = *sign == '\\' && !is_escaped;
                is_end
            });
            rest = end.and_then(|(at, _)| rest.get(at.saturating_add(1)..)).unwrap_or_default();
            words.push("''");
            continue;
        }
        let is_name = |sign: char| sign.is_alphanumeric() || sign == '_';
        let end = if is_name(first) {
            rest.find(|sign| !is_name(sign)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if !word.trim().is_empty() {
            words.push(word);
        }
        rest = after;
    }
    words
}

/// `; did you mean …?` for the nearest of these names, where one is near.
pub(super) fn near<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let far = name.chars().count().div_ceil(3).max(1);
    let nearest = known.map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    match nearest {
        Some((steps, known)) if steps <= far => format!("; did you mean `{known}`?"),
        _ => String::new(),
    }
}
