//! Schedules: pulls each kind of a connection by its own cron expression, and plans and applies
//! what is dirty.
//!
//! Cron expressions have five fields (minute first) or six (second first), in UTC or a named time
//! zone ([`cron`]). Connections with the same expression begin at different moments ([`jitter`]). A
//! kind that was never pulled is due at once; so is, once, one whose time passed while nothing ran,
//! however many of its times did ([`due`]). What is older than the host keeps is removed
//! ([`retention`]). Webhooks are registered and repaired ([`registering`]). Dirty records are
//! planned and applied after a pull, after a declaration, and when a write in doubt is due for a
//! probe. A kind that failed is retried after a growing wait, and never stops the other kinds.
//!
//! Waits are counted by the steady clock. Cron expressions name wall times; [`due`] says what a
//! jump of the wall clock does to them.
//!
//! Bounds: [`due::BACKOFF_MAX_MS`], [`rounds::IDLE_MAX_MS`]. Left out: several processes on one
//! store; the store refuses the second.

mod cron;
mod crons;
mod due;
mod jitter;
mod registering;
mod retention;
mod round;
mod rounds;
mod run;
mod several;
mod sunsets;
mod zone;

pub use cron::{Cron, CronError};
pub use crons::Crons;
pub use round::Round;
