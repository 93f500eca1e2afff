//! The options of the adapter runtime: metering, the cache of compiled code, the compiler, limits.

use super::compiler::{COMPILE_TIME_MAX, Compiler};
use super::limiter::Limits;
use super::metering::Metering;
use std::path::PathBuf;
use std::time::Duration;

/// The options of a [`ComponentHost`](super::ComponentHost).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostOptions {
    /// How a guest's work is measured.
    pub metering: Metering,
    /// Where compiled code is kept between starts; `None` compiles at each start. The directory is
    /// this user's alone: it is made so (mode 0700), repaired with a warning where others could
    /// reach it, and refused where it belongs to another user.
    pub cache_dir: Option<PathBuf>,
    /// Where components are compiled that are not kept.
    pub compiler: Compiler,
    /// How long one may take, where it can be ended: with [`Compiler::Apart`]. Large components get
    /// more of it ([`COMPILE_TIME_MAX`]).
    pub compile_time_max: Duration,
    /// What a guest may use.
    pub limits: Limits,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            metering: Metering::Epochs,
            cache_dir: None,
            compiler: Compiler::Here,
            compile_time_max: COMPILE_TIME_MAX,
            limits: Limits::default(),
        }
    }
}
