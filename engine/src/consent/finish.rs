//! Finishes a consent: checks the callback, and exchanges its code.

use super::callback::{self, Refusal};
use super::remembered::Remembered;
use super::used::Unusable;
use crate::credential::Credential;
use crate::engine::{ConnectionOptions, Engine};
use crate::error::{Error, ErrorKind};
use crate::reason::AuthReason;
use crate::secret::Secret;
use crate::transport::NotSent;
use crate::transport::rotating::Code;

impl Engine {
    /// Finishes a consent: takes the query of the request that came to the redirect URI, and what
    /// [`Engine::begin_consent`] gave to remember. The credential's keeper has the tokens when this
    /// returns `Ok`.
    ///
    /// Call it as soon as the callback arrives: a code may live for a minute. Cancelling it loses
    /// no tokens. Afterwards open the connection; of an open one call
    /// [`Connection::replace_credential`](crate::Connection::replace_credential) with the same
    /// credential, so that it continues at once. Before the next record is read or written the
    /// engine asks the ATS which customer the consent is for.
    ///
    /// # Errors
    /// [`Error::auth_reason`] says why. With one that begins with `State`, or `CodeMissing`, no
    /// code was redeemed. An [`ErrorKind::Unavailable`] without a reason means that the code did
    /// not leave: the same call may succeed within the code's life.
    pub async fn finish_consent(
        &self,
        options: &ConnectionOptions,
        remember: &Secret,
        query: &str,
    ) -> Result<(), Error> {
        let name = options.name.as_str();
        let refused = |(reason, why): Refusal| {
            Error::from(NotSent::Consent { reason, why: why.to_owned() }).at(name)
        };
        let remembered = Remembered::read(remember).ok_or_else(|| {
            let why = "what was remembered of the consent cannot be read; begin it again";
            Error::new(ErrorKind::Input, format!("{name}: {why}"))
        })?;
        callback::check_state(query, remembered.state.expose()).map_err(refused)?;
        let (_, session) = self.unopened(options).await?;
        let is_ours = matches!(&options.credential,
            Credential::AuthorizationCode { client_id, .. } if *client_id == remembered.client_id);
        if !is_ours
            || remembered.connection != options.name
            || session.token_url().as_ref() != Some(&remembered.token_url)
        {
            let why = "the consent was begun for another connection, client or origin";
            return Err(refused((AuthReason::StateMismatch, why)));
        }
        let now_ms = self.clock().now_ms();
        if now_ms >= remembered.ends_ms {
            let why = "the consent took longer than ten minutes; begin it again";
            return Err(refused((AuthReason::StateExpired, why)));
        }
        self.used_states().take(remembered.state.expose(), remembered.ends_ms, now_ms).map_err(
            |unusable| match unusable {
                Unusable::Used => {
                    let why = "this callback was finished before; begin the consent again if it \
                               failed";
                    refused((AuthReason::StateUsed, why))
                }
                Unusable::Full => {
                    let why = "too many consents were finished in ten minutes; try again later";
                    Error::new(ErrorKind::Unavailable, format!("{name}: {why}"))
                }
            },
        )?;
        let code = callback::code(query).map_err(refused)?;
        let code =
            Code { code, redirect_uri: remembered.redirect_uri, verifier: remembered.verifier };
        session.redeem(code).await.map_err(|why| {
            if let NotSent::Unreachable(_) | NotSent::Throttled { .. } = why {
                self.used_states().give_back(remembered.state.expose());
            }
            Error::from(why).at(name)
        })
    }
}
