//! The transport of a connection that reads the store only: it refuses each request, so that the
//! promise to send nothing does not depend on the code above.
//!
//! Left out: everything else. It resolves no name and opens no socket.

use super::{Delivery, NotSent, Transport, WireRequest};
use futures_util::future::BoxFuture;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Refusing;

impl Transport for Refusing {
    fn exchange(&self, request: WireRequest) -> BoxFuture<'_, Delivery> {
        let why = format!(
            "{request:?} did not leave: this connection was opened for the store only; open it \
             without `store_only` to talk to the ATS"
        );
        Box::pin(std::future::ready(Delivery::NotSent(NotSent::Refused(why))))
    }
}
