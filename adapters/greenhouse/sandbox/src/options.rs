//! The options of a sandbox. Each default is what most sources say about Greenhouse.

use std::net::{Ipv4Addr, SocketAddr};

use crate::access::Access;
use crate::clock::Clock;
use crate::company::CompanySpec;
use crate::faults::Fault;
use crate::quirks::Quirks;
use crate::tokens::Client;

/// The options of a sandbox.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Where the HTTP server listens. Loopback by default: the control surface has no lock.
    pub listen: SocketAddr,
    /// The company that it holds.
    pub company: CompanySpec,
    /// The client that may ask for tokens.
    pub client: Client,
    /// API requests per half minute.
    pub rate_limit: u32,
    /// Token requests per minute.
    pub token_rate_limit: u32,
    /// What the credential and its acting user may do.
    pub access: Access,
    /// The switches.
    pub quirks: Quirks,
    /// Faults in force from the start.
    pub faults: Vec<Fault>,
    /// The time.
    pub clock: Clock,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            company: CompanySpec::sized(1, 200),
            client: Client { id: "sandbox".to_owned(), secret: "sandbox-secret".to_owned() },
            rate_limit: 150,
            token_rate_limit: 60,
            access: Access::default(),
            quirks: Quirks::default(),
            faults: Vec::new(),
            clock: Clock::system(),
        }
    }
}

impl SandboxOptions {
    /// The defaults around a company of a seed and a number of candidates.
    #[must_use]
    pub fn sized(seed: u64, candidates: usize) -> Self {
        Self { company: CompanySpec::sized(seed, candidates), ..Self::default() }
    }
}
