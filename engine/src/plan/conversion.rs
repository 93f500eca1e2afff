//! What a converted prospect became. Pure; the planner and the ingest decide by it alike.
//!
//! An ATS gives the new application another id and does not say which. Which one it is must be
//! proven, because a wrong guess writes the host's values to an application that it knows nothing
//! of, and that the credential sees only one application proves nothing: the true one may be on a
//! confidential job, deleted, or not visible yet. Two things prove it:
//!
//! - **The moment.** The ATS creates the application and stamps the prospect in one operation, so
//!   both have the same time, but for [`SAME_MS`]. Of two prospects that were converted at that
//!   time neither has the application.
//! - **The job.** A prospect that is tied to exactly one job can only be converted to that job, and
//!   a candidate has one application a job (harvest-v3.md §9.2). Only an application that may have
//!   come from another candidate is not proven by it.
//!
//! Left out: a prospect of a pool, or of several jobs, that was stamped again after its conversion
//! and before it was read. It stays as it is, and nothing is written to it.

use serde_json::{Map, Value};

/// The longest time between the two stamps of one conversion. Arbitrary: an ATS writes both in one
/// transaction, and a user does not do two things in one second.
const SAME_MS: u64 = 1_000;

/// An application or prospect of one candidate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidacy<'a> {
    pub(crate) id: &'a str,
    /// The unified record.
    pub(crate) body: &'a Map<String, Value>,
    /// No path is linked to it.
    pub(crate) is_free: bool,
    /// It may have come from another candidate, or be older than the conversion: its job alone does
    /// not prove that a conversion made it.
    pub(crate) is_doubtful: bool,
}

impl Candidacy<'_> {
    fn text(&self, outer: &str, inner: &str) -> Option<&str> {
        self.body.get(outer)?.get(inner)?.as_str()
    }

    fn is_converted(&self) -> bool {
        self.text("outcome", "value") == Some("converted")
    }

    fn time(&self, field: &str) -> Option<i64> {
        let text = self.body.get(field)?.as_str()?;
        text.parse().ok().map(|time: jiff::Timestamp| time.as_millisecond())
    }

    /// The jobs that a prospect is tied to.
    fn jobs(&self) -> Vec<&str> {
        let tied = self.body.get("prospective_jobs").and_then(Value::as_array);
        let ids = tied.into_iter().flatten().filter_map(|job| job.get("id")?.as_str());
        let mut jobs: Vec<&str> = ids.chain(self.text("job", "id")).collect();
        jobs.sort_unstable();
        jobs.dedup();
        jobs
    }

    /// Whether a conversion of this prospect can have made an application.
    fn can_be(&self, application: &Candidacy<'_>) -> bool {
        let jobs = self.jobs();
        let is_application =
            application.body.get("kind").and_then(Value::as_str) == Some("application");
        is_application
            && !application.is_converted()
            && application
                .text("job", "id")
                .is_some_and(|job| jobs.is_empty() || jobs.contains(&job))
    }

    /// Whether the application was made in the moment in which this prospect was converted.
    fn is_moment_of(&self, application: &Candidacy<'_>) -> bool {
        let Some(made) = application.time("created_at") else { return false };
        ["updated_at", "last_activity_at"]
            .into_iter()
            .filter_map(|stamp| self.time(stamp))
            .any(|stamp| stamp.abs_diff(made) <= SAME_MS)
    }
}

