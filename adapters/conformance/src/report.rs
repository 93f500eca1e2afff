//! What an adapter promises, and what the suite found of each promise.
//!
//! A finding names the promise, the part of the adapter that it is about (a kind, an operation, a
//! permission), and whether it held. A broken one shows the exchange: each request, the beginning
//! of its answer, the state that the adapter kept, and how the task ended. What could not be tried
//! says why, so that a gap of the sandbox is not taken for a promise that holds.

use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

macro_rules! promises {
    ($($(#[$doc:meta])* $name:ident: $word:literal, $says:literal;)*) => {
        /// What every adapter promises.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Promise { $($(#[$doc])* $name),* }

        impl Promise {
            /// All of them, in the order of a report.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name, for lists and programs.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// The promise, in a sentence.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $says),* }
            }
        }
    };
}

promises! {
    /// The manifest fits the model and itself.
    Manifest: "manifest",
        "the manifest names only what the unified model has, and agrees with itself";
    /// The tenant is known.
    Tenant: "tenant",
        "the tenant is identified, the same each time";
    /// Every kind can be read.
    Rows: "rows",
        "every kind that the manifest lists can be read, and its records are the ATS's";
    /// Pages are complete.
    Pages: "pages",
        "pages of any size lead to the end and show each record exactly once";
    /// Pages are as large as asked.
    PageSize: "page-size",
        "a page has no more records than were asked for, nor than the manifest's maximum";
    /// Records have the unified shape.
    Shape: "shape",
        "records are unified records, within their masks, and masks name fields of the kind";
    /// Changes arrive.
    Changes: "changes",
        "an old record that is edited arrives with the next pass, and only changes do";
    /// Changes below parents arrive.
    Below: "below",
        "a record that is edited below an old parent arrives with the next pass below that parent";
    /// Single records can be read.
    Fetch: "fetch",
        "records that are fetched by id are those of the list, and unknown ids are missing";
    /// A bad row costs itself.
    BadRow: "bad-row",
        "one bad row costs itself, with a problem that names it, and not the page";
    /// A bad answer is a failure.
    Hostile: "hostile",
        "an answer that is not the ATS's documented one is a classified failure, never an end";
    /// Failures have their class.
    Classes: "classes",
        "401, 403, 404, 429 and 5xx are failures of their own classes";
    /// Circles end.
    Circles: "circles",
        "a list that answers the same page again and again does not make a cursor grow";
    /// Permissions are checked.
    Permissions: "permissions",
        "a permission that is taken away is noticed, by its check and by its readers";
    /// Throttling is noticed.
    Throttling: "throttling",
        "a throttled request ends as throttled, with the wait that the ATS names";
    /// Writes happen.
    Writes: "writes",
        "an operation that the ATS accepts is applied, and names what it made";
    /// One request changes something.
    OneChange: "one-change",
        "a write sends exactly one request that changes the ATS (an idempotent one: one or more), \
         and no other task sends one";
    /// Probes are right.
    Probes: "probes",
        "a probe finds a write whose answer was lost, and does not find one that was not sent";
    /// Refusals are refusals.
    Refusals: "refusals",
        "a write that the ATS refuses is refused, and changes nothing";
    /// Webhooks are verified.
    Hooks: "hooks",
        "a webhook without a valid signature gives no hint";
    /// Signed webhooks give hints.
    Signed: "signed",
        "a signed webhook is verified and hints at records that exist; a changed one is refused";
    /// Old webhooks show as old.
    Replays: "replays",
        "the time at which a webhook was signed is reported, and cannot be changed";
    /// Webhooks can be registered.
    Registering: "registering",
        "a webhook that is registered, changed or removed is listed so";
    /// Answers depend on arguments alone.
    Determinism: "determinism",
        "the same call gives the same answer, whatever was called before";
    /// Limits are kept.
    Limits: "limits",
        "calls stay within time and memory, and states within 64 KiB";
    /// The contract is kept.
    Contract: "contract",
        "answers are those that the contract allows for the task";
    /// The adapter never traps.
    NoTrap: "no-trap",
        "no answer of an ATS makes the adapter trap or panic";
}

impl Serialize for Promise {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

/// Whether a promise held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It held each time that it was tried.
    Held,
    /// It did not.
    Broken {
        /// What happened, and what should have.
        what: String,
        /// The exchange, line by line.
        exchange: Vec<String>,
    },
    /// It was not tried.
    NotTried {
        /// What is missing for it.
        why: String,
    },
}

/// One result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The promise.
    pub promise: Promise,
    /// What it is about: a kind, an operation, a permission; empty for the whole adapter.
    pub subject: String,
    /// Whether it held.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Findings of one promise that a report keeps as broken; a fault in every row is one fault.
const BROKEN_MAX: usize = 20;

/// What the suite found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The adapter's name.
    pub adapter: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its component; none when it is linked in.
    pub code: Option<String>,
    /// Calls of the adapter.
    pub calls: u64,
    /// Requests that were sent.
    pub requests: u64,
    /// The findings, one for each promise and subject, and one more for each further way in which
    /// it is broken.
    pub findings: Vec<Finding>,
    /// Broken findings beyond the most that are kept.
    pub more_broken: u64,
}

