//! Requests in the middle of a task, written one after the other.
//!
//! A component keeps nothing between two calls. So a function over [`Ats`] runs from its beginning
//! at each call: what earlier answers gave is kept in the continuation and returned at once, and
//! the first request without an answer ends the run by `?`. The function must therefore do the same
//! with the same answers, which it does unless it goes around [`Ats`]; and it should keep of an
//! answer no more than it needs, since a continuation has 64 KiB.
//!
//! Left out: requests at the same time. The engine sends one after the other.

use super::adapter::State;
use super::list::{Body, Place, Wanted};
use super::{About, Answer, Call, Id, List, Refusals, got};
use crate::contract::{
    CONTINUATION_BYTES_MAX, Effect, Failure, FieldError, Given, Response, Send, Since, Step,
    Written,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The most pages that a search reads.
const PAGES_MAX: usize = 20;

/// What earlier answers of a task gave.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Each as JSON.
    values: Vec<String>,
    /// The index of the value of the first `unsafe` request, once it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent: Option<usize>,
}

/// The end of a run: a request to send, or the reason why the task ends here. Made by the functions
/// of [`Ats`], or from a [`Failure`] by `?`.
#[derive(Debug)]
pub struct Stop(pub(crate) Why);

#[derive(Debug)]
pub(crate) enum Why {
    Ask(Box<Call>, Effect),
    Failed(Failure),
    Written(Box<Written>),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self(Why::Failed(failure))
    }
}

impl Stop {
    /// Ends a write: accepted for later. The text is passed to the next probe.
    pub fn pending(handle: impl Into<String>) -> Self {
        Self(Why::Written(Box::new(Written::Pending(handle.into()))))
    }

    /// The message of a request that was refused for want of a right; any other end is returned as
    /// it is. For checks that read an answer for several permissions.
    ///
    /// # Errors
    /// The end itself, when it is another.
    pub fn denied(self) -> Result<String, Self> {
        match self.0 {
            Why::Failed(Failure::Denied(denied)) => Ok(denied.message),
            other => Err(Self(other)),
        }
    }

    /// Ends a write: the answer does not say whether it happened. A probe settles it.
    pub fn unclear(why: impl Into<String>) -> Self {
        Self(Why::Written(Box::new(Written::Unclear(why.into()))))
    }
}

/// The ATS, as one task sees it.
#[derive(Debug)]
pub struct Ats<'a> {
    pub(crate) about: &'a About,
    pub(crate) given: &'a Given,
    pub(crate) refusals: Refusals,
    /// The permission that the task needs, if it is one.
    pub(crate) permission: &'a str,
    /// The statuses that mean: refused, nothing changed. Empty where the task may not write.
    pub(crate) refused: Option<&'a [u16]>,
    /// Whether the write may send several requests that change the ATS.
    pub(crate) may_repeat: bool,
    pub(crate) kept: Kept,
    pub(crate) next: usize,
    pub(crate) reply: Option<Response>,
}

