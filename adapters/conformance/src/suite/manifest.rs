//! What a manifest says, compared with the unified model and with itself.
//!
//! The engine has refused a manifest that it cannot use when the adapter was loaded. Here is what
//! it accepts and an author did not mean.

use super::World;
use super::fields::{fields_of, is_open};
use crate::report::Promise;
use atsync::model::manifest::ScanRule;

pub(super) fn check(world: &mut World<'_>) {
    let mut faults: Vec<(String, String)> = Vec::new();
    let manifest = &world.manifest;
    for rule in &manifest.kinds {
        let mut fault = |what: String| faults.push((rule.name.clone(), what));
        if let Some(known) = fields_of(&rule.name).filter(|_| !is_open(&rule.name)) {
            for field in rule.fields.iter().filter(|field| !known.contains(&field.as_str())) {
                fault(format!(
                    "`fields` names {field:?}, which a unified record of the kind does not have{}",
                    atsync::did_you_mean(field, known.iter().copied())
                ));
            }
        }
        for field in rule.expected.iter().filter(|field| !rule.fields.contains(field)) {
            fault(format!("`expected` names {field:?}, which `fields` does not"));
        }
        if let ScanRule::Inside { kind } = &rule.scan
            && manifest.kind(kind).is_none()
        {
            fault(format!("it comes with the pages of {kind}, which cannot be read"));
        }
        if matches!(rule.scan, ScanRule::None {}) && rule.ids_max == 0 {
            fault("it can be neither listed nor fetched".to_owned());
        }
    }
    for rule in &manifest.operations {
        let mut fault = |what: String| faults.push((rule.name.clone(), what));
        for member in &rule.required {
            if rule.field(member).is_none() {
                fault(format!("`required` names {member:?}, which `fields` does not"));
            }
        }
        for status in rule.refused_statuses.iter().filter(|status| !(400..500).contains(*status)) {
            fault(format!(
                "`refused_statuses` has {status}; only a status of 400 to 499 can prove that \
                 nothing changed"
            ));
        }
        if rule.calls == 0 {
            fault("`calls` is 0, and an operation sends at least one request".to_owned());
        }
    }
    if !manifest.operations.is_empty() && !manifest.describes_tenant {
        faults.push((
            String::new(),
            "it writes, and `describes_tenant` is false: a credential of another customer would go \
             unnoticed"
                .to_owned(),
        ));
    }
    if faults.is_empty() {
        world.report.held(Promise::Manifest, "");
    }
    for (subject, what) in faults {
        world.report.broke(Promise::Manifest, &subject, what, Vec::new());
    }
}
