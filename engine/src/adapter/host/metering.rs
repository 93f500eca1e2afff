//! How a guest's work is measured.

/// How a guest's work is measured and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Metering {
    /// By time, [`super::Limits::guest_time_max`]. For production: nearly free.
    Epochs,
    /// By instructions: this many units a call. For runs that must repeat exactly.
    Fuel(u64),
}
