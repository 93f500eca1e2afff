//! Whether settling may send.

/// Whether settling may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resend {
    /// What is proven absent is sent again, and what is due soon is waited for.
    Allowed,
    /// What is proven absent is sent again; what is not due yet is left for later.
    Due,
    /// Only probe.
    Never,
}