/// The application that a converted prospect continues as; `all` are the candidate's applications
/// and prospects. None where none, or more than one, is proven to be it.
pub(crate) fn result<'a>(prospect: &Candidacy<'_>, all: &[Candidacy<'a>]) -> Option<Candidacy<'a>> {
    let fitting: Vec<Candidacy<'a>> = all
        .iter()
        .filter(|one| one.id != prospect.id && one.is_free && prospect.can_be(one))
        .copied()
        .collect();
    let of_the_moment: Vec<Candidacy<'a>> =
        fitting.iter().filter(|one| prospect.is_moment_of(one)).copied().collect();
    match of_the_moment.as_slice() {
        [one] => {
            let is_contested = all.iter().any(|other| {
                other.id != prospect.id
                    && other.is_converted()
                    && other.can_be(one)
                    && other.is_moment_of(one)
            });
            return Some(*one).filter(|_| !is_contested);
        }
        [] if prospect.jobs().len() == 1 => {}
        _ => return None,
    }
    // An application that is older than the prospect is not what became of it.
    let is_older = |one: &&Candidacy<'a>| {
        prospect
            .time("created_at")
            .zip(one.time("created_at"))
            .is_some_and(|(prospect, made)| made < prospect)
    };
    match fitting.iter().filter(|one| !is_older(one)).collect::<Vec<_>>().as_slice() {
        [one] if !one.is_doubtful => Some(**one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Candidacy, result};
    use serde_json::{Map, Value, json};

    /// When the prospect was converted.
    const CONVERTED: &str = "2026-02-02T10:00:00.400Z";

    fn application(job: &str, created_at: &str) -> Map<String, Value> {
        members(json!({"kind": "application", "job": {"id": job}, "created_at": created_at,
            "outcome": {"value": "active"}}))
    }

    fn prospect(jobs: &[&str]) -> Map<String, Value> {
        let jobs: Vec<Value> = jobs.iter().map(|id| json!({"id": id})).collect();
        members(json!({"kind": "prospect", "prospective_jobs": jobs,
            "outcome": {"value": "converted"}, "created_at": "2026-01-15T00:00:00Z",
            "last_activity_at": CONVERTED, "updated_at": CONVERTED}))
    }

    fn members(body: Value) -> Map<String, Value> {
        body.as_object().unwrap().clone()
    }

    fn row<'a>(id: &'a str, body: &'a Map<String, Value>) -> Candidacy<'a> {
        Candidacy { id, body, is_free: true, is_doubtful: false }
    }

    fn became(prospect: &Map<String, Value>, others: &[Candidacy<'_>]) -> Option<String> {
        let prospect = row("p", prospect);
        let all: Vec<Candidacy<'_>> = others.iter().copied().chain([prospect]).collect();
        result(&prospect, &all).map(|one| one.id.to_owned())
    }

    #[test]
    fn a_prospect_of_no_or_several_jobs_lives_on_as_the_application_made_in_that_moment() {
        for jobs in [&[][..], &["a", "b"]] {
            let prospect = prospect(jobs);
            let made = application("b", "2026-02-02T10:00:00.900Z");
            let doubtful = Candidacy { is_doubtful: true, ..row("2", &made) };
            assert_eq!(became(&prospect, &[row("2", &made)]).as_deref(), Some("2"));
            assert_eq!(became(&prospect, &[doubtful]).as_deref(), Some("2"), "wherever it was");
            for other in ["2026-02-02T09:59:58Z", "2026-02-02T10:01:00Z", "2026-01-01T00:00:00Z"] {
                let other = application("a", other);
                assert_eq!(became(&prospect, &[row("1", &other)]), None, "the only one shown");
                let both = [row("1", &other), row("2", &made)];
                assert_eq!(became(&prospect, &both).as_deref(), Some("2"));
            }
        }
    }

    #[test]
    fn a_prospect_of_one_job_lives_on_as_the_application_to_it_whenever_it_was_stamped_since() {
        let mut prospect = prospect(&["b"]);
        for stamp in ["updated_at", "last_activity_at"] {
            prospect.insert(stamp.into(), json!("2026-03-03T00:00:00Z"));
        }
        let made = application("b", CONVERTED);
        let elsewhere = application("a", CONVERTED);
        let both = [row("1", &elsewhere), row("2", &made)];
        assert_eq!(became(&prospect, &both).as_deref(), Some("2"));
        assert_eq!(became(&prospect, &[row("1", &elsewhere)]), None);
        let doubtful = Candidacy { is_doubtful: true, ..row("2", &made) };
        assert_eq!(became(&prospect, &[doubtful]), None, "a merge may have brought it");
        let older = application("b", "2026-01-01T00:00:00Z");
        assert_eq!(became(&prospect, &[row("1", &older)]), None, "it is older than the prospect");
    }

    #[test]
    fn two_that_fit_are_not_guessed_between() {
        let made = application("a", CONVERTED);
        for jobs in [&[][..], &["a"]] {
            let prospect = prospect(jobs);
            assert_eq!(became(&prospect, &[row("1", &made), row("2", &made)]), None);
        }
    }

    #[test]
    fn of_two_prospects_converted_in_one_moment_neither_has_the_application() {
        let (one, other) = (prospect(&[]), prospect(&[]));
        let made = application("a", CONVERTED);
        assert_eq!(became(&one, &[row("2", &made), row("q", &other)]), None);
        let tied = prospect(&["b"]);
        let all = [row("2", &made), row("q", &tied)];
        assert_eq!(became(&one, &all).as_deref(), Some("2"), "the other was tied to another job");
    }

    #[test]
    fn an_application_that_a_path_is_linked_to_and_another_prospect_are_not_it() {
        let prospect = prospect(&[]);
        let made = application("a", CONVERTED);
        assert_eq!(became(&prospect, &[Candidacy { is_free: false, ..row("1", &made) }]), None);
        let mut other = made.clone();
        other.insert("kind".into(), json!("prospect"));
        assert_eq!(became(&prospect, &[row("1", &other)]), None);
    }
}
