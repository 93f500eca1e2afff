//! The chapters of the book as a reader of Markdown sees them: blocks, headings and links.

use std::path::{Path, PathBuf};

/// Links to files of the repository outside the book begin so.
const REPOSITORY: &str = "https://github.com/atsync/atsync/blob/main/";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn sources() -> PathBuf {
    root().join("docs/guide/src")
}

pub(crate) fn read(path: &Path) -> String {
    let text = std::fs::read_to_string(path);
    text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A fenced block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) line: usize,
    pub(crate) info: String,
    pub(crate) text: String,
    /// The last line before it that is not blank.
    pub(crate) before: String,
}

#[derive(Debug)]
pub(crate) struct Chapter {
    pub(crate) name: String,
    pub(crate) blocks: Vec<Block>,
    /// The lines outside blocks.
    pub(crate) prose: Vec<(usize, String)>,
}

/// Every file of the book, in the order of their names.
pub(crate) fn chapters() -> Vec<Chapter> {
    let files = std::fs::read_dir(sources()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".md")).collect();
    names.sort();
    names.into_iter().map(|name| chapter(&name, &read(&sources().join(&name)))).collect()
}

fn chapter(name: &str, text: &str) -> Chapter {
    let (mut blocks, mut prose, mut open) = (Vec::new(), Vec::new(), None::<Block>);
    let mut before = String::new();
    for (line, text) in (1..).zip(text.lines()) {
        match (text.strip_prefix("```"), open.as_mut()) {
            (Some(""), Some(_)) => blocks.extend(open.take()),
            (_, Some(block)) => block.text.push_str(&format!("{text}\n")),
            (Some(info), None) => {
                let before = std::mem::take(&mut before);
                let info = info.to_owned();
                open = Some(Block { line, info, text: String::new(), before });
            }
            (None, None) => {
                if !text.trim().is_empty() {
                    before = text.to_owned();
                }
                prose.push((line, text.to_owned()));
            }
        }
    }
    assert!(open.is_none(), "{name}: a block has no end");
    Chapter { name: name.to_owned(), blocks, prose }
}

/// The anchors of a Markdown text, as mdBook and GitHub make them of headings.
pub(crate) fn anchors(text: &str) -> Vec<String> {
    let outside = text.split("```").step_by(2).collect::<String>();
    let headings =
        outside.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
    let slug = |heading: &str| {
        let kept = heading.trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(slug).collect()
}

/// The targets of the links in a line.
pub(crate) fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// Says what is wrong with a link of a chapter.
pub(crate) fn wrong_link(chapter: &str, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match file.strip_prefix(REPOSITORY) {
        Some(path) => root().join(path),
        None if file.starts_with("https://") => return None,
        None if file.is_empty() => sources().join(chapter),
        None if file.contains('/') => return Some("leads out of the book; use a URL".into()),
        None => sources().join(file),
    };
    if !path.exists() {
        return Some(format!("{} does not exist", path.display()));
    }
    let is_known = anchor.is_empty() || anchors(&read(&path)).iter().any(|known| known == anchor);
    (!is_known).then(|| format!("{} has no heading {anchor:?}", path.display()))
}
