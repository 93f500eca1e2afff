//! Visibility for the acting user.
//!
//! Private candidates, confidential jobs and the records below them are absent from lists and
//! unknown to writes. A change of visibility does not change a row, nor its `updated_at`.

use crate::model::Model;
use crate::model::cell::Row;
use crate::schema::Kind;

/// The rights of the acting user to see restricted records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    pub(crate) private_candidates: bool,
    pub(crate) confidential_jobs: bool,
}

impl Sight {
    /// Whether lists show a row.
    pub(crate) fn sees(self, model: &Model, kind: Kind, row: &Row) -> bool {
        if self.private_candidates && self.confidential_jobs {
            return true;
        }
        let own = |column: &str| kind.column(column).and_then(|at| row.cell(at).int());
        let application_id =
            if kind == Kind::Applications { Some(row.id) } else { own("application_id") };
        let of_application = |column: &str| model.int(Kind::Applications, application_id?, column);
        let candidate_id = match kind {
            Kind::Candidates => Some(row.id),
            _ => own("candidate_id").or_else(|| of_application("candidate_id")),
        };
        let job_id = match kind {
            Kind::Jobs => Some(row.id),
            _ => own("job_id").or_else(|| of_application("job_id")),
        };
        let candidate_hidden = !self.private_candidates
            && candidate_id.is_some_and(|id| model.flag(Kind::Candidates, id, "private"));
        let job_hidden = !self.confidential_jobs
            && job_id.is_some_and(|id| model.flag(Kind::Jobs, id, "confidential"));
        !candidate_hidden && !job_hidden
    }

    /// Whether a record that a write names exists for this user.
    pub(crate) fn finds(self, model: &Model, kind: Kind, id: i64) -> bool {
        model.row(kind, id).is_some_and(|row| self.sees(model, kind, row))
    }
}
