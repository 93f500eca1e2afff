//! The limits on a running guest, and the limiter that holds it to those that wasmtime asks about
//! while it runs.
//!
//! Left out: stack, time and the size of an answer; wasmtime gets those numbers before the call.

use super::notices::Notices;
use crate::adapter::limits::{
    ANSWER_BYTES_MAX, COMPONENT_BYTES_MAX, GUEST_TIME_MAX, INSTANCES_MAX, MEMORY_BYTES_MAX,
    REPLY_BYTES_MAX, STACK_BYTES_MAX, TABLE_ELEMENTS_MAX,
};
use std::time::Duration;
use wasmtime::ResourceLimiter;

/// The limits on a running guest. The default of each is in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a component's file ([`COMPONENT_BYTES_MAX`]).
    pub component_bytes_max: usize,
    /// Bytes of linear memory of one call ([`MEMORY_BYTES_MAX`]).
    pub memory_bytes_max: usize,
    /// Elements of a table ([`TABLE_ELEMENTS_MAX`]).
    pub table_elements_max: usize,
    /// Bytes of a guest's stack ([`STACK_BYTES_MAX`]).
    pub stack_bytes_max: usize,
    /// Bytes that one answer may make the adapter runtime allocate ([`ANSWER_BYTES_MAX`]).
    pub answer_bytes_max: usize,
    /// Bytes of a reply that is passed to a guest ([`REPLY_BYTES_MAX`]).
    pub reply_bytes_max: usize,
    /// The time of one call ([`GUEST_TIME_MAX`]). Only with [`super::Metering::Epochs`].
    pub guest_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            component_bytes_max: COMPONENT_BYTES_MAX,
            memory_bytes_max: MEMORY_BYTES_MAX,
            table_elements_max: TABLE_ELEMENTS_MAX,
            stack_bytes_max: STACK_BYTES_MAX,
            answer_bytes_max: ANSWER_BYTES_MAX,
            reply_bytes_max: REPLY_BYTES_MAX,
            guest_time_max: GUEST_TIME_MAX,
        }
    }
}

/// A limit that the guest ran into: ends the call, unlike a refused `memory.grow`, which a guest
/// may take for anything.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct OverLimit(pub(crate) String);

/// Counts what one store uses. Per memory and per table: a component has one of each as a rule, and
/// [`INSTANCES_MAX`] bounds the product.
#[derive(Debug)]
pub(crate) struct Limiter {
    limits: Limits,
    memory_bytes: usize,
    /// What the guest said by requests that are always refused.
    pub(crate) notices: Notices,
}

impl Limiter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, memory_bytes: 0, notices: Notices::default() }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grown_bytes = desired.saturating_sub(current);
        if current > 0 && self.notices.take(grown_bytes) {
            return Ok(false);
        }
        let total = self.memory_bytes.saturating_add(grown_bytes);
        if total > self.limits.memory_bytes_max {
            let text =
                format!("{total} bytes of memory; {} are allowed", self.limits.memory_bytes_max);
            return Err(OverLimit(text).into());
        }
        self.memory_bytes = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.limits.table_elements_max {
            let text =
                format!("{desired} table elements; {} are allowed", self.limits.table_elements_max);
            return Err(OverLimit(text).into());
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        INSTANCES_MAX
    }

    fn memories(&self) -> usize {
        INSTANCES_MAX
    }
}