impl Report {
    /// Whether no promise is broken.
    pub fn is_clean(&self) -> bool {
        self.broken().next().is_none()
    }

    /// The findings of broken promises.
    pub fn broken(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| matches!(finding.verdict, Verdict::Broken { .. }))
    }

    /// The findings of promises that were not tried.
    pub fn not_tried(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| matches!(finding.verdict, Verdict::NotTried { .. }))
    }

    /// The promises of which something was tried: those that hold, and those that are broken.
    pub fn checked(&self) -> (usize, usize) {
        let tried: BTreeSet<Promise> = self
            .findings
            .iter()
            .filter(|one| !matches!(one.verdict, Verdict::NotTried { .. }))
            .map(|one| one.promise)
            .collect();
        let broken: BTreeSet<Promise> = self.broken().map(|one| one.promise).collect();
        (tried.difference(&broken).count(), broken.len())
    }

    /// A promise held for a subject, unless it was found broken before.
    pub(crate) fn held(&mut self, promise: Promise, subject: &str) {
        let is_known = |finding: &Finding| {
            finding.promise == promise
                && finding.subject == subject
                && !matches!(finding.verdict, Verdict::NotTried { .. })
        };
        if !self.findings.iter().any(is_known) {
            self.add(promise, subject, Verdict::Held);
        }
    }

    pub(crate) fn not_tried_for(
        &mut self,
        promise: Promise,
        subject: &str,
        why: impl Into<String>,
    ) {
        self.add(promise, subject, Verdict::NotTried { why: why.into() });
    }

    pub(crate) fn broke(
        &mut self,
        promise: Promise,
        subject: &str,
        what: impl Into<String>,
        exchange: Vec<String>,
    ) {
        let same = |finding: &&Finding| {
            finding.promise == promise
                && finding.subject == subject
                && matches!(finding.verdict, Verdict::Broken { .. })
        };
        if self.findings.iter().filter(same).count() >= BROKEN_MAX {
            self.more_broken = self.more_broken.saturating_add(1);
            return;
        }
        self.findings.retain(|finding| {
            finding.promise != promise
                || finding.subject != subject
                || finding.verdict != Verdict::Held
        });
        self.add(promise, subject, Verdict::Broken { what: what.into(), exchange });
    }

    fn add(&mut self, promise: Promise, subject: &str, verdict: Verdict) {
        let finding = Finding { promise, subject: subject.to_owned(), verdict };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (held, broken) = self.checked();
        writeln!(
            f,
            "{} {}: of {} promises {} were checked, {held} held, {broken} broken; {} calls, {} \
             requests",
            self.adapter,
            self.version,
            Promise::ALL.len(),
            held.saturating_add(broken),
            self.calls,
            self.requests
        )?;
        for promise in Promise::ALL {
            let of: Vec<&Finding> =
                self.findings.iter().filter(|finding| finding.promise == *promise).collect();
            if of.is_empty() {
                continue;
            }
            let broken =
                of.iter().filter(|one| matches!(one.verdict, Verdict::Broken { .. })).count();
            let held = of.iter().filter(|one| one.verdict == Verdict::Held).count();
            let word = if broken > 0 {
                "BROKEN"
            } else if held > 0 {
                "held"
            } else {
                "not tried"
            };
            writeln!(f, "{word:<9} {:<13} {}", promise.word(), promise.sentence())?;
            // One line for each reason, with the subjects that it is about.
            let mut gaps: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for finding in of {
                match &finding.verdict {
                    Verdict::Held => {}
                    Verdict::NotTried { why } => {
                        gaps.entry(why).or_default().push(&finding.subject);
                    }
                    Verdict::Broken { what, exchange } => {
                        let subject = &finding.subject;
                        let colon = if subject.is_empty() { "" } else { ": " };
                        writeln!(f, "    {subject}{colon}{what}")?;
                        for line in exchange {
                            writeln!(f, "        {line}")?;
                        }
                    }
                }
            }
            for (why, subjects) in gaps {
                let subjects = subjects.join(", ");
                let colon = if subjects.is_empty() { "" } else { ": " };
                writeln!(f, "    not tried: {subjects}{colon}{why}")?;
            }
        }
        if self.more_broken > 0 {
            writeln!(f, "and {} more like these", self.more_broken)?;
        }
        Ok(())
    }
}
