//! The facade's operations on single records: resolve, adopt, import, pause, abandon, withdraw,
//! explain, erase; and on a connection: pausing its writes, and trimming the feed.
//!
//! Ending management never changes the ATS. A withdrawal does only what its plan says. An erasure
//! is not undone.

use crate::engine::Connection;
use crate::error::{Error, ErrorKind};
use crate::index;
use crate::journal::{Intent, IntentId};
use crate::plan::Plan;
use crate::plan::import::Imported;
use crate::plan::withdraw::WithdrawOptions;
use crate::reconcile::{ApplyReport, Explanation, Resolution};
use crate::store::limits::KEY_BYTES_MAX;
use crate::store::{Erasure, ErasureReport, Keep, LinkRow, Mode, StoreError};
use atsync_model::contract::RemoteRef;
use atsync_model::normal;
use atsync_model::resource::PERSON;

/// Candidates that are read to find out whether an address belongs to one of them alone.
const SAME_ADDRESS_MAX: usize = 20;

/// A candidate, as a host names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Person {
    /// By the key of the desired record.
    Key(String),
    /// By the candidate's id in the ATS.
    Candidate(String),
    /// By an e-mail address that one candidate has.
    Email(String),
}

impl Connection {
    /// Decides an intent that is in doubt, as the host says.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when it is not in doubt, or the adopted record does not fit the intent
    /// or is not shown by the ATS.
    pub async fn resolve(&self, intent: IntentId, resolution: Resolution) -> Result<Intent, Error> {
        self.work()?.lifecycle.resolve(intent, resolution).await
    }

    /// Links a path (`key`, `key/applications/a1`, `key/notes/n1`) to an existing record, and the
    /// next plan compares the two. A linked path can be linked to another record only when the ATS
    /// no longer shows the present one.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when kinds do not fit, the ATS does not show the record, or another
    /// path is linked to it.
    pub async fn link(&self, path: &str, remote: &RemoteRef) -> Result<LinkRow, Error> {
        self.work()?.lifecycle.link_by_hand(path, remote).await
    }

    /// Makes a desired record from what the ATS holds of a candidate, whom it names by `id`.
    /// Declared unchanged, it links the candidate and plans no step. Nothing is stored until then.
    /// The result also lists what the record leaves out.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when the ATS does not show the candidate.
    pub async fn import(&self, candidate: &str, key: &str) -> Result<Imported, Error> {
        self.work()?.lifecycle.import(candidate, key).await
    }

    async fn set_mode(&self, key: &str, mode: Mode) -> Result<(), Error> {
        let work = self.work()?;
        if work.context.store.set_mode(key, mode).await? {
            Ok(())
        } else {
            Err(work.context.no_record(key))
        }
    }

    /// Pauses a record: nothing is written for it, by plans that were made before either.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when there is no such record.
    pub async fn pause(&self, key: &str) -> Result<(), Error> {
        self.set_mode(key, Mode::Paused).await
    }

    /// Manages a record (again).
    ///
    /// # Errors
    /// As for [`Connection::pause`].
    pub async fn resume(&self, key: &str) -> Result<(), Error> {
        self.set_mode(key, Mode::Managed).await?;
        self.declared().notify_one();
        Ok(())
    }

