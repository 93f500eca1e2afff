//! Generates educations and employments of some candidates.
//!
//! They are generated last and from a copy of the generator, so that the rest of a company, and
//! what an ATS draws later, is the same with and without them.

use super::Company;
use super::fields::{DEGREES, DISCIPLINES, SCHOOLS};
use super::people_records::{Education, Employment};
use crate::rng::Rng;

/// Company, title, first day and last day of an employment.
const JOBS: [(&str, &str, &str, Option<&str>); 4] = [
    ("Analytical Engines Ltd", "Engineer", "2016-02-01", Some("2019-06-30")),
    ("Kaufmann & Töchter", "Team Lead", "2019-07-01", None),
    ("Lagos Data", "Analyst", "2014-09-15", Some("2016-01-31")),
    ("Oficina Central", "Consultant", "2012-03-01", Some("2014-08-31")),
];

pub(super) fn make(company: &mut Company) {
    let mut rng = company.rng.clone();
    let people = company.candidates.iter_mut().filter(|candidate| !candidate.anonymised);
    for (at, candidate) in people.enumerate() {
        if at % 4 == 1 {
            candidate.educations.push(education(&mut rng, at, true));
        }
        if at % 8 == 1 {
            candidate.educations.push(education(&mut rng, at.saturating_add(3), false));
        }
        if at % 3 == 1 {
            candidate.employments.extend(employment(&mut rng, at, true));
        }
        if at % 9 == 1 {
            candidate.employments.extend(employment(&mut rng, at.saturating_add(1), false));
        }
    }
}

fn education(rng: &mut Rng, at: usize, latest: bool) -> Education {
    let nth = |words: [&'static str; 3]| words.get(at % 3).copied().unwrap_or_default();
    let started = 2000_i64.saturating_add(i64::try_from(at % 12).unwrap_or(0));
    Education {
        step: rng.between(1, 9),
        school: nth(SCHOOLS),
        degree: nth(DEGREES),
        discipline: nth(DISCIPLINES),
        started,
        ended: started.saturating_add(4),
        has_months: !at.is_multiple_of(3),
        latest,
    }
}

fn employment(rng: &mut Rng, at: usize, latest: bool) -> Option<Employment> {
    let (company, title, started_on, ended_on) = *JOBS.get(at % JOBS.len())?;
    Some(Employment { step: rng.between(1, 9), company, title, started_on, ended_on, latest })
}
