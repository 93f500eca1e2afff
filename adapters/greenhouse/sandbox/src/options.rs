//! The options of a sandbox. Each default follows most sources about Greenhouse.

use std::net::{Ipv4Addr, SocketAddr};

use atsync_sandbox::{Clock, Fault};

use crate::access::Access;
use crate::company::CompanySpec;
use crate::partner::PartnerClient;
use crate::quirks::Quirks;
use crate::tokens::Client;

/// The options of a sandbox.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// The address of the HTTP server. Loopback by default: the control surface has no lock.
    pub listen: SocketAddr,
    /// The company.
    pub company: CompanySpec,
    /// The customer's own client, for the client credentials grant.
    pub client: Client,
    /// The partners' clients, for the authorization code grant. None by default.
    pub partners: Vec<PartnerClient>,
    /// API requests per half minute.
    pub rate_limit: u32,
    /// Token requests per minute.
    pub token_rate_limit: u32,
    /// The rights of the credential and its acting user.
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
            client: Client { id: "sandbox".to_owned(), secret: "sandbox-secret".to_owned() },
            partners: Vec::new(),
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
    /// Returns the defaults for a company of a seed and a number of candidates.
    #[must_use]
    pub fn sized(seed: u64, candidates: usize) -> Self {
        Self { company: CompanySpec::sized(seed, candidates), ..Self::default() }
    }
}
