//! The options of a sandbox. Each default follows most sources about Ashby.

use std::net::{Ipv4Addr, SocketAddr};

use atsync_sandbox::{Clock, CompanySpec, Fault};

use crate::access::Access;
use crate::quirks::Quirks;

/// The options of a sandbox.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// The address of the HTTP server. Loopback by default: the control surface has no lock.
    pub listen: SocketAddr,
    /// The company.
    pub company: CompanySpec,
    /// The API key.
    pub api_key: String,
    /// Requests per second; bursts up to twice as many pass.
    pub rate_limit: u32,
    /// What the key may do.
    pub access: Access,
    /// The switches.
    pub quirks: Quirks,
    /// The faults that are active from the start.
    pub faults: Vec<Fault>,
    /// The source of time.
    pub clock: Clock,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            company: CompanySpec::sized(1, 200),
            api_key: "sandbox-key".to_owned(),
            rate_limit: 10,
            access: Access::default(),
            quirks: Quirks::default(),
            faults: Vec::new(),
            clock: Clock::system(),
        }
    }
}

impl SandboxOptions {
    /// Returns the defaults for a company of a seed and a number of candidates.
    #[must_use]
    pub fn sized(seed: u64, candidates: usize) -> Self {
        Self { company: CompanySpec::sized(seed, candidates), ..Self::default() }
    }
}
