//! The entry of one request: begun, added to, ended once.
//!
//! The gate makes it and ends it with the answer. A handler finds it among the extensions of its
//! request, and may say what the act is about, how many, or that the answer is not its end
//! ([`Deed::keep`]). One that is dropped without an end says that the caller left.

use super::act::Act;
use super::entry::{By, Entry, Outcome, bounded};
use super::log::{Log, Urgency, Written};
use crate::serve::problem::{Problem, ProblemType};
use atsync::{Clock, Engine, Entropy, SystemClock, SystemEntropy};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// See the module.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Deed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    log: Arc<Log>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    entry: Entry,
    /// What it is about: stored where it is done, or where it is known to be there.
    target: Option<String>,
    is_found: bool,
    stage: Stage,
    /// The end comes later than the answer.
    is_kept: bool,
}

#[derive(Debug)]
enum Stage {
    /// Nothing is written yet.
    New,
    /// With this number. The receiver is there while nothing waited for the entry.
    Begun(u64, Engine, Option<oneshot::Receiver<Written>>),
    /// Written to its end, or it is no act.
    Over,
}

/// Who acts, and where.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Actor<'a> {
    pub(in crate::serve) by: By,
    pub(in crate::serve) who: Option<&'a str>,
    /// A connection that is there.
    pub(in crate::serve) connection: Option<&'a str>,
    /// The key of a desired record.
    pub(in crate::serve) key: Option<&'a str>,
}

fn unwritten(detail: &str) -> Problem {
    Problem::new(ProblemType::StoreFailed, detail)
}

