//! The guide is true: its commands work, and print what it shows.
//!
//! Method: each fenced block has a class, by its language. `sh` blocks of a chapter run in one
//! shell, in their order, in an empty folder beside a Greenhouse sandbox; a `text` block is the
//! output of the `sh` block before it. A `toml` block begins with the name of its file, is written
//! before the shell starts, and is checked by `atsync config check`. A `json` block is parsed by
//! the type that reads it. A `rust`, `ts` or `yaml` block is an excerpt of a file that the tests
//! run. Another class is refused. The hosts in Python and curl run the same way.
//!
//! This stands for a build of the HTML: it checks SUMMARY, links and anchors without mdBook.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something does not hold"
)]

mod book;
mod shell;

use book::{Block, Chapter, chapters, links, read, root, sources, wrong_link};
use shell::{Folder, SANDBOX_COMMAND, is_as_documented};

/// Commands that build or run something for minutes. `.ci/run` runs the first three, and
/// `tests/adapter_author.rs` those of an adapter in Rust, and `.ci/adapter-js` those of one in
/// TypeScript.
const BUILDS: &[&str] = &[
    "cargo run --release -- demo",
    "cargo test --workspace",
    "cargo build --release",
    SANDBOX_COMMAND,
    "cargo run -p atsync-examples --example embed",
    "cargo run -p atsync-examples --example referral_host",
    "atsync adapter new acme --rust --path-to-sdk adapters/sdk",
    "atsync adapter new acme --js",
    "atsync adapter build acme",
    "atsync adapter test acme/acme.wasm --sandbox acme/sandbox.yaml",
];

/// Refuses to go on without a program, and says what to install.
fn needs(programs: &[&str]) {
    for program in programs {
        let found = std::process::Command::new(program).arg("--version").output();
        assert!(found.is_ok(), "{program} is missing: apt-get install {program}");
    }
}

fn of_class<'b>(chapter: &'b Chapter, class: &str) -> Vec<&'b Block> {
    chapter.blocks.iter().filter(|block| block.info == class).collect()
}

