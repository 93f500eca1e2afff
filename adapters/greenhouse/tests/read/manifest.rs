//! Tests that the manifest is consistent.

use atsync_adapter::Manifest;
use atsync_adapter::PureAdapter;
use atsync_greenhouse::Greenhouse;
use std::collections::BTreeSet;

#[test]
fn the_manifest_is_the_same_after_a_round_trip_through_json() {
    let manifest = Greenhouse::describe();
    let text = serde_json::to_string(&manifest).unwrap();
    assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), manifest);
    assert_eq!(text, serde_json::to_string(&Greenhouse::describe()).unwrap(), "it is constant");
}

#[test]
fn every_permission_is_defined_once_and_used() {
    let manifest = Greenhouse::describe();
    let defined: BTreeSet<&str> =
        manifest.permissions.iter().map(|permission| &*permission.id).collect();
    assert_eq!(defined.len(), manifest.permissions.len());
    let of_kinds = manifest.kinds.iter().filter_map(|kind| kind.permission.as_deref());
    let of_operations = manifest
        .operations
        .iter()
        .flat_map(|operation| operation.permissions.iter().map(String::as_str));
    let of_webhooks = manifest.webhooks.iter().flat_map(|rule| &rule.permissions);
    let of_webhooks = of_webhooks.map(String::as_str);
    let mut used: BTreeSet<&str> = of_kinds.chain(of_operations).chain(of_webhooks).collect();
    used.insert("setup:source");
    assert_eq!(defined, used);
    for permission in &manifest.permissions {
        assert!(
            !permission.label.is_empty()
                && !permission.grant_at.is_empty()
                && permission.without_it.ends_with('.')
        );
    }
}

/// permissions.md §2: the list that must be covered, and nothing irreversible (§3).
#[test]
fn the_list_of_permissions_is_covered() {
    let manifest = Greenhouse::describe();
    for scope in [
        "applications:list",
        "applications:update",
        "rejection_details:update",
        "candidates:list",
        "candidates:update",
        "candidates:create",
        "applications:create",
        "notes:create",
        "candidate_tags:list",
        "candidate_tags:create",
        "applied_candidate_tags:create",
        "departments:list",
        "jobs:list",
        "job_posts:list",
        "job_interview_stages:list",
        "offices:list",
        "rejection_reasons:list",
        "sources:list",
        "users:list",
        "users:create",
        "custom_fields:list",
        "custom_fields:create",
        "custom_fields:update",
        "custom_field_options:list",
        "custom_field_options:create",
        "custom_field_options:update",
        "close_reasons:list",
        "prospect_pools:list",
        "prospect_pool_stages:list",
    ] {
        assert!(manifest.permission(&format!("harvest:{scope}")).is_some(), "{scope}");
    }
    assert!(manifest.permission("setup:source").is_some());
    for scope in [
        "candidates:destroy",
        "candidates:merge",
        "candidates:anonymize",
        "applications:destroy",
        "custom_fields:destroy",
    ] {
        assert!(manifest.permission(&format!("harvest:{scope}")).is_none(), "{scope}");
    }
}

#[test]
fn stage_writes_are_off_until_the_connection_opts_in() {
    let manifest = Greenhouse::describe();
    for verb in ["move", "reject", "unreject", "hire", "convert"] {
        let operation = manifest.operation(&format!("applications.{verb}")).unwrap();
        assert_eq!(operation.opt_in.as_deref(), Some("stage_writes"));
    }
    let switches = &manifest.settings_schema["properties"];
    for operation in manifest.operations.iter().filter_map(|operation| operation.opt_in.as_deref())
    {
        assert_eq!(switches[operation]["default"], false, "{operation}");
    }
}

#[test]
fn operations_name_known_kinds_and_uncertain_statuses_leave_the_write_in_doubt() {
    let manifest = Greenhouse::describe();
    for operation in &manifest.operations {
        assert!(manifest.kind(&operation.kind).is_some(), "{}", operation.name);
        assert_eq!(operation.name, format!("{}.{}", operation.kind, operation.verb));
        for member in &operation.required {
            let top = member.split('.').next().unwrap();
            assert!(
                operation.fields.iter().any(|field| field.name == top),
                "{}: {member}",
                operation.name
            );
        }
        for kind in
            operation.materialises.iter().chain(operation.may_carry.iter().map(|carry| &carry.kind))
        {
            assert!(manifest.kind(kind).is_some(), "{kind}");
        }
        for undocumented in [400, 409, 500, 503] {
            assert!(!operation.refused_statuses.contains(&undocumented));
        }
    }
}

#[test]
fn origins_that_rates_and_auth_name_exist() {
    let manifest = Greenhouse::describe();
    for rate in &manifest.rates {
        assert!(rate.origins.iter().all(|name| manifest.origin(name).is_some()));
    }
    assert_eq!(manifest.contract, atsync_adapter::CONTRACT);
}
