//! Faults on demand: rules that choose requests and the fault of each.
//!
//! A rule names a method, a path prefix, how many matching requests pass first and how many meet
//! the fault. The first rule that is due wins. The effect of a fault is a value in the answer; only
//! the HTTP shell turns it into a broken connection.

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Delivery};

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// The connection ends before the request is processed.
    DropBefore,
    /// The connection ends without processing after this time, so a test can end the client before
    /// any effect.
    HoldBefore {
        /// The time.
        delay_ms: u64,
    },
    /// The request is processed, then the connection ends without an answer.
    DropAfter,
    /// The request is processed, then a gateway answers this status (502, 504).
    AppliedThen {
        /// The status.
        status: u16,
    },
    /// The request is not processed, the answer is this status (500, 503).
    NotApplied {
        /// The status.
        status: u16,
    },
    /// The request is processed and answered after this delay.
    Slow {
        /// The delay.
        delay_ms: u64,
    },
    /// The request is processed, its answer cut after so many bytes of body.
    Truncate {
        /// Bytes that arrive.
        bytes: usize,
    },
    /// 429 without `Retry-After`; not processed.
    TooManyRequests,
    /// The request is processed, the answer is 200 with an HTML page.
    Html,
    /// The request is processed, the answer is 200 with a body that is not JSON although its type
    /// says so.
    InvalidJson,
    /// 401 although the token is valid; not processed.
    Unauthorized,
}

impl FaultKind {
    /// Whether a request with this fault is still processed.
    #[must_use]
    pub fn applies(self) -> bool {
        !matches!(
            self,
            Self::DropBefore
                | Self::HoldBefore { .. }
                | Self::NotApplied { .. }
                | Self::TooManyRequests
                | Self::Unauthorized
        )
    }
}

/// A rule: the requests that meet a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Only this method, if given.
    #[serde(default)]
    pub method: Option<String>,
    /// Only paths with this prefix. `/` is every request, a token endpoint included.
    #[serde(default = "everywhere")]
    pub path: String,
    /// Matching requests that pass first.
    #[serde(default)]
    pub skip: u32,
    /// Matching requests that meet the fault; all of them if not given.
    #[serde(default = "once")]
    pub times: Option<u32>,
    /// The fault.
    pub fault: FaultKind,
}

fn everywhere() -> String {
    "/".to_owned()
}

#[allow(clippy::unnecessary_wraps, reason = "serde wants the field's own type")]
fn once() -> Option<u32> {
    Some(1)
}

impl Fault {
    /// Makes a fault that the next request to a path meets, once.
    #[must_use]
    pub fn once(method: &str, path: &str, fault: FaultKind) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: path.to_owned(),
            skip: 0,
            times: Some(1),
            fault,
        }
    }

    /// Makes a fault that every request to a path meets, until it is cleared.
    #[must_use]
    pub fn always(path: &str, fault: FaultKind) -> Self {
        Self { method: None, path: path.to_owned(), skip: 0, times: None, fault }
    }

    /// Lets so many matching requests pass first.
    #[must_use]
    pub fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && path.starts_with(&self.path)
    }
}

/// The active rules.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// The rules, in the order in which they are tried.
    pub rules: Vec<Fault>,
}

impl Faults {
    /// Chooses the fault that this request meets.
    pub fn meet(&mut self, method: &str, path: &str) -> Option<FaultKind> {
        for rule in &mut self.rules {
            if !rule.matches(method, path) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip = rule.skip.saturating_sub(1);
                continue;
            }
            match &mut rule.times {
                Some(0) => continue,
                Some(times) => *times = times.saturating_sub(1),
                None => {}
            }
            return Some(rule.fault);
        }
        None
    }
}

