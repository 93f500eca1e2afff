//! Query parameters: which an endpoint takes, and what they mean.
//!
//! An unknown parameter is refused unless a switch says otherwise: a sandbox that ignored a
//! misspelt filter would return every record and hide the mistake of a client. Times are epoch
//! milliseconds, and both ends of a window count.

use atsync_sandbox::{Document, Request, pairs};
use serde_json::Value;

use crate::refusal::Refusal;

/// Lever's page sizes.
const LIMIT_MAX: usize = 100;

/// The parameters of a request.
#[derive(Debug, Clone)]
pub(crate) struct Query(Vec<(String, String)>);

/// A window of time, both ends included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Window {
    start_ms: Option<i64>,
    end_ms: Option<i64>,
}

impl Window {
    /// Whether it has an end.
    pub(crate) fn is_open(self) -> bool {
        self.start_ms.is_none() && self.end_ms.is_none()
    }

    /// Whether a time is within.
    pub(crate) fn holds(self, at_ms: i64) -> bool {
        self.start_ms.is_none_or(|start| at_ms >= start)
            && self.end_ms.is_none_or(|end| at_ms <= end)
    }

    /// Whether a record's time is within; `null_passes` says it of a record without one.
    pub(crate) fn passes(self, record: &Document, member: &str, null_passes: bool) -> bool {
        self.is_open()
            || record.get(member).and_then(Value::as_i64).map_or(null_passes, |at| self.holds(at))
    }
}

impl Query {
    pub(crate) fn of(request: &Request<'_>) -> Self {
        Self(pairs(request.query()))
    }

    /// Refuses parameters that are not among these, where `*_at` means a window's two ends.
    pub(crate) fn check(&self, known: &[&str], unknown_pass: bool) -> Result<(), Refusal> {
        let is_known = |name: &str| {
            let window = |base: &str| {
                base.strip_suffix("_*").is_some_and(|base| {
                    name.strip_prefix(base).is_some_and(|end| matches!(end, "_start" | "_end"))
                })
            };
            known.iter().any(|one| *one == name || window(one))
        };
        match self.0.iter().find(|(name, _)| !is_known(name)) {
            Some((name, _)) if !unknown_pass => {
                Err(Refusal::bad(format!("\"{name}\" is not an allowed parameter")))
            }
            _ => Ok(()),
        }
    }

    /// Returns every value of a parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(held, _)| held == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Returns the value of a parameter that may be given once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.all(name).as_slice() {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            _ => Err(Refusal::bad(format!("\"{name}\" must be given once"))),
        }
    }

    /// Reads `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        let wrong = || Refusal::bad(format!("\"{name}\" must be a boolean"));
        self.one(name)?.map(|value| value.parse().map_err(|_| wrong())).transpose()
    }

    /// Reads the words of a parameter, separated by commas or given several times.
    pub(crate) fn words(&self, name: &str) -> Vec<&str> {
        self.all(name).into_iter().flat_map(|value| value.split(',')).collect()
    }

    /// Reads a window.
    pub(crate) fn window(&self, base: &str) -> Result<Window, Refusal> {
        let end = |suffix: &str| -> Result<Option<i64>, Refusal> {
            let name = format!("{base}_{suffix}");
            let wrong = || Refusal::bad(format!("\"{name}\" must be a time in milliseconds"));
            self.one(&name)?.map(|value| value.parse().map_err(|_| wrong())).transpose()
        };
        Ok(Window { start_ms: end("start")?, end_ms: end("end")? })
    }

    /// Reads the size of a page.
    pub(crate) fn limit(&self) -> Result<usize, Refusal> {
        let wrong = || Refusal::bad("\"limit\" must be between 1 and 100");
        match self.one("limit")?.map(str::parse::<usize>) {
            None => Ok(LIMIT_MAX),
            Some(Ok(limit)) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
            Some(_) => Err(wrong()),
        }
    }

    /// Whether a record's member is one of the values of a parameter, if it is given.
    pub(crate) fn is_one_of(&self, name: &str, value: Option<&str>) -> bool {
        let wanted = self.all(name);
        wanted.is_empty() || value.is_some_and(|value| wanted.contains(&value))
    }

    /// Whether a record's list has one of the values of a parameter, if it is given.
    pub(crate) fn has_one_of(&self, name: &str, values: &[String]) -> bool {
        let wanted = self.all(name);
        wanted.is_empty() || values.iter().any(|value| wanted.contains(&value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query(pairs(text))
    }

    #[test]
    fn both_ends_of_a_window_count() {
        let window = query("updated_at_start=5&updated_at_end=7").window("updated_at");
        let window = window.expect("a window");
        assert_eq!([4, 5, 7, 8].map(|at| window.holds(at)), [false, true, true, false]);
        assert!(query("updated_at_start=soon").window("updated_at").is_err());
    }

    #[test]
    fn unknown_parameters_are_refused_and_a_limit_is_bounded() {
        let known = ["limit", "created_at_*"];
        assert!(query("limit=1&created_at_end=3").check(&known, false).is_ok());
        assert!(query("limits=1").check(&known, false).is_err());
        assert!(query("created_at=3").check(&known, false).is_err());
        assert!(query("limits=1").check(&known, true).is_ok());
        assert!(query("limit=101").limit().is_err() && query("limit=0").limit().is_err());
        assert_eq!(query("").limit(), Ok(100));
    }
}
