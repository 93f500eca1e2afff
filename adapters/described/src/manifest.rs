//! The manifest that a description stands for.

use crate::description::{Description, Kind, Method, Operation, Paging, Request};
use crate::expression::Engine;
use crate::template::Text;
use atsync_adapter::Manifest;
use atsync_adapter::manifest::{
    ChangeRule, FieldMode, FieldRule, KindRule, OperationRule, Permission, SafeRequest, ScanRule,
};
use atsync_model::raw::{CONTENT, REFERENCES, is_raw};
use serde_json::json;

/// Rows per page where nothing is said.
pub(crate) const PAGE_MAX: u32 = 100;
/// Ids per fetch where nothing is said.
pub(crate) const IDS_MAX: u32 = 50;

/// Makes the manifest.
///
/// # Errors
/// When a path cannot be read.
pub(crate) fn of(description: &Description) -> Result<Manifest, String> {
    let mut manifest = Manifest::new(description.name.clone(), description.version.clone());
    manifest.title.clone_from(&description.title);
    manifest.origins.clone_from(&description.origins);
    manifest.auth.clone_from(&description.auth);
    manifest.rates.clone_from(&description.rates);
    manifest.lossy.clone_from(&description.lossy);
    manifest.forms.clone_from(&description.forms);
    manifest.sunsets.clone_from(&description.sunsets);
    manifest.describes_tenant = description.tenant.is_some();
    manifest.settings_schema = match &description.settings {
        Some(schema) => schema.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        None => json!({ "type": "object", "additionalProperties": false }),
    };
    manifest.kinds =
        description.kinds.iter().map(|(name, rule)| kind(description, name, rule)).collect();
    manifest.operations = description
        .operations
        .iter()
        .map(|(name, rule)| operation(description, name, rule))
        .collect();
    manifest.permissions = description
        .permissions
        .iter()
        .map(|permission| {
            let mut made = Permission::new(
                permission.id.clone(),
                permission.label.clone(),
                permission.grant_at.clone(),
                permission.without_it.clone(),
            );
            made.optional = permission.optional;
            made
        })
        .collect();
    manifest.safe = safe(description)?;
    Ok(manifest)
}

fn kind(description: &Description, name: &str, rule: &Kind) -> KindRule {
    let scan = match (&rule.list, &rule.inside) {
        (Some(list), _) => match &list.under {
            Some(parent) => ScanRule::ByParent { parent: parent.clone() },
            None => ScanRule::List {},
        },
        (None, Some(inside)) => ScanRule::Inside { kind: inside.kind.clone() },
        (None, None) => ScanRule::None {},
    };
    let of_raw: &[&str] = if is_raw(name) { &[REFERENCES, CONTENT] } else { &[] };
    let fields = of_raw.iter().copied().chain(rule.fields.keys().map(String::as_str));
    let mut made = KindRule::new(name, scan, fields);
    made.raw = is_raw(name);
    let lists = &description.lists;
    if let Some(list) = &rule.list {
        made.page_max = list.page_max.or(lists.page_max).unwrap_or(PAGE_MAX);
        if list.window.is_some() {
            made.changes.push(ChangeRule::Window);
            made.overlap_ms = list.overlap_ms.or(lists.overlap_ms).unwrap_or_default();
        }
        if list.token.is_some() {
            made.changes.push(ChangeRule::Token);
        }
    }
    made.ids_max = match &rule.fetch {
        None => 0,
        Some(fetch) if fetch.ids.is_none() => 1,
        Some(fetch) => fetch.ids_max.unwrap_or(IDS_MAX),
    };
    made.absence_proves = rule.absence_proves;
    made.deletes.clone_from(&rule.deletes);
    made.confidential = rule.confidential;
    made.visible_within_ms = rule.visible_within_ms;
    made.expected.clone_from(&rule.expected);
    made.permission.clone_from(&rule.permission);
    made.scope.clone_from(&rule.scope);
    made.opt_in.clone_from(&rule.opt_in);
    made
}

