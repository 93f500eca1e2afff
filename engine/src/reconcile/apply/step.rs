//! One step of a plan: fill in ids, probe, send, and report how it ended.

use super::Applier;
use super::work::{Made, Work};
use crate::error::{Error, ErrorKind};
use crate::journal::Leave;
use crate::path::{self, Path};
use crate::plan::Step;
use crate::plan::equal::EQUAL;
use crate::plan::forms::SENT;
use crate::reconcile::conditions::WrittenStep;
use crate::reconcile::execute::EffectEnd;
use crate::reconcile::gather::Gathered;
use crate::reconcile::order::{Order, Touched};
use crate::reconcile::progress::Progress;
use crate::reconcile::reports::{StepEnd, StepReport};
use crate::reconcile::requests::{OwnFailure, TaskError, concerns_kind};
use crate::store::LinkRow;
use crate::transport::NotSent;
use atsync_model::contract::{Failure, Operation, RemoteRef};
use atsync_model::manifest::OperationRule;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

impl Applier {
    pub(super) async fn apply_step(
        &self,
        step: &Step,
        generation: u64,
        shared: &Work,
        work: &mut Work,
    ) -> Result<(), Error> {
        let end = match self.step_end(step, generation, shared, work).await {
            Ok(end) => end,
            // A read that it needs fails alone, and the steps of others continue.
            Err(error) if concerns_kind(&error) => {
                work.failed_before_send = true;
                StepEnd::NotSent { reason: error.to_string() }
            }
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Auth | ErrorKind::Configuration | ErrorKind::Unavailable
                ) =>
            {
                let reason = error.to_string();
                work.fatal = Some(error);
                StepEnd::NotSent { reason }
            }
            Err(error) => return Err(error),
        };
        if !end.is_done() {
            work.fails(step);
        }
        match &end {
            StepEnd::NotSent { reason } if std::mem::take(&mut work.failed_before_send) => {
                self.backoff.failed(step, generation, reason);
            }
            StepEnd::NotSent { .. } | StepEnd::Skipped { .. } => {}
            _ => self.backoff.left(step),
        }
        self.context.report(&Progress::Step {
            path: step.path.clone(),
            operation: step.operation.clone(),
            end: end.word(),
        });
        let warnings = std::mem::take(&mut work.warnings);
        work.steps.push(StepReport {
            path: step.path.clone(),
            operation: step.operation.clone(),
            end,
            warnings,
        });
        Ok(())
    }

    async fn step_end(
        &self,
        step: &Step,
        generation: u64,
        shared: &Work,
        work: &mut Work,
    ) -> Result<StepEnd, Error> {
        if let Some(why) = self.context.why_held() {
            return Ok(StepEnd::NotSent { reason: why.to_owned() });
        }
        if let Some(waits_for) = step.after.iter().find_map(|path| work.failed.get(path)) {
            return Ok(StepEnd::Skipped { waits_for: waits_for.clone() });
        }
        let Some(rule) = self.context.manifest().operation(&step.operation).cloned() else {
            // Planned for another version of the adapter: it fails this step, not the plan.
            return Ok(StepEnd::NotSent {
                reason: format!("the adapter has no operation {}", step.operation),
            });
        };
        let mut input = Value::Object(step.input.clone());
        if let Err(waits_for) = self.fill(&mut input, &shared.made, &work.made).await? {
            if let Some(why) = self.context.why_held() {
                return Ok(StepEnd::NotSent { reason: why.to_owned() });
            }
            return Ok(StepEnd::Skipped { waits_for });
        }
        let target = match &step.target_path {
            None => step.target.clone(),
            Some(path) => match self.made_or_linked(path, generation, &work.made).await? {
                Some(target) => Some(target),
                None => return Ok(StepEnd::Skipped { waits_for: path.clone() }),
            },
        };
        let order = Order {
            path: step.path.clone(),
            operation: Operation { name: step.operation.clone(), target, input: input.to_string() },
            generation,
            makes: step.makes.clone(),
            applied: self.base_after(step, work).await?,
            planned_by: work.planned_by.clone(),
            again: None,
        };
        if let Some(reason) =
            self.backoff.leave(&order).await?.why_not(&order.path, &order.operation.name)
        {
            return Ok(StepEnd::NotSent { reason });
        }
        let precaution =
            self.precaution(&order, &rule, step.probe_first, Made { shared, own: work }).await?;
        if precaution.probe
            && let Some(end) = self.probe_before_create(&order, precaution, work).await?
        {
            return Ok(end);
        }
        let follows = step.after.contains(&step.path) || step.target_path.is_some();
        self.perform_step(order, &rule, follows, work).await
    }

    /// The record that this run made for a path, or that the path was linked to before. When the
    /// answer to a create did not name every record that it made, the ATS is asked which fit.
    async fn made_or_linked(
        &self,
        path: &str,
        generation: u64,
        made: &BTreeMap<String, RemoteRef>,
    ) -> Result<Option<RemoteRef>, Error> {
        if let Some(remote) = made.get(path) {
            return Ok(Some(remote.clone()));
        }
        if let Some(link) = self.context.store.link(path).await? {
            return Ok(Some(link.remote));
        }
        let key = path::key(path);
        let Some(row) = self.context.store.desired(key).await? else { return Ok(None) };
        let record = self.context.parse_desired(&row)?;
        if let Some(kind) = Path::of(path).kind() {
            self.ingest.pull(kind, false).await?;
        }
        let mut gathered = Gathered::resting(self.context.manifest());
        let (planned, _) =
            self.planner.plan_record(&mut gathered, &record, generation, &[]).await?;
        Ok(planned
            .adoptions
            .into_iter()
            .find(|adoption| adoption.path == path)
            .map(|adoption| adoption.remote))
    }

    /// What is recorded as last applied once a step is done. A plan counts on every step before
    /// this one. When another step of the same path ran in this run, whatever its end, only this
    /// step's own fields are added to what is recorded.
    async fn base_after(
        &self,
        step: &Step,
        work: &Work,
    ) -> Result<BTreeMap<String, Map<String, Value>>, Error> {
        let mut applied = step.applied.clone();
        let ran_before = work.steps.iter().any(|before| before.path == step.path)
            || (step.target_path.is_some() && work.made.contains_key(&step.path));
        if let Some(planned) = applied.get_mut(&step.path)
            && ran_before
            && let Some(link) = self.context.store.link(&step.path).await?
        {
            let own = |field: &String| step.fields.iter().any(|change| change.field == *field);
            let by_field = |field: &str| field == EQUAL || field == SENT;
            planned.retain(|field, _| own(field) || by_field(field));
            for (field, value) in link.applied {
                match (planned.get_mut(&field).and_then(Value::as_object_mut), value) {
                    (Some(planned), Value::Object(known)) if by_field(&field) => {
                        planned.retain(|field, _| own(field));
                        for (field, known) in known {
                            planned.entry(field).or_insert(known);
                        }
                    }
                    (_, value) => {
                        planned.entry(field).or_insert(value);
                    }
                }
            }
        }
        Ok(applied)
    }

    /// Carries the order out, once more with the other reading when the adapter asks for that. An
    /// order that `follows` a step of the same path is carried out once more when that step became
    /// visible meanwhile.
    async fn perform_step(
        &self,
        mut order: Order,
        rule: &OperationRule,
        follows: bool,
        work: &mut Work,
    ) -> Result<StepEnd, Error> {
        let mut end = self.executor.perform(&order, rule).await?;
        if follows
            && is_too_early(&end)
            && self.backoff.leave(&order).await? == Leave::Now
            && self.executor.await_step_before(&order).await?
        {
            end = self.executor.perform(&order, rule).await?;
        }
        if let EffectEnd::Refused(Failure::Misread(misread)) = &end
            && !matches!(self.backoff.leave(&order).await?, Leave::Person { .. })
        {
            // Refused without effect because a word of the request can be read in two ways: the
            // other one is tried once. It belongs to the same try, so no wait after the refusal
            // applies; the bound of all sends does.
            order.operation.input =
                with_member(&order.operation.input, "reading", &misread.reading);
            end = self.executor.perform(&order, rule).await?;
        }
        self.end_of(&order, end, work).await
    }

    /// How a step ended whose order was carried out. Its results are added to `work`.
    async fn end_of(
        &self,
        order: &Order,
        end: EffectEnd,
        work: &mut Work,
    ) -> Result<StepEnd, Error> {
        match end {
            EffectEnd::Done { touched, warnings, sent, .. } => {
                for link in self.links_made(order).await? {
                    if sent {
                        work.fresh.insert(link.path.clone());
                    }
                    work.made.insert(link.path, link.remote);
                }
                work.touched.extend(touched);
                if sent {
                    let (path, operation) = (order.path.clone(), order.operation.name.clone());
                    work.written.push(WrittenStep {
                        path,
                        operation,
                        at_ms: self.context.clock.now_ms(),
                    });
                }
                work.warnings = warnings;
                Ok(if sent { StepEnd::Applied } else { StepEnd::Unneeded })
            }
            EffectEnd::Refused(failure) => {
                // A create may be refused because the record exists already, made by a user since
                // the last probe.
                let may_exist = order.operation.target.is_none()
                    && matches!(
                        failure,
                        Failure::Invalid(_) | Failure::Conflict(_) | Failure::Misread(_)
                    )
                    && matches!(
                        self.probe_after_refusal(order, work).await?,
                        Some(StepEnd::Adopted)
                    );
                if may_exist {
                    return Ok(StepEnd::Adopted);
                }
                Ok(StepEnd::Refused { reason: self.requests.explain_failure(&failure) })
            }
            EffectEnd::InDoubt(reason) => {
                work.warnings.push(format!("it was in doubt whether this happened: {reason}"));
                Ok(StepEnd::InDoubt)
            }
            EffectEnd::Busy(id) => Ok(StepEnd::NotSent {
                reason: format!("intent {id} for the same object is still open"),
            }),
            EffectEnd::Stale(reason) => Ok(StepEnd::NotSent { reason }),
            // Its record was deleted meanwhile: nothing failed.
            EffectEnd::NotSent(TaskError::NotSent(NotSent::Moot(reason))) => {
                Ok(StepEnd::NotSent { reason })
            }
            EffectEnd::NotSent(TaskError::NotSent(replaced @ NotSent::Replaced)) => {
                Ok(StepEnd::NotSent { reason: replaced.to_string() })
            }
            EffectEnd::NotSent(error) => {
                let error = self.requests.own_failure(error, &order.path).await?;
                if let (
                    OwnFailure::Failed(Failure::Conflict(_) | Failure::Misread(_)),
                    Some(target),
                ) = (&error, &order.operation.target)
                {
                    // A user changed it since the plan: the next plan decides.
                    work.touched.push(Touched {
                        remote: target.clone(),
                        intent: None,
                        ended: false,
                    });
                } else {
                    work.failed_before_send = true;
                }
                Ok(StepEnd::NotSent { reason: self.requests.explain_own(&error) })
            }
        }
    }

    async fn links_made(&self, order: &Order) -> Result<Vec<LinkRow>, Error> {
        let mut links = Vec::new();
        for path in order.makes.values() {
            links.extend(self.context.store.link(path).await?);
        }
        Ok(links)
    }
}

/// Whether an order may have met a record as it was before the previous step: missing, or with
/// other values.
fn is_too_early(end: &EffectEnd) -> bool {
    matches!(
        end,
        EffectEnd::NotSent(TaskError::Failed(
            Failure::NotFound(_) | Failure::Gone(_) | Failure::Conflict(_) | Failure::Misread(_)
        ))
    )
}

fn with_member(input: &str, name: &str, value: &str) -> String {
    match serde_json::from_str::<Value>(input) {
        Ok(Value::Object(mut object)) => {
            object.insert(name.to_owned(), Value::String(value.to_owned()));
            Value::Object(object).to_string()
        }
        _ => input.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::with_member;
    use atsync_model::contract::{Failure, Misread};

    #[test]
    fn the_other_reading_is_the_engines_to_read_and_no_person_sees_it() {
        let misread =
            Misread { message: "not accepted: stale".into(), reading: "application-stage".into() };
        assert_eq!(Failure::Misread(misread).to_string(), "not accepted: stale");
        assert_eq!(with_member("{\"a\":1}", "reading", "x"), "{\"a\":1,\"reading\":\"x\"}");
    }
}
