//! The imagined company as records of Lever.
//!
//! Lever has one opportunity where another ATS has a prospect and the application that it became,
//! so a converted prospect is left out; and it knows a person only through an opportunity, so a
//! candidate without an application has a general one. Stages are the account's, jobs are postings,
//! seats are requisitions.

mod below;
mod people;
mod postings;
mod settings;

use atsync_sandbox::{Company, CompanySpec};

use crate::model::Model;

/// The ids of records that others reference, each in the company's order.
#[derive(Debug, Clone, Default)]
struct Made {
    users: Vec<String>,
    /// Stages by name.
    stages: Vec<(&'static str, String)>,
    reasons: Vec<String>,
    hired: String,
    postings: Vec<String>,
}

impl Made {
    fn user(&self, at: Option<usize>) -> Option<&String> {
        self.users.get(at?)
    }

    fn stage(&self, name: &str) -> Option<&String> {
        self.stages.iter().find(|(held, _)| *held == name).map(|(_, id)| id)
    }
}

/// Makes the account.
pub(crate) fn make(spec: &CompanySpec, now_ms: i64, null_updated_at: bool) -> Model {
    let company = Company::generate(spec, now_ms);
    let mut model = Model::new(spec.seed, company.now_ms);
    let mut made = Made::default();
    settings::make(&mut model, &company, &mut made);
    postings::make(&mut model, &company, &mut made);
    people::make(&mut model, &company, &made, null_updated_at);
    model.documents.logging = true;
    model
}