#[test]
fn every_chapter_is_in_the_summary_and_every_link_and_anchor_leads_somewhere() {
    assert!(root().join("docs/guide/book.toml").exists());
    let summary = read(&sources().join("SUMMARY.md"));
    let mut wrong = Vec::new();
    for chapter in chapters() {
        let name = &chapter.name;
        if name != "SUMMARY.md" && !summary.contains(&format!("]({name})")) {
            wrong.push(format!("{name} is not in SUMMARY.md"));
        }
        for (line, text) in &chapter.prose {
            for target in links(text) {
                let why = wrong_link(name, target);
                wrong.extend(why.map(|why| format!("{name}:{line}: {target}: {why}")));
            }
            let targets: usize = links(text).map(|target| target.chars().count()).sum();
            if text.chars().count() - targets > 100 && !text.starts_with('|') {
                wrong.push(format!("{name}:{line}: more than 100 columns"));
            }
        }
        let written = chapter.prose.iter().filter(|(_, text)| !text.trim().is_empty());
        let written: Vec<&(usize, String)> = written.collect();
        for pair in written.windows(2) {
            let level = |text: &str| text.bytes().take_while(|byte| *byte == b'#').count();
            let (this, next) = (level(&pair[0].1), level(&pair[1].1));
            let has_block =
                chapter.blocks.iter().any(|one| (pair[0].0..pair[1].0).contains(&one.line));
            if this > 0 && next > 0 && next <= this && !has_block {
                wrong.push(format!("{name}:{}: a heading without a text", pair[0].0));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_block_has_a_class_that_is_checked() {
    let mut wrong = Vec::new();
    for chapter in chapters() {
        for (at, block) in chapter.blocks.iter().enumerate() {
            let fault = match block.info.as_str() {
                "sh" => None,
                "text" => {
                    let before = at.checked_sub(1).map(|at| chapter.blocks[at].info.as_str());
                    (before != Some("sh")).then(|| "no `sh` block is before it".to_owned())
                }
                "sh,build" => block
                    .text
                    .replace("\\\n", " ")
                    .lines()
                    .map(|line| line.split(" #").next().unwrap())
                    .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                    .find(|line| !BUILDS.contains(&line.as_str())),
                "toml" => name_of(block).is_none().then(|| "no `# NAME.toml`".to_owned()),
                "json,desired" => atsync::parse_desired("the block", &block.text)
                    .err()
                    .map(|error| error.to_string()),
                "json,change" => serde_json::from_str::<atsync::Change>(&block.text)
                    .err()
                    .map(|error| error.to_string()),
                "rust" | "ts" | "yaml" => wrong_excerpt(block),
                _ => Some("no class of this book".to_owned()),
            };
            wrong.extend(
                fault.map(|why| {
                    format!("{}:{}: ```{}: {why}", chapter.name, block.line, block.info)
                }),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_commands_of_an_adapter_in_typescript_are_those_that_ci_runs() {
    let script = read(&root().join(".ci/adapter-js"));
    let chapters = chapters();
    let chapter = chapters.iter().find(|chapter| chapter.name == "adapter.md").unwrap();
    let blocks = of_class(chapter, "sh,build");
    let block = blocks.iter().find(|block| block.text.contains("--js")).unwrap();
    assert_eq!(block.text.lines().count(), 3);
    assert!(script.contains(&block.text), "{} is not in .ci/adapter-js", block.text);
}

/// The file that a block is, by its first line.
fn name_of(block: &Block) -> Option<&str> {
    block.text.lines().next()?.strip_prefix("# ")?.split(' ').next()
}

/// Says what is wrong with an excerpt. The comment before it names the file; `// …` stands for
/// lines that are left out.
fn wrong_excerpt(block: &Block) -> Option<String> {
    let Some(file) = block.before.strip_prefix("<!-- ").and_then(|text| text.strip_suffix(" -->"))
    else {
        return Some("no `<!-- FILE -->` before it".into());
    };
    let trimmed = |text: &str| text.lines().map(|line| format!("{}\n", line.trim())).collect();
    let whole: String = trimmed(&read(&root().join(file)));
    let text: String = trimmed(&block.text);
    let missing = text.split("// …\n").find(|part| !whole.contains(*part));
    missing.map(|part| format!("{file} does not have:\n{part}"))
}

#[tokio::test]
async fn every_command_of_the_guide_works_and_prints_what_the_guide_shows() {
    needs(&["bash", "curl", "openssl"]);
    let mut wrong = Vec::new();
    for chapter in chapters() {
        let scripts = of_class(&chapter, "sh");
        let files = of_class(&chapter, "toml");
        if scripts.is_empty() && files.is_empty() {
            continue;
        }
        let folder = Folder::new().await;
        for file in &files {
            folder.write(name_of(file).unwrap(), &file.text);
        }
        let printed = match folder.run_blocks(&scripts).await {
            Ok(printed) => printed,
            Err(why) => {
                wrong.push(format!("{}: {why}", chapter.name));
                continue;
            }
        };
        for (script, printed) in scripts.iter().zip(printed) {
            let after = chapter.blocks.iter().find(|block| block.line > script.line);
            let Some(shown) = after.filter(|block| block.info == "text") else { continue };
            if !is_as_documented(&shown.text, &printed) {
                wrong.push(format!("{}:{} prints\n{printed}", chapter.name, shown.line));
            }
        }
        for file in &files {
            let check = format!("{SECRETS}atsync --config {} config check", name_of(file).unwrap());
            if let Err(why) = folder.run(&check).await {
                wrong.push(format!("{}:{}: {why}", chapter.name, file.line));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The variables that configurations of the guide name.
const SECRETS: &str = "export GH_ID=sandbox GH_SECRET=sandbox-secret HOOK_SECRET=a-webhook-secret \
    ATSYNC_TOKEN=$(openssl rand -hex 32) ATSYNC_SEAL_KEY=$(openssl rand -hex 32) \
    VENDOR_ID=sandbox-partner VENDOR_SECRET=sandbox-partner-secret\n";

/// What the examples expect: a server with the connection `greenhouse`.
const SERVER: &str = r#"
trap 'jobs -p | xargs -r kill; wait' EXIT
export ATSYNC=http://127.0.0.1:8470 ATSYNC_SEAL_KEY=$(openssl rand -hex 32)
atsync serve > serve.log 2>&1 &
curl -sS --retry 50 --retry-delay 1 --retry-connrefused $ATSYNC/livez
echo sandbox-secret | atsync connect greenhouse --client-id sandbox \
  --setting 'source=Acme Referrals' \
  --origin api=http://127.0.0.1:8099 --origin auth=http://127.0.0.1:8099 > connect.log
"#;
const SERVER_CONFIG: &str = r#"
store = "atsync.redb"

[serve]
listen = "127.0.0.1:8470"
seal_key = { env = "ATSYNC_SEAL_KEY" }
allow_private_network = true
"#;

async fn example(command: &str) -> (Folder, String) {
    let folder = Folder::new().await;
    folder.write("atsync.toml", SERVER_CONFIG);
    let file = root().join("examples").canonicalize().unwrap();
    let script = format!("{SERVER}{}", command.replace("EXAMPLES", &file.display().to_string()));
    let out = folder.run(&script).await;
    (folder, out.unwrap_or_else(|why| panic!("{command}: {why}")))
}

#[tokio::test]
async fn a_host_in_python_declares_follows_the_feed_and_verifies_a_delivery() {
    needs(&["bash", "curl", "openssl", "python3"]);
    let (folder, out) = example("python3 EXAMPLES/python/host.py").await;
    for line in ["declared: 1 created", "feed: candidates created", "delivered and signed: candid"]
    {
        assert!(out.contains(line), "{out}");
    }
    assert_eq!(folder.sandbox().candidates_by_email("katherine@example.com").len(), 1);
}

#[tokio::test]
async fn a_host_in_curl_declares_applies_and_reads_the_feed() {
    needs(&["bash", "curl", "openssl"]);
    let (folder, out) = example("EXAMPLES/curl.sh").await;
    assert!(out.contains("\"reason\":\"InStep\"") && out.contains("\"changes\":["), "{out}");
    assert_eq!(folder.sandbox().candidates_by_email("grace@example.com").len(), 1);
}

#[test]
fn what_is_printed_otherwise_than_documented_is_found() {
    assert!(is_as_documented("a … c\n…\nz\n", "a b c\nm\nn\nz\n"));
    for other in ["a b\nz\n", "a b c\nz\nlater\n", ""] {
        assert!(!is_as_documented("a … c\n…\nz\n", other), "{other}");
    }
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let repository = "https://github.com/atsync/atsync/blob/main/";
    for good in ["embed.md#close-in-order", "#run-it", &format!("{repository}README.md#the-guide")]
    {
        assert_eq!(wrong_link("embed.md", good), None, "{good}");
    }
    for wrong in ["embed.md#nothing", "absent.md", "../README.md", &format!("{repository}absent")] {
        assert!(wrong_link("embed.md", wrong).is_some(), "{wrong}");
    }
}
