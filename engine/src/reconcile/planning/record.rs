//! Plans one desired record.

use super::Planner;
use super::withheld::waited_for;
use crate::error::{Error, ErrorKind};
use crate::journal::Intent;
use crate::plan::{self, Finding, FindingKind, RecordPlan, Step};
use crate::reason::Reason;
use crate::reconcile::gather::Gathered;
use crate::reconcile::requests::concerns_kind;
use atsync_model::desired::Desired;

impl Planner {
    pub(crate) async fn plan_record(
        &self,
        gathered: &mut Gathered,
        record: &Desired,
        generation: u64,
        open: &[Intent],
    ) -> Result<(RecordPlan, Vec<Step>), Error> {
        let key = record.key();
        if let Some(waits) = self.awaits_own_write(&key, generation).await? {
            return Ok((waits, Vec::new()));
        }
        let links = self.gatherer.links_by_path(&key).await?;
        // A linked definition asks for nothing that would refresh its kind, but drift of it must be
        // known.
        let refreshed = self.gatherer.refresh_of_record(gathered, record, &links).await;
        let input = plan::Input {
            manifest: self.context.manifest(),
            settings: &self.context.settings,
            desired: record,
            generation,
            links: &links,
        };
        let asked = match refreshed {
            Ok(()) => self.gatherer.ask(gathered, &key, |facts| plan::record(&input, facts)).await,
            Err(error) => Err(error),
        };
        let (mut planned, mut shared) = match asked {
            Err(error) if concerns_kind(&error) => {
                let place = format!("{}: ", self.context.name);
                let why = error.to_string();
                let message = format!("{key}: {}", why.strip_prefix(&place).unwrap_or(&why));
                let reason = match error.kind() {
                    ErrorKind::Denied => Reason::Denied,
                    ErrorKind::NotSupported => Reason::NotSupported,
                    _ => Reason::NotRead,
                };
                (finding_alone(&key, generation, FindingKind::Blocked, reason, message), Vec::new())
            }
            asked => asked?,
        };
        if let Some(person) = record.candidate()
            && planned.steps.iter().any(|step| step.path == key && step.target.is_none())
        {
            for email in person.emails.iter().flatten() {
                gathered.facts.claim(email.value(), &key);
            }
        }
        if let Desired::CustomField(field) = record
            && planned.steps.iter().any(|step| step.path == key && step.target.is_none())
            && let Some(name) = plan::name_claim(field)
        {
            gathered.facts.claim(&name, &key);
        }
        for (opening, path) in &planned.hires {
            gathered.facts.claim(&plan::opening_claim(opening), path);
        }
        if !planned.is_blocked() {
            for adoption in &planned.adoptions {
                gathered.facts.take(&adoption.remote, &adoption.path);
            }
            for link in planned.releases.iter().filter_map(|path| links.get(path)) {
                gathered.facts.release(&link.remote, &link.path);
            }
        }
        plan::unseen::settle(&mut planned, &shared, &links);
        let wanted = waited_for(&planned.steps);
        self.withhold(&mut planned, open).await?;
        self.withhold_refused_shared(&mut planned, &shared).await?;
        let still = waited_for(&planned.steps);
        // A shared step that only withheld steps depend on is withheld as well.
        shared.retain(|step| still.contains(&step.path) || !wanted.contains(&step.path));
        Ok((planned, shared))
    }
}

/// A plan with one finding and no step.
pub(super) fn finding_alone(
    key: &str,
    generation: u64,
    kind: FindingKind,
    reason: Reason,
    message: String,
) -> RecordPlan {
    let finding = Finding { kind, path: key.to_owned(), reason, message };
    RecordPlan { key: key.to_owned(), generation, findings: vec![finding], ..RecordPlan::default() }
}
