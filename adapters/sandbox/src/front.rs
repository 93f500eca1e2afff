//! The order of the checks on a request, the same for every ATS.
//!
//! # Expected flow
//! 1. The fault that is due is chosen. One that drops the connection before processing ends here.
//! 2. The rate budget is charged; an empty one refuses, without any effect.
//! 3. A fault that is not applied answers; otherwise the ATS's own code processes the request.
//! 4. A fault that is applied replaces or breaks the answer. Every request gets one line in the
//!    log.
//!
//! All of it is synchronous and pure: the HTTP shell and a simulation call the same function. What
//! differs between ATSs is a [`Backend`].

use crate::answer::{Answer, Delivery, Request};
use crate::faults::{FaultKind, Faults, broken};
use crate::log::{Loggable, RequestLog};

/// The state of the checks that every sandbox has.
#[derive(Debug, Clone, Default)]
pub struct Front {
    /// The active faults.
    pub faults: Faults,
    /// The log of requests.
    pub requests: RequestLog,
    serial: u64,
}

impl Front {
    /// Makes the state with faults that are active from the start.
    #[must_use]
    pub fn new(faults: Faults) -> Self {
        Self { faults, ..Self::default() }
    }
}

/// The cost of a request.
#[derive(Debug, Clone, Default)]
pub struct Charge {
    /// Set when the budget was empty: the request is refused.
    pub over: Option<Over>,
    /// Headers about the budget, for whichever answer follows.
    pub headers: Vec<(&'static str, String)>,
}

/// An empty budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over {
    /// Whole seconds until it fills, if the ATS knows.
    pub for_s: Option<i64>,
}

/// What an ATS decides about a request.
pub trait Backend {
    /// The header with the request's id, in lower case, if the ATS sends one.
    const REQUEST_ID: Option<&'static str>;

    /// Returns the state of the checks.
    fn front(&mut self) -> &mut Front;

    /// Returns the sandbox's time.
    fn now_ms(&self) -> i64;

    /// Charges the budget that a request belongs to.
    fn charge(&mut self, request: &Request<'_>) -> Charge;

    /// Answers a request beyond the budget.
    fn too_many(&self, over: Over) -> Answer;

    /// Answers a request whose credential a fault declares bad.
    fn unauthorized(&self) -> Answer;

    /// Processes a request that met no refusal yet.
    fn process(&mut self, request: &Request<'_>, request_id: &str) -> Answer;

    /// Says which parts of a request have no secret.
    fn loggable(&self, request: &Request<'_>) -> Loggable {
        let _ = request;
        Loggable::ALL
    }
}

/// Answers one request.
pub fn answer<B: Backend>(backend: &mut B, request: &Request<'_>) -> Answer {
    let front = backend.front();
    front.serial = front.serial.saturating_add(1);
    let request_id = format!(
        "{:032x}",
        u128::from(front.serial).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    );
    let fault = front.faults.meet(request.method, request.path());
    let mut answer = match fault {
        Some(FaultKind::DropBefore) => {
            Answer { delivery: Delivery::DropBeforeProcessing, ..Answer::plain(503, "") }
        }
        Some(FaultKind::HoldBefore { delay_ms }) => {
            let delivery = Delivery::DropBeforeProcessing;
            Answer { delivery, delay_ms, ..Answer::plain(503, "") }
        }
        _ => in_budget(backend, request, fault, &request_id),
    };
    if let Some(name) = B::REQUEST_ID {
        answer.set_header(name, request_id.as_str());
    }
    let (at_ms, loggable) = (backend.now_ms(), backend.loggable(request));
    backend.front().requests.record(at_ms, request, &answer, fault, request_id, loggable);
    answer
}

fn in_budget<B: Backend>(
    backend: &mut B,
    request: &Request<'_>,
    fault: Option<FaultKind>,
    request_id: &str,
) -> Answer {
    let charge = backend.charge(request);
    let mut answer = match (charge.over, fault) {
        (Some(over), _) => backend.too_many(over),
        (None, Some(FaultKind::TooManyRequests)) => backend.too_many(Over { for_s: None }),
        (None, Some(FaultKind::NotApplied { status })) => {
            Answer::plain(status, "upstream is unavailable")
        }
        (None, Some(FaultKind::Unauthorized)) => backend.unauthorized(),
        (None, Some(fault)) => broken(backend.process(request, request_id), fault),
        (None, None) => backend.process(request, request_id),
    };
    for (name, value) in charge.headers {
        answer.set_header(name, value);
    }
    answer
}