impl<'a> Ats<'a> {
    /// The context of the call.
    pub fn given(&self) -> &'a Given {
        self.given
    }

    /// The connection's settings: see [`settings`](super::settings).
    ///
    /// # Errors
    /// As there.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        super::settings(self.given)
    }

    /// Whether the request that changes the ATS was sent.
    pub(crate) fn has_sent(&self) -> bool {
        self.kept.sent.is_some()
    }

    /// Sends a request that changes nothing, and returns what `take` reads from its answer.
    ///
    /// # Errors
    /// Ends the run until the answer is there; then, the failure of a refused request.
    pub fn read<T: Serialize + DeserializeOwned>(
        &mut self,
        call: impl Into<Call>,
        take: impl FnOnce(&Answer<'_>) -> Result<T, Failure>,
    ) -> Result<T, Stop> {
        let Some(index) = self.turn()? else {
            return self.again();
        };
        let call = call.into();
        let Some(reply) = self.reply.take() else {
            if call.ask.method != "GET" && !self.about.is_safe(&call.ask) {
                return Err(Stop::from(Failure::Bug(format!(
                    "{} {} is sent as a read, and the manifest does not list it: add the path to \
                     `.safe(…)`",
                    call.ask.method, call.ask.path
                ))));
            }
            return Err(Stop(Why::Ask(Box::new(call), Effect::Safe)));
        };
        let answer = Answer::new(&reply);
        if !call.ask.accepts.contains(&answer.status()) {
            let refused = answer.failure(self.refusals, self.permission);
            refused.map_or(Ok(()), |failure| Err(Stop::from(failure)))?;
        }
        let value = take(&answer)?;
        self.keep(index, value)
    }

    /// Reads a whole answer: [`Ats::read`] with [`Answer::json`].
    ///
    /// # Errors
    /// As for [`Ats::read`].
    pub fn json<T: Serialize + DeserializeOwned>(
        &mut self,
        call: impl Into<Call>,
    ) -> Result<T, Stop> {
        self.read(call, |answer| answer.json())
    }

    /// Sends a request of a write that changes the ATS, and returns what `take` reads from its
    /// answer. A status that the operation lists as refused ends the write without effect; any
    /// other answer that cannot be read leaves it in doubt.
    ///
    /// A write sends one such request; an operation of the class [`Idempotent`] may send several,
    /// each after a read has shown that it is needed. A refusal of a later one leaves the write in
    /// doubt, since the earlier ones stand; sent again, the write goes on where it ended.
    ///
    /// [`Idempotent`]: crate::manifest::EffectClass::Idempotent
    ///
    /// # Errors
    /// Ends the run until the answer is there; then, the outcome of a write that was not applied.
    pub fn send<T: Serialize + DeserializeOwned>(
        &mut self,
        call: impl Into<Call>,
        take: impl FnOnce(&Answer<'_>) -> Result<T, Failure>,
    ) -> Result<T, Stop> {
        let Some(index) = self.turn()? else {
            return self.again();
        };
        let Some(refused) = self.refused else {
            return Err(Stop::from(Failure::Bug("only a write changes the ATS".into())));
        };
        let is_later = self.kept.sent.is_some_and(|sent| sent != index);
        if is_later && !self.may_repeat {
            return Err(Stop::from(Failure::Bug(
                "a write sends one request that changes the ATS, unless it is idempotent".into(),
            )));
        }
        let Some(reply) = self.reply.take() else {
            self.kept.sent.get_or_insert(index);
            return Err(Stop(Why::Ask(Box::new(call.into()), Effect::Unsafe)));
        };
        let answer = Answer::new(&reply);
        let (status, is_accepted) = (answer.status(), (200..300).contains(&answer.status()));
        let failure = answer.failure(self.refusals, self.permission);
        match failure {
            Some(failure) if !is_later && (is_accepted || refused.contains(&status)) => {
                Err(Stop(Why::Written(Box::new(Written::Refused(failure)))))
            }
            Some(failure) if is_later => Err(Stop::unclear(format!(
                "a part of the write was carried out, and the next was refused: {failure}"
            ))),
            Some(failure) => Err(Stop::unclear(failure.to_string())),
            None => match take(&answer) {
                Ok(value) => self.keep(index, value),
                Err(failure) => Err(Stop::unclear(failure.to_string())),
            },
        }
    }

    /// Reads a list to its end, and returns the ids of the rows that `is` names. `parameters` fill
    /// the placeholders of these names, and are parameters of the request where there is none.
    ///
    /// # Errors
    /// As for [`Ats::read`]; [`Failure::Protocol`] when a row cannot be read, since it could be the
    /// one, or after 20 pages.
    pub fn search<R: DeserializeOwned>(
        &mut self,
        list: &List,
        parameters: &[(&'static str, &str)],
        is: impl Fn(R) -> Option<Id>,
    ) -> Result<Vec<Id>, Stop> {
        self.search_by(list, parameters, &mut |row| got::read::<R>(row).map(&is))
    }

    /// As [`Ats::search`], compiled once for all types of rows.
    fn search_by(
        &mut self,
        list: &List,
        parameters: &[(&'static str, &str)],
        is: &mut dyn FnMut(&str) -> Result<Option<Id>, serde_json::Error>,
    ) -> Result<Vec<Id>, Stop> {
        let (mut found, mut place) = (Vec::new(), Place::default());
        for _ in 0..PAGES_MAX {
            let wanted = Wanted {
                since: &Since::Everything,
                size: list.most,
                place: &place,
                values: parameters,
                given: self.given,
            };
            let call = list.searching(wanted)?;
            let (ids, next): (Vec<String>, Option<Place>) = self.read_list(call, |reply| {
                let body = Body::of(reply)?;
                let rows = body.rows(list.rows)?;
                let mut ids = Vec::new();
                for row in rows.iter() {
                    let id =
                        is(row.get()).map_err(|error| super::answer::unreadable(reply, &error))?;
                    ids.extend(id.map(String::from));
                }
                Ok((ids, list.next(&place, &body, rows.len(), list.most, reply)?))
            })?;
            found.extend(ids.into_iter().map(Id::from));
            let Some(next) = next else { return Ok(found) };
            place = next;
        }
        Err(Stop::from(Failure::Protocol(format!("a search of more than {PAGES_MAX} pages"))))
    }

    /// As [`Ats::read`], of a request that a list made.
    fn read_list<T: Serialize + DeserializeOwned>(
        &mut self,
        call: Call,
        take: impl FnOnce(&Response) -> Result<T, Failure>,
    ) -> Result<T, Stop> {
        self.read(call, |answer| take(answer.response))
    }

    /// The index of the next exchange, unless its value is kept.
    fn turn(&mut self) -> Result<Option<usize>, Stop> {
        let index = self.next;
        self.next = index.saturating_add(1);
        Ok((index >= self.kept.values.len()).then_some(index))
    }

    fn again<T: DeserializeOwned>(&self) -> Result<T, Stop> {
        let value = self.next.checked_sub(1).and_then(|index| self.kept.values.get(index));
        let read = value.and_then(|value| serde_json::from_str(value).ok());
        read.ok_or_else(|| {
            Stop::from(Failure::Bug("a task sent its requests in another order than before".into()))
        })
    }

    fn keep<T: Serialize>(&mut self, _: usize, value: T) -> Result<T, Stop> {
        let kept = crate::json::write(&value, 64)
            .map_err(|error| Failure::Bug(format!("a value cannot be kept: {error}")))?;
        self.kept.values.push(kept);
        Ok(value)
    }

    /// The step that ends a run.
    pub(crate) fn stop(
        self,
        why: Why,
        values: &[(&'static str, &str)],
        state: impl FnOnce(Kept) -> State,
    ) -> Result<Step, Failure> {
        match why {
            Why::Failed(failure) if self.has_sent() => {
                Ok(written(Written::Unclear(failure.to_string())))
            }
            Why::Failed(failure) => Err(failure),
            Why::Written(outcome) if self.has_sent() => Ok(written(*outcome)),
            Why::Written(_) => {
                Err(Failure::Bug("an outcome of a write that sent no request".into()))
            }
            Why::Ask(call, effect) => {
                let request = call.request(values, self.given, self.about.first_origin())?;
                let state = super::adapter::encode(&state(self.kept))?;
                if state.len() > CONTINUATION_BYTES_MAX {
                    let message = "the record is too large for this adapter (64 KiB)".to_owned();
                    return Err(Failure::Invalid(vec![FieldError {
                        field: String::new(),
                        message,
                    }]));
                }
                Ok(Step::Send(Send { request, state, effect, secrets: Vec::new() }))
            }
        }
    }
}

fn written(outcome: Written) -> Step {
    Step::Done(crate::contract::Outcome::Written(outcome))
}
