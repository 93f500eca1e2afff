//! The recruiter's office: where fates and edits come from, between the lives of the engine and
//! within them, between any two exchanges.
//!
//! Within a life every act shows at once, as what is done on the ATS's own screens does. What the
//! acts need to know is read from the store as it is at that moment. Two things are kept watch
//! over: whom the engine made for which address, before a fate hides it; and from when on the store
//! holds somebody as anonymised, since from then on nothing may be written to them.
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
    /// Candidates that the engine made for an address.
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

    /// A fate between two lives. Whether one struck.
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
        let deed = self.recruiter.lock().unwrap().act(&self.sandbox, &known.people);
        self.say(deed);
    }

    /// A recruiter moves, rejects or takes back a rejection while something of that person is in
    /// doubt. Whether they did.
    pub(crate) fn work_in_doubt(&self, files: &Files) -> bool {
        let Some(known) = Known::of(&files.store, &files.keys) else { return false };
        let people: Vec<i64> = known.in_doubt.into_iter().collect();
        let done = self.recruiter.lock().unwrap().work_in_doubt(&self.sandbox, &people);
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
            let deed = self.recruiter.lock().unwrap().act_meanwhile(&self.sandbox, &known.people);
            self.say(format!("meanwhile, {deed}"));
            self.counts.fired("recruiter acts meanwhile");
        });
    }

    /// As [`Self::work_in_doubt`], within a life.
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

    /// Looks at what was written since `from` writes, and at what the store knows of the
    /// anonymised. How many writes there are by now.
    ///
    /// Called before any fate strikes, so a record that was written still belongs to the candidate
    /// whom it was written to: a merge moves it later.
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
        // Taken after the writes were judged: what left before the store knew may have been
        // written.
        let blank = fates.anonymised.iter().chain(fates.blanked.keys()).copied();
        let news: Vec<i64> = blank.filter(|id| !fates.known_as_blank.contains(id)).collect();
        let news = news.into_iter().filter(|id| known::is_anonymised(store, *id));
        let news: Vec<i64> = news.collect();
        fates.known_as_blank.extend(news);
        writes.len()
    }

    /// The law that nothing is written to somebody whom the store held as anonymised when it left.
    /// Whose an application is that is changed, the store says: a merge that nobody was told of
    /// moves it without a sign in the rows of candidates.
    fn is_not_to_the_anonymised(&self, write: &Write, store: &Arc<dyn Store>) {
        let row = self.sandbox.row(write.collection, write.id).unwrap_or_default();
        let of = match (write.collection, write.deed) {
            ("candidates", _) => Some(write.id),
            ("applications", Deed::Update) => known::candidate_of(store, write.id),
            _ => row["candidate_id"].as_i64(),
        };
        if of.is_some_and(|of| self.fates.lock().unwrap().known_as_blank.contains(&of)) {
            let Write { deed, collection, id, .. } = write;
            let law = format!("{deed:?} of {collection} {id} of somebody known to be anonymised");
            self.broken.lock().unwrap().push(law);
        }
    }
}