/// Applies a fault to the answer to a request that was processed.
pub(crate) fn broken(mut answer: Answer, fault: FaultKind) -> Answer {
    match fault {
        FaultKind::DropAfter => answer.delivery = Delivery::DropAfterApply,
        FaultKind::AppliedThen { status } => {
            return Answer::plain(status, "upstream did not answer");
        }
        FaultKind::Slow { delay_ms } => answer.delay_ms = delay_ms,
        FaultKind::Truncate { bytes } => answer.delivery = Delivery::Truncate(bytes),
        FaultKind::Html => {
            answer.status = 200;
            answer.body = b"<!doctype html><title>Sign in</title><p>Please sign in.".to_vec();
            answer.set_header("content-type", "text/html; charset=utf-8");
        }
        FaultKind::InvalidJson => {
            answer.status = 200;
            answer.body = b"[{\"id\": 1, ".to_vec();
            answer.set_header("content-type", "application/json;charset=utf-8");
        }
        FaultKind::DropBefore
        | FaultKind::HoldBefore { .. }
        | FaultKind::NotApplied { .. }
        | FaultKind::TooManyRequests
        | FaultKind::Unauthorized => {}
    }
    answer
}

/// Reads `METHOD path kind[=number] [xTIMES] [+SKIP]`, the form of the binary's `--fault`.
///
/// # Errors
/// Names the part that cannot be parsed.
pub fn parse_fault(text: &str) -> Result<Fault, String> {
    let mut words = text.split_whitespace();
    let method = words.next().ok_or("a fault starts with a method or *")?;
    let path = words.next().ok_or("a fault names a path prefix")?;
    let kind = words.next().ok_or("a fault names a kind")?;
    let (name, number) =
        kind.split_once('=').map_or((kind, None), |(name, number)| (name, Some(number)));
    let parsed = |default: u64| {
        number.map_or(Ok(default), |text| {
            text.parse::<u64>().map_err(|_| format!("{text} is not a number"))
        })
    };
    let status = |default: u16| {
        parsed(default.into())
            .and_then(|n| u16::try_from(n).map_err(|_| format!("{n} is not a status")))
    };
    let fault = match name {
        "drop_before" => FaultKind::DropBefore,
        "hold_before" => FaultKind::HoldBefore { delay_ms: parsed(1000)? },
        "drop_after" => FaultKind::DropAfter,
        "applied_then" => FaultKind::AppliedThen { status: status(502)? },
        "not_applied" => FaultKind::NotApplied { status: status(503)? },
        "slow" => FaultKind::Slow { delay_ms: parsed(1000)? },
        "truncate" => {
            FaultKind::Truncate { bytes: usize::try_from(parsed(10)?).unwrap_or(usize::MAX) }
        }
        "too_many_requests" => FaultKind::TooManyRequests,
        "html" => FaultKind::Html,
        "invalid_json" => FaultKind::InvalidJson,
        "unauthorized" => FaultKind::Unauthorized,
        other => return Err(format!("{other} is not a kind of fault")),
    };
    let mut rule = Fault::always(path, fault);
    rule.method = (method != "*").then(|| method.to_owned());
    for word in words {
        match (word.strip_prefix('x').map(str::parse), word.strip_prefix('+').map(str::parse)) {
            (Some(Ok(times)), _) => rule.times = Some(times),
            (_, Some(Ok(skip))) => rule.skip = skip,
            _ => return Err(format!("{word} is neither xTIMES nor +SKIP")),
        }
    }
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_skips_requests_then_applies_then_ends() {
        let mut faults =
            Faults { rules: vec![Fault::once("POST", "/v3/c", FaultKind::DropAfter).after(1)] };
        let met: Vec<bool> =
            (0..4).map(|_| faults.meet("POST", "/v3/candidates").is_some()).collect();
        assert_eq!(met, [false, true, false, false]);
        assert_eq!(faults.meet("GET", "/v3/candidates"), None);
    }

    #[test]
    fn the_written_form_reads_back() {
        let rule = parse_fault("POST /v3/candidates applied_then=504 x2 +3").expect("reads");
        assert_eq!(
            (rule.times, rule.skip, rule.fault),
            (Some(2), 3, FaultKind::AppliedThen { status: 504 })
        );
        assert!(parse_fault("GET /v3 nonsense").is_err());
    }
}