fn operation(description: &Description, name: &str, rule: &Operation) -> OperationRule {
    let mut made = OperationRule::new(name, rule.class);
    if let Some(kinds) = &rule.materialises {
        made.materialises.clone_from(kinds);
    }
    made.may_carry.clone_from(&rule.may_carry);
    made.fields = rule
        .fields
        .iter()
        .map(|(name, writing)| {
            let mut field = FieldRule::new(name.clone(), writing.mode);
            field.merged_when.clone_from(&writing.merged_when);
            field.unwritable.clone_from(&writing.unwritable);
            field
        })
        .collect();
    if !rule.guards.is_empty() && !rule.fields.contains_key("seen") {
        made.fields.push(FieldRule::new("seen", FieldMode::Set));
    }
    made.required.clone_from(&rule.required);
    let refused = rule.refused.as_ref().unwrap_or(&description.refused);
    made.refused_statuses.clone_from(refused);
    // A rule of the table may say that further statuses refuse. Those of another class than 4xx
    // cannot be listed, and are read from the answer alone.
    for range in rule
        .outcomes
        .iter()
        .chain(&description.outcomes)
        .filter(|outcome| is_refusal(outcome.then))
        .filter_map(|outcome| outcome.status.as_ref())
        .flat_map(|statuses| &statuses.0)
        .filter(|range| range.from == range.to && (400..500).contains(&range.from))
    {
        if !made.refused_statuses.contains(&range.from) {
            made.refused_statuses.push(range.from);
        }
    }
    made.refused_statuses.sort_unstable();
    made.settle_window_ms = rule.settle_window_ms;
    made.side_effects.clone_from(&rule.side_effects);
    made.opt_in.clone_from(&rule.opt_in);
    made.permissions.clone_from(&rule.permissions);
    let probe = rule.probe.as_ref().map_or(0, |probe| probe.before.len().saturating_add(1));
    let steps = rule.before.len().saturating_add(rule.after.len()).saturating_add(probe);
    made.calls =
        rule.calls.unwrap_or_else(|| u32::try_from(steps).unwrap_or(u32::MAX).saturating_add(1));
    made
}

fn is_refusal(then: crate::description::Then) -> bool {
    use crate::description::Then;
    !then.is_of_writes() && !then.is_verdict() && then != Then::Ok
}

/// The POST requests that change nothing: all but those of operations themselves.
fn safe(description: &Description) -> Result<Vec<SafeRequest>, String> {
    let engine = Engine::new(&[]);
    let origin = description.origins.first().map(|origin| origin.name.as_str()).unwrap_or_default();
    let mut made: Vec<SafeRequest> = Vec::new();
    let mut add = |request: &Request| -> Result<(), String> {
        if request.method != Method::Post {
            return Ok(());
        }
        let path = match Text::of(&request.path, &engine) {
            Ok(path) => path.pattern(),
            Err(fault) => return Err(fault.to_string()),
        };
        let safe = SafeRequest::post(request.origin.as_deref().unwrap_or(origin), path);
        if !made.contains(&safe) {
            made.push(safe);
        }
        Ok(())
    };
    for request in reads(description) {
        add(request)?;
    }
    Ok(made)
}

/// Every request that changes nothing.
pub(crate) fn reads(description: &Description) -> impl Iterator<Item = &Request> {
    let kinds = description.kinds.values().flat_map(|kind| {
        let list = kind.list.as_ref().map(|list| &list.request);
        list.into_iter().chain(kind.fetch.as_ref().map(|fetch| &fetch.request))
    });
    let operations = description.operations.values().flat_map(|operation| {
        let steps = operation.before.iter().chain(&operation.after);
        let probe = operation.probe.iter();
        let probes = probe.flat_map(|probe| {
            probe.before.iter().map(|step| &step.request).chain(std::iter::once(&probe.request))
        });
        steps.map(|step| &step.request).chain(probes)
    });
    let checks = description
        .permissions
        .iter()
        .filter_map(|permission| permission.check.as_ref())
        .map(|check| &check.request);
    let tenant = description.tenant.as_ref().map(|tenant| &tenant.request);
    kinds.chain(operations).chain(checks).chain(tenant)
}

/// The paging of a list, with the common one where it has none of its own.
pub(crate) fn paging<'d>(
    own: Option<&'d Paging>,
    common: Option<&'d Paging>,
) -> Option<&'d Paging> {
    own.or(common)
}

/// A setting's schema.
#[cfg(feature = "host")]
pub(crate) fn setting<'d>(
    description: &'d Description,
    name: &str,
) -> Option<&'d serde_json::Value> {
    description.settings.as_ref()?.get("properties")?.get(name)
}