impl Deed {
    /// An act whose entry is not begun.
    pub(in crate::serve) fn new(log: &Arc<Log>, what: Act) -> Self {
        let request = SystemEntropy.id();
        let entry = Entry::new(SystemClock.now_ms(), By::Stranger, what, &request);
        let state =
            State { entry, target: None, is_found: false, stage: Stage::New, is_kept: false };
        Self(Arc::new(Inner { log: Arc::clone(log), state: Mutex::new(state) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of the request.
    pub(in crate::serve) fn request(&self) -> String {
        self.state().entry.request.clone()
    }

    /// What is done.
    pub(super) fn what(&self) -> Act {
        self.state().entry.what
    }

    /// Begins the entry, and waits until it is durable where the act waits for that.
    ///
    /// # Errors
    /// When it cannot be written: then nothing may be done.
    pub(in crate::serve) async fn begin(
        &self,
        engine: &Engine,
        actor: Actor<'_>,
    ) -> Result<(), Problem> {
        let nothing = "nothing was done, since the audit log cannot be written; the log of the \
                       server says why";
        let waited = {
            let mut state = self.state();
            let head = self.0.log.head().ok_or_else(|| unwritten(nothing))?;
            let Actor { by, who, connection, key } = actor;
            let entry = &mut state.entry;
            (entry.by, entry.who) = (by, who.map(bounded));
            entry.record = connection.zip(key).and_then(|(name, key)| head.digest(name, key));
            entry.connection = connection.map(bounded);
            let begun = self.0.log.begin(engine, &state.entry);
            let (number, written) = begun.ok_or_else(|| unwritten(nothing))?;
            let (waited, later) = match state.entry.what.waits() {
                true => (Some((number, written)), None),
                false => (None, Some(written)),
            };
            state.stage = Stage::Begun(number, engine.clone(), later);
            waited
        };
        if let Some((number, written)) = waited
            && written.await != Ok(Written::Yes)
        {
            self.state().stage = Stage::Over;
            self.0.log.is_lost(number);
            return Err(unwritten(nothing));
        }
        Ok(())
    }

    /// As [`Self::begin`], where the handler knows which act it is.
    pub(in crate::serve) async fn begin_as(
        &self,
        what: Act,
        engine: &Engine,
        actor: Actor<'_>,
    ) -> Result<(), Problem> {
        self.state().entry.what = what;
        self.begin(engine, actor).await
    }

    /// It is no act: no entry is written.
    pub(in crate::serve) fn none(&self) {
        self.state().stage = Stage::Over;
    }

    /// Whether its entry is begun or not needed.
    pub(super) fn is_settled(&self) -> bool {
        !matches!(self.state().stage, Stage::New)
    }

    /// What the act is about. It must have nothing of a candidate.
    pub(in crate::serve) fn about(&self, target: &str) {
        self.state().target = Some(bounded(target));
    }

    /// The connection that it made, or that the handler found.
    pub(super) fn at(&self, connection: &str) {
        self.state().entry.connection = Some(bounded(connection));
    }

    /// How many records, steps or requests.
    pub(in crate::serve) fn counted(&self, count: impl TryInto<u64>) {
        self.state().entry.count = Some(count.try_into().unwrap_or(u64::MAX));
    }

    /// The answer is not the end of the act: [`Kept::end`] says it.
    pub(in crate::serve) fn keep(self) -> Kept {
        self.state().is_kept = true;
        Kept(self)
    }

    /// Whether a handler says the end.
    pub(super) fn is_kept(&self) -> bool {
        self.state().is_kept
    }

    /// Writes how it ended. Waits until that is durable where the act waits for it, and otherwise
    /// until its beginning is.
    ///
    /// # Errors
    /// When neither is durable: the act may have been done without an entry.
    pub(super) async fn end(
        &self,
        outcome: Outcome,
        problem: Option<ProblemType>,
    ) -> Result<(), Problem> {
        let (begun, written) = {
            let mut state = self.state();
            let Stage::Begun(number, engine, begun) =
                std::mem::replace(&mut state.stage, Stage::Over)
            else {
                return Ok(());
            };
            let is_found = outcome == Outcome::Done || state.is_found;
            let target = state.target.take();
            let is_number = |target: &String| target.parse::<u64>().is_ok();
            state.entry.target = target.filter(|target| is_found || is_number(target));
            state.entry.result = Some(outcome);
            state.entry.problem = problem.map(|problem| problem.word().to_owned());
            // The beginning is durable, or waits in front of it.
            let urgency = if begun.is_some() { Urgency::Later } else { Urgency::Now };
            (begun, self.0.log.end(&engine, (number, urgency), &state.entry))
        };
        // The result of an act that waited has its beginning in the store.
        let Some(begun) = begun else {
            drop(written.await);
            return Ok(());
        };
        if begun.await == Ok(Written::Yes) || written.await == Ok(Written::Yes) {
            return Ok(());
        }
        Err(unwritten(
            "it may have been done, but the audit log cannot be written; the log of the server \
             says why",
        ))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let stage = std::mem::replace(&mut state.stage, Stage::Over);
        let Stage::Begun(number, engine, _) = stage else { return };
        // Outside of the runtime nothing can be written: the process ends.
        if tokio::runtime::Handle::try_current().is_ok() {
            state.entry.result = Some(Outcome::Left);
            drop(self.log.end(&engine, (number, Urgency::Now), &state.entry));
        }
    }
}

/// An act whose end comes later than its answer.
#[derive(Debug)]
pub(in crate::serve) struct Kept(Deed);

impl Kept {
    /// How many records or steps.
    pub(in crate::serve) fn counted(&self, count: impl TryInto<u64>) {
        self.0.counted(count);
    }

    /// It ended: well, or as this problem says. What it was about is there.
    pub(in crate::serve) async fn end(self, problem: Option<ProblemType>) {
        self.0.state().is_found = true;
        let outcome = problem.map_or(Outcome::Done, |_| Outcome::Refused);
        drop(self.0.end(outcome, problem).await);
    }

    /// A command ended with an error.
    pub(in crate::serve) async fn failed(self) {
        drop(self.0.end(Outcome::Failed, None).await);
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::{self, Filter};
    use super::{Actor, Deed};
    use crate::serve::audit::act::Act;
    use crate::serve::audit::entry::{By, Outcome};
    use crate::serve::audit::log::Log;
    use crate::serve::problem::ProblemType;
    use atsync::Engine;
    use std::sync::Arc;

    const HOST: Actor<'_> =
        Actor { by: By::Token, who: Some("host"), connection: Some("acme"), key: Some("a") };

    async fn opened() -> (tempfile::TempDir, Arc<Log>, Engine) {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::builder().store_file(directory.path().join("a.redb")).unwrap();
        let engine = engine.build().unwrap();
        let log = Arc::new(Log::default());
        log.load(&engine).await.unwrap();
        (directory, log, engine)
    }

    #[tokio::test]
    async fn an_act_whose_entry_cannot_be_written_is_refused_and_a_declaration_is_not_answered() {
        let (_directory, log, engine) = opened().await;
        engine.clone().close().await.unwrap();
        let made = Deed::new(&log, Act::MakeToken);
        let refused = made.begin(&engine, HOST).await.unwrap_err();
        assert_eq!(refused.what(), ProblemType::StoreFailed);
        assert!(refused.detail().contains("nothing was done"), "{}", refused.detail());
        let declared = Deed::new(&log, Act::Declare);
        declared.begin(&engine, HOST).await.unwrap();
        let refused = declared.end(Outcome::Done, None).await.unwrap_err();
        assert!(refused.detail().contains("may have been done"), "{}", refused.detail());
        // Neither is under way.
        assert!(!log.underway().has(1) && !log.underway().has(2));
        // Before the log was read nothing may be done either.
        let unread = Deed::new(&Arc::default(), Act::Declare);
        assert!(unread.begin(&engine, HOST).await.is_err());
    }

    #[tokio::test]
    async fn an_act_whose_caller_leaves_says_so_and_one_that_is_kept_ends_later() {
        let (_directory, log, engine) = opened().await;
        let left = Deed::new(&log, Act::Check);
        left.begin(&engine, HOST).await.unwrap();
        drop(left);
        let kept = Deed::new(&log, Act::Apply);
        kept.begin(&engine, HOST).await.unwrap();
        kept.about("plan");
        let kept = kept.keep();
        assert!(log.underway().has(2));
        kept.counted(3_usize);
        kept.end(Some(ProblemType::Unavailable)).await;
        log.ended(&engine).await;
        let all = read::after(&engine, 0, 10, (&Filter::default(), &|_| false)).await.unwrap();
        let of = |number: usize| all.entries.get(number).unwrap().entry.clone();
        assert_eq!(of(0).result, Some(Outcome::Left));
        assert_eq!((of(1).result, of(1).count), (Some(Outcome::Refused), Some(3)));
        // It got under way, so its target is there.
        assert_eq!(
            (of(1).target.as_deref(), of(1).problem.as_deref()),
            (Some("plan"), Some("unavailable"))
        );
    }
}
