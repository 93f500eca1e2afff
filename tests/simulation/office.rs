//! The recruiter's office: the source of fates and edits, between the lives of the engine and
//! within them, between any two exchanges.
//!
//! Within a life every act shows at once, like a change on the ATS's own screens. The acts read
//! what they need from the store of that moment. The office watches two facts: whom the engine
//! created for which address, before a fate hides it; and since when the store holds a candidate as
//! anonymised, since from then on nothing may be written to them.
//!
//! Left out: an edit that the ATS's reads do not show yet. Nothing could merge with it.

use crate::fates::Fates;
use crate::faults::Counts;
use crate::known::{self, Known};
use crate::recruiter::Recruiter;
use atsync::internals::store::Store;
use atsync_greenhouse_sandbox::{Deed, Sandbox, Write, Writer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// See the module. Clones share what they know.
#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) sandbox: Sandbox,
    pub(crate) fates: Arc<Mutex<Fates>>,
    pub(crate) recruiter: Arc<Mutex<Recruiter>>,
    /// Candidates that the engine created for an address.
    pub(crate) makings: Arc<Mutex<BTreeMap<String, BTreeSet<i64>>>>,
    /// Laws that were broken within a life.
    pub(crate) broken: Arc<Mutex<Vec<String>>>,
    pub(crate) counts: Counts,
    pub(crate) trace: Arc<Mutex<Vec<String>>>,
}

/// The store of the moment, and the keys that the host declares.
pub(crate) struct Files {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Vec<String>,
}

impl Office {
    fn say(&self, line: String) {
        self.trace.lock().unwrap().push(line);
    }

    /// A fate between two lives. Returns whether one struck.
    pub(crate) fn fate(&self, files: &Files) -> bool {
        self.strike(files, false)
    }

    fn strike(&self, files: &Files, within: bool) -> bool {
        let Some(known) = Known::of(&files.store, &files.keys) else { return false };
        let mut recruiter = self.recruiter.lock().unwrap();
        let fate = self.fates.lock().unwrap().act(&self.sandbox, &known, &mut recruiter, within);
        let Some((words, deed)) = fate else { return false };
        words.into_iter().for_each(|word| self.counts.fired(word));
        self.say(if within { format!("meanwhile, {deed}") } else { deed });
        true
    }

    /// An edit between two lives.
    pub(crate) fn edit(&self, files: &Files) {
        let Some(known) = Known::of(&files.store, &files.keys) else { return };
        let deed = self.recruiter.lock().unwrap().act(&self.sandbox, &known.candidates);
        self.say(deed);
    }

    /// A recruiter moves, rejects or unrejects an application while a write about that candidate is
    /// in doubt. Returns whether they did.
    pub(crate) fn work_in_doubt(&self, files: &Files) -> bool {
        let Some(known) = Known::of(&files.store, &files.keys) else { return false };
        let candidates: Vec<i64> = known.in_doubt.into_iter().collect();
        let done = self.recruiter.lock().unwrap().work_in_doubt(&self.sandbox, &candidates);
        let Some((word, deed)) = done else { return false };
        self.counts.fired(word);
        self.say(deed);
        true
    }

    /// A fate within a life.
    pub(crate) fn fate_meanwhile(&self, files: &Files) {
        self.at_once(|| {
            if self.strike(files, true) {
                self.counts.fired("a fate strikes meanwhile");
            }
        });
    }

    /// An edit within a life.
    pub(crate) fn edit_meanwhile(&self, files: &Files) {
        let Some(known) = Known::of(&files.store, &files.keys) else { return };
        self.at_once(|| {
            let deed =
                self.recruiter.lock().unwrap().act_meanwhile(&self.sandbox, &known.candidates);
            self.say(format!("meanwhile, {deed}"));
            self.counts.fired("recruiter acts meanwhile");
        });
    }

    /// Like [`Self::work_in_doubt`], within a life.
    pub(crate) fn work_in_doubt_meanwhile(&self, files: &Files) {
        self.at_once(|| {
            self.work_in_doubt(files);
        });
    }

    fn at_once(&self, act: impl FnOnce()) {
        let quirks = self.sandbox.quirks();
        self.sandbox.set_quirks(|quirks| {
            quirks.visibility_delay_ms = 0;
            quirks.visibility_delays_ms.clear();
        });
        act();
        self.sandbox.set_quirks(|now| *now = quirks);
    }

    /// Checks the writes since number `from` against what the store knows of the anonymised.
    /// Returns the number of writes so far.
    ///
    /// Called before any fate strikes, so a record that was written still belongs to the candidate
    /// it was written to: a merge moves it later.
    pub(crate) fn watch(&self, store: &Arc<dyn Store>, from: usize) -> usize {
        let writes = self.sandbox.writes();
        for write in writes.iter().skip(from) {
            if write.writer != Writer::Api {
                continue;
            }
            self.is_not_to_the_anonymised(write, store);
            if write.collection != "candidates" || write.deed != Deed::Create {
                continue;
            }
            let row = self.sandbox.row("candidates", write.id).unwrap_or_default();
            for email in row["email_addresses"].as_array().into_iter().flatten() {
                let email = email["value"].as_str().unwrap_or_default().to_owned();
                self.makings.lock().unwrap().entry(email).or_default().insert(write.id);
            }
        }
        let mut fates = self.fates.lock().unwrap();
        // Read after the writes were judged: a write that left before the store knew is allowed.
        let blank = fates.anonymised.iter().chain(fates.blanked.keys()).copied();
        let news: Vec<i64> = blank.filter(|id| !fates.known_as_blank.contains(id)).collect();
        let news = news.into_iter().filter(|id| known::is_anonymised(store, *id));
        let news: Vec<i64> = news.collect();
        fates.known_as_blank.extend(news);
        writes.len()
    }

    /// The law that no write reaches a candidate whom the store held as anonymised when it left.
    /// The store says to whom a changed application belongs: a merge that was not reported moves it
    /// without a sign in the rows of candidates.
    fn is_not_to_the_anonymised(&self, write: &Write, store: &Arc<dyn Store>) {
        let row = self.sandbox.row(write.collection, write.id).unwrap_or_default();
        let of = match (write.collection, write.deed) {
            ("candidates", _) => Some(write.id),
            ("applications", Deed::Update) => known::candidate_of(store, write.id),
            _ => row["candidate_id"].as_i64(),
        };
        if of.is_some_and(|of| self.fates.lock().unwrap().known_as_blank.contains(&of)) {
            let Write { deed, collection, id, .. } = write;
            let law =
                format!("{deed:?} of {collection} {id} of a candidate known to be anonymised");
            self.broken.lock().unwrap().push(law);
        }
    }
}
