//! Where `atsync top` reads: the socket beside the store, or an address.
//!
//! Bounds: [`ANSWER_BYTES_MAX`] of an answer, [`TIMEOUT_MS`] for both requests.

use super::figures::Figures;
#[cfg(unix)]
use crate::client;
use crate::config::Config;
use crate::failure::Failure;
use crate::relay::socket_of;
use atsync::{
    Clock, Delivery, HttpOptions, HttpTransport, Secret, SystemClock, Transport, WireRequest,
};
use std::path::{Path, PathBuf};
use url::Url;

/// Bytes of an answer: 200 connections have about 400 kB of figures.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long the requests of one refresh may take.
const TIMEOUT_MS: u64 = 10_000;
/// The variable that has the token for an address.
const TOKEN: &str = "ATSYNC_TOKEN";

/// See the module.
pub(super) enum Source {
    Socket(PathBuf),
    Address { url: Url, token: Option<Secret>, transport: HttpTransport },
}

impl Source {
    /// The socket of the configuration's store, or the address.
    ///
    /// # Errors
    /// When the configuration cannot be read, or the address is none.
    pub(super) fn of(config: &Path, url: Option<&Url>) -> Result<Self, Failure> {
        let Some(url) = url else {
            return Ok(Self::Socket(socket_of(&Config::read(config)?.store)));
        };
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(Failure::new("--url is an address such as https://sync.example"));
        }
        let mut options = HttpOptions::default();
        options.response_bytes_max = ANSWER_BYTES_MAX;
        options.exchange_timeout_ms = TIMEOUT_MS;
        options.connect_timeout_ms = TIMEOUT_MS / 2;
        let transport =
            HttpTransport::new(options).map_err(|error| Failure::new(error.to_string()))?;
        let token = std::env::var(TOKEN).ok().map(Secret::new);
        Ok(Self::Address { url: url.clone(), token, transport })
    }

    /// Reads the figures.
    ///
    /// # Errors
    /// Why they cannot be read, and what to do.
    pub(super) async fn read(&self) -> Result<Figures, String> {
        let both = async {
            let metrics = self.get("/metrics").await?;
            let mut figures = Figures::of(&String::from_utf8_lossy(&metrics));
            let path = "/v1/connections?limit=1000";
            let connections = self.get(path).await?;
            let connections = serde_json::from_slice(&connections).map_err(|error| {
                format!(
                    "{path} was answered with something else than JSON ({error}); name the address \
                     of an `atsync serve` with --url, without a proxy that answers itself"
                )
            })?;
            figures.add_conditions(&connections);
            Ok(figures)
        };
        tokio::select! {
            read = both => read,
            () = SystemClock.sleep(TIMEOUT_MS) => {
                Err(format!("no answer came within {} seconds", TIMEOUT_MS / 1_000))
            }
        }
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>, String> {
        let (status, body) = match self {
            #[cfg(unix)]
            Self::Socket(socket) => {
                client::get(socket, path, ANSWER_BYTES_MAX).await.map_err(|error| {
                    format!(
                        "no process answers at {} ({error}); start `atsync serve` or `atsync run`, \
                         or name the address of one with --url",
                        socket.display()
                    )
                })?
            }
            #[cfg(not(unix))]
            Self::Socket(_) => {
                return Err("name the address of an `atsync serve` with --url".to_owned());
            }
            Self::Address { url, token, transport } => {
                let url = url.join(path).map_err(|error| error.to_string())?;
                exchange(transport, url, token.as_ref()).await?
            }
        };
        match status {
            200 => Ok(body),
            401 | 403 => Err(format!(
                "the token was refused ({status}); set {TOKEN} to one of scope `read`, such as \
                 `atsync token create` makes"
            )),
            status => Err(format!("{path} was answered with {status}")),
        }
    }
}

async fn exchange(
    transport: &HttpTransport,
    url: Url,
    token: Option<&Secret>,
) -> Result<(u16, Vec<u8>), String> {
    let bearer = token.map(|token| format!("Bearer {}", token.expose()));
    let request = WireRequest {
        method: "GET".to_owned(),
        url,
        headers: bearer.map(|value| ("authorization".to_owned(), value)).into_iter().collect(),
        body: Vec::new(),
        // The operator names the address.
        private_network: true,
    };
    match transport.exchange(request).await {
        Delivery::Answered(response) => Ok((response.status, response.body)),
        Delivery::NotSent(why) => Err(why.to_string()),
        Delivery::Unclear(why) => Err(why),
        _ => Err("the transport gives no answer".to_owned()),
    }
}
