//! Hostile guests of a few lines of WebAssembly text in `frame.wat`, an otherwise honest adapter
//! with the contract's real types: they are loaded like any component, so a refusal takes the path
//! that a compiled adapter takes.

#![allow(dead_code, reason = "each test binary uses a part")]

/// The differences from the frame.
#[derive(Clone, Copy)]
pub(crate) struct Guest<'a> {
    pub(crate) pages: &'a str,
    pub(crate) manifest: &'a str,
    pub(crate) more: &'a str,
    pub(crate) realloc: &'a str,
    pub(crate) describe: &'a str,
    pub(crate) start: &'a str,
}

pub(crate) const HONEST: Guest<'_> = Guest {
    pages: "2",
    manifest: r#"{"name":"hostile","version":"1.0.0","title":"Hostile",
        "contract":"ats:adapter@0.1.0","origins":[],"auth":[],"kinds":[]}"#,
    more: "",
    realloc: "(call $bump (local.get $size))",
    describe: "(i32.const 1024)",
    start: "(i32.const 2048)",
};

impl Guest<'_> {
    pub(crate) fn component(&self) -> Vec<u8> {
        let text = include_str!("../../../tests/hostile/frame.wat");
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with(";;"))
            .map(|line| format!("{line}\n"))
            .collect();
        let text = text
            .replace("PAGES", self.pages)
            .replace("MANIFEST", &quoted(self.manifest))
            .replace("LENGTH", &self.manifest.len().to_string())
            .replace("MORE", self.more)
            .replace("REALLOC", self.realloc)
            .replace("DESCRIBE", self.describe)
            .replace("START", self.start);
        let core = wat::parse_str(text).unwrap();
        let described = atsync_componentize::describe(&core).unwrap();
        atsync_componentize::wrap(&described).unwrap()
    }
}

/// As it stands in a text of WebAssembly.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
