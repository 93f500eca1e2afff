//! The measure of a guest's work: time or instructions.

/// The measure by which a guest's work is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Metering {
    /// By time, [`super::Limits::guest_time_max`]. For production: nearly free.
    Epochs,
    /// By instructions: this many units a call. For runs that must repeat exactly.
    Fuel(u64),
}