    /// Pauses the writes of the connection, for every handle of it and durably: the next processes
    /// find them paused too. Reads go on, plans are made, and writes in doubt are probed. A write
    /// that was sent finishes; the steps that are left are reported as not sent.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn pause_writes(&self) -> Result<(), Error> {
        let work = self.work()?;
        let now_ms = work.context.clock.now_ms();
        work.context
            .change_row(|row| {
                row.writes_paused_ms.get_or_insert(now_ms);
            })
            .await
    }

    /// Allows the writes of the connection again, after [`Connection::pause_writes`] or after its
    /// store was restored from a backup. Returns whether they were paused.
    ///
    /// # Errors
    /// As for [`Connection::pause_writes`].
    pub async fn resume_writes(&self) -> Result<bool, Error> {
        let mut were_paused = false;
        self.work()?
            .context
            .change_row(|row| were_paused = row.writes_paused_ms.take().is_some())
            .await?;
        self.declared().notify_one();
        Ok(were_paused)
    }

    /// Observes a record only: differences are shown and never written.
    ///
    /// # Errors
    /// As for [`Connection::pause`].
    pub async fn observe_only(&self, key: &str) -> Result<(), Error> {
        self.set_mode(key, Mode::ObservedOnly).await
    }

    /// Stops managing a record: removes the desired record and its links. The ATS and the history
    /// of intents stay as they are.
    ///
    /// The links hold also which of its values were erased in the ATS. Declared again, under this
    /// key or another, such values are written. Use [`Connection::erase`] for a candidate who must
    /// not be imported again.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when there is no such record, or while an intent of it is open: settle
    /// or resolve it first.
    pub async fn abandon(&self, key: &str) -> Result<(), Error> {
        self.abandoned(key, None).await
    }

    /// As [`Connection::abandon`], if the record has this generation.
    ///
    /// # Errors
    /// As for [`Connection::abandon`]; [`ErrorKind::Store`] whose cause is [`StoreError::Stale`]
    /// when it has another.
    pub async fn abandon_if(&self, key: &str, generation: u64) -> Result<(), Error> {
        self.abandoned(key, Some(generation)).await
    }

    async fn abandoned(&self, key: &str, generation: Option<u64>) -> Result<(), Error> {
        let work = self.work()?;
        match work.context.store.remove_desired(key, generation).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(work.context.no_record(key)),
            Err(StoreError::IntentOpen(id)) => {
                let name = self.name();
                let message = format!(
                    "{name}: intent {id} of {key} is open; settle or resolve it before the record \
                     is abandoned"
                );
                Err(Error::new(ErrorKind::Input, message))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Plans what [`Connection::withdraw`] would do. Changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when there is no such record.
    pub async fn plan_withdrawal(
        &self,
        key: &str,
        options: WithdrawOptions,
    ) -> Result<Plan, Error> {
        self.work()?.lifecycle.plan_withdrawal(key, options).await
    }

    /// Withdraws what can be withdrawn (tags that the engine applied, contacts that it added to an
    /// existing candidate) and only observes the record from then on, so that nothing is written
    /// again. The plan says what stays.
    ///
    /// # Errors
    /// As for [`Connection::plan_withdrawal`] and [`Connection::apply`].
    pub async fn withdraw(
        &self,
        key: &str,
        options: WithdrawOptions,
    ) -> Result<(Plan, ApplyReport), Error> {
        self.observe_only(key).await?;
        let plan = self.plan_withdrawal(key, options).await?;
        let report = self.apply(&plan).await?;
        Ok((plan, report))
    }

    /// Explains a record: each field with its desired, last applied and observed value, the next
    /// step, and the past writes.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when there is no such record.
    pub async fn explain(&self, key: &str) -> Result<Explanation, Error> {
        self.work()?.explainer.explain(key).await
    }

    /// The paths that are linked to a remote record.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn linked_to(&self, remote: &RemoteRef) -> Result<Vec<LinkRow>, Error> {
        Ok(self.work()?.context.store.links_to(remote).await?)
    }

    async fn erasure(&self, person: &Person) -> Result<Erasure, Error> {
        let mut erasure =
            Erasure { now_ms: self.work()?.context.clock.now_ms(), ..Erasure::default() };
        let name = match person {
            Person::Key(name) | Person::Candidate(name) | Person::Email(name) => name,
        };
        if name.trim().is_empty() || name.len() > KEY_BYTES_MAX {
            let message = format!(
                "{}: a key, an id or an address of a candidate is not blank and has at most \
                 {KEY_BYTES_MAX} bytes; this one has {}",
                self.name(),
                name.len()
            );
            return Err(Error::new(ErrorKind::Input, message));
        }
        match person {
            Person::Key(key) => drop(erasure.keys.insert(key.clone())),
            Person::Candidate(id) => drop(erasure.candidates.insert(id.clone())),
            Person::Email(email) => {
                if let Some(fault) = normal::address_fault(email.trim_ascii()) {
                    let message = format!(
                        "{}: {email:?} is no plain e-mail address: {fault}; name one address, or \
                         the candidate by id",
                        self.name()
                    );
                    return Err(Error::new(ErrorKind::Input, message));
                }
                let work = self.work()?;
                let store = &work.context.store;
                let rows = store.lookup(PERSON, index::EMAIL, email, SAME_ADDRESS_MAX).await?;
                if rows.len() > 1 {
                    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
                    let message = format!(
                        "{}: several candidates have this address (ids {}); name one of them by id",
                        self.name(),
                        ids.join(", ")
                    );
                    return Err(Error::new(ErrorKind::Input, message));
                }
                erasure.candidates.extend(rows.into_iter().map(|row| row.id));
                erasure.addresses.insert(email.clone());
            }
        }
        Ok(erasure)
    }

    /// Erases a candidate here: their desired and observed records, write history and change
    /// events. It also blocks their import by later pulls. The ATS is not changed; delete them
    /// there too. A write that is under way is not awaited: its outcome is not stored, and what it
    /// makes is in the ATS. See [`crate::store::Erasures::erase`] for what stays. The bytes may
    /// stay in unused pages of the store's file until the store is closed and written anew:
    /// [`crate::store::redb::RedbStore::compact`].
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when several candidates have the address.
    pub async fn erase(&self, person: &Person) -> Result<ErasureReport, Error> {
        let erasure = self.erasure(person).await?;
        Ok(self.work()?.context.store.erase(erasure).await?)
    }

    /// Allows an erased candidate to be imported again, by the next full pull or declaration.
    /// Returns whether they were erased. If they are declared again soon, the engine probes for
    /// them until the ATS must show what was written before.
    ///
    /// # Errors
    /// As for [`Connection::erase`].
    pub async fn undo_erasure(&self, person: &Person) -> Result<bool, Error> {
        let erasure = self.erasure(person).await?;
        Ok(self.work()?.context.store.undo_erasure(erasure).await?)
    }

    /// Removes the events of the feed that are older than this; `keep` says whether it spares those
    /// that a consumer has not acknowledged. A reader that needs a removed event gets an error: see
    /// [`StoreError::ChangesGone`].
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn trim(&self, age_max_ms: u64, keep: Keep) -> Result<u64, Error> {
        let work = self.work()?;
        let before_ms = work.context.clock.now_ms().saturating_sub(age_max_ms);
        Ok(work.context.store.trim_changes(before_ms, keep).await?)
    }

    /// The least age of [`Connection::trim_journal`], 30 days: the engine reads younger intents to
    /// know what an ATS need not show yet.
    pub const JOURNAL_AGE_MIN_MS: u64 = 30 * 24 * 3_600_000;

    /// Refuses an age of the journal that is too low.
    pub(crate) fn check_journal_age(&self, age_max_ms: u64) -> Result<(), Error> {
        if age_max_ms < Self::JOURNAL_AGE_MIN_MS {
            let why = "ended intents are kept for 30 days at least; give a greater age";
            return Err(Error::new(ErrorKind::Input, format!("{}: {why}", self.name())));
        }
        Ok(())
    }

    /// Removes ended intents that are older than this, and returns how many. Kept at every age are
    /// those that decide about a later write: one in doubt, and one that was refused or abandoned
    /// while its desired record is unchanged, and one whose effect the ATS has not shown. With the
    /// others their history
    /// ([`Connection::explain`]) and the personal data in their inputs go.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for an age below [`Self::JOURNAL_AGE_MIN_MS`]; [`ErrorKind::Store`].
    pub async fn trim_journal(&self, age_max_ms: u64) -> Result<u64, Error> {
        self.check_journal_age(age_max_ms)?;
        let work = self.work()?;
        let before_ms = work.context.clock.now_ms().saturating_sub(age_max_ms);
        Ok(work.context.store.trim_intents(before_ms).await?)
    }

    /// The serial of the oldest change that is left.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn changes_first(&self) -> Result<u64, Error> {
        Ok(self.work()?.context.store.changes_first().await?)
    }

    /// Removes a consumer and its offset, so that it no longer prevents trimming.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn end_consumer(&self, consumer: &str) -> Result<(), Error> {
        Ok(self.work()?.context.store.end_consumer(consumer).await?)
    }
}
