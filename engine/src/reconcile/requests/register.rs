//! Manages the webhooks of the ATS: drives one task of the adapter that lists, creates, changes or
//! removes them.
//!
//! The one request that changes something leaves as a write does: with a credential whose customer
//! is the store's, not while writes are paused or the program stops, and at most once. It has no
//! intent in the journal, which is about records; the caller keeps a note of its own before. The
//! secret of the webhooks is written into its body by the session, so that the adapter never has
//! it.
//!
//! Left out: which webhooks are wanted, and what is kept about them; see [`crate::webhook`].

use super::Requests;
use super::drive::{STEPS_MAX, TaskError};
use crate::adapter::{AdapterError, TaskGuard};
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use crate::transport::body::BodySecret;
use crate::transport::{Delivery, Priority};
use atsync_model::contract::{
    Effect, Outcome, Registering, Registration, Reply, Response, Step, Task,
};
use atsync_model::manifest::WebhookSecret;

/// A task that ended without an outcome.
#[derive(Debug)]
pub(crate) struct Unregistered {
    pub(crate) error: Error,
    /// Whether its request may have reached the ATS.
    pub(crate) may_have_happened: bool,
}

/// What is done, in messages.
fn doing(registering: &Registering) -> &'static str {
    match registering {
        Registering::List => "listing webhooks",
        Registering::Create(_) => "creating a webhook",
        Registering::Change(_) => "changing a webhook",
        Registering::Remove(_) => "removing a webhook",
    }
}

impl Requests {
    /// Drives one task about webhooks. `secret` is what they are signed with from now on.
    pub(crate) async fn register(
        &self,
        registering: Registering,
        secret: Option<&Secret>,
    ) -> Result<Registration, Unregistered> {
        let (doing, mut sent) = (doing(&registering), false);
        let registered = match self.verify_tenant_once().await {
            Ok(()) => self.registered(registering, secret, &mut sent).await,
            Err(error) => Err(TaskError::Tenant(error)),
        };
        registered.map_err(|error| {
            let error = self.task_error(doing, error);
            Unregistered { error, may_have_happened: sent }
        })
    }

    /// Why no webhook may be changed now.
    pub(crate) fn registers_nothing(&self) -> Option<&'static str> {
        self.context.sends_nothing()
    }

    async fn registered(
        &self,
        registering: Registering,
        secret: Option<&Secret>,
        sent: &mut bool,
    ) -> Result<Registration, TaskError> {
        let sealed = match (&registering, secret) {
            (Registering::Create(_) | Registering::Change(_), Some(secret)) => self.sealed(secret),
            _ => None,
        };
        let task = Task::Register(registering);
        let (mut guard, given) = (TaskGuard::new(&task), self.given(None, None).await?);
        let mut reply: Option<Response> = None;
        let mut step = self.start(task, given.clone()).await?.map_err(TaskError::Failed)?;
        for _ in 0..STEPS_MAX {
            guard.step(&step, reply.as_ref())?;
            let send = match step {
                Step::Done(Outcome::Registration(found)) => return Ok(found),
                Step::Send(send) => send,
                _ => return Err(contract("it asks for something else than a request")),
            };
            let changes = send.effect == Effect::Unsafe;
            if let Some(why) = self.context.sends_nothing().filter(|_| changes) {
                return Err(TaskError::Tenant(self.context.error(ErrorKind::Unavailable, why)));
            }
            *sent |= changes;
            let request = (&send.request, sealed.as_ref().filter(|_| changes));
            let delivery = self.send_sealed(request, send.effect, Priority::Incremental).await;
            let response = match delivery {
                Ok(Delivery::Answered(response)) => response,
                Ok(Delivery::Unclear(why)) => return Err(TaskError::Unclear(why)),
                Ok(Delivery::NotSent(why)) => {
                    *sent &= !changes;
                    return Err(TaskError::NotSent(why));
                }
                Err(error) => {
                    *sent &= !changes;
                    return Err(TaskError::Tenant(error));
                }
            };
            reply = Some(response.clone());
            step = self
                .resume(send.state, given.clone(), Reply::Response(response))
                .await?
                .map_err(TaskError::Failed)?;
        }
        Err(contract("it takes too many steps for one webhook"))
    }

    /// The secret, as the manifest says where it goes.
    fn sealed(&self, secret: &Secret) -> Option<BodySecret> {
        let rule = self.context.manifest().webhooks.as_ref()?;
        match &rule.secret {
            WebhookSecret::Given { member } => {
                Some(BodySecret { member: member.clone(), secret: secret.clone() })
            }
            WebhookSecret::Answered {} => None,
        }
    }
}

fn contract(what: &str) -> TaskError {
    TaskError::Adapter(AdapterError::Contract(what.to_owned()))
}
