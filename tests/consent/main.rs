//! The authorization code grant: a person's consent, tokens that rotate, and what a lost or revoked
//! one means.
//!
//! Method: the engine with its own HTTP client against the Greenhouse sandbox behind a real port.
//! Both read one clock, which runs with the machine's and is set ahead by a test, so that hours
//! pass without a wait. The keeper is the test's: it counts, refuses, hangs before or after it has
//! stored, and is all that survives a killed engine. The sandbox's log of pairs says which refresh
//! tokens it issued, and what became of each.

mod flow;
mod idle;
mod kit;
mod rotation;
