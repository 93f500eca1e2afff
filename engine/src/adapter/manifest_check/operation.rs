//! Checks the rule of one operation.

use super::super::limits::STEPS_MAX;
use super::{known_permission, known_setting, sentence, span, unique, written_kind};
use atsync_model::input::INPUTS;
use atsync_model::manifest::{Carry, FieldMode, FieldRule, Manifest, OperationRule};
use atsync_model::unified::CUSTOM_VALUES;

pub(super) fn check(manifest: &Manifest, rule: &OperationRule) -> Result<(), String> {
    let place = format!("operations[{}]", rule.name);
    written_kind(manifest, &format!("{place}.kind"), &rule.kind)?;
    if rule.name != format!("{}.{}", rule.kind, rule.verb) {
        return Err(format!(
            "{place}: an operation is called by its kind and its verb, here {}.{}; change the \
             name, or the kind and verb",
            rule.kind, rule.verb
        ));
    }
    for kind in &rule.materialises {
        written_kind(manifest, &format!("{place}.materialises"), kind)?;
    }
    unique(&format!("{place}.materialises"), rule.materialises.iter())?;
    if rule.verb == "create" && rule.materialises.first().is_some_and(|first| *first != rule.kind) {
        return Err(format!(
            "{place}.materialises: the main kind comes first, and that is {}",
            rule.kind
        ));
    }
    rule.may_carry.iter().try_for_each(|carry| carried(manifest, rule, carry, &place))?;
    for id in &rule.permissions {
        known_permission(manifest, &format!("{place}.permissions"), id)?;
    }
    unique(&format!("{place}.fields"), rule.fields.iter().map(|field| &field.name))?;
    rule.fields.iter().try_for_each(|field| one(manifest, field, &place))?;
    rule.required.iter().try_for_each(|path| required(rule, path, &place))?;
    // A refusal proves that nothing was changed; only a 4xx can.
    if let Some(status) = rule.refused_statuses.iter().find(|status| !(400..=499).contains(*status))
    {
        return Err(format!("{place}.refused_statuses: {status} is none of 400 to 499"));
    }
    if let Some(setting) = &rule.opt_in {
        let schema = known_setting(manifest, &format!("{place}.opt_in"), setting)?;
        if schema.get("type").is_some_and(|of| of.as_str() != Some("boolean")) {
            return Err(format!(
                "{place}.opt_in: the property {setting} of settings_schema must be of the type \
                 boolean"
            ));
        }
    }
    for effect in &rule.side_effects {
        sentence(&format!("{place}.side_effects.note"), &effect.note)?;
        if effect.note.is_empty() {
            return Err(format!(
                "{place}.side_effects.note: say in a sentence what it sets off; the plan shows it"
            ));
        }
    }
    if rule.calls == 0 || rule.calls > STEPS_MAX {
        return Err(format!(
            "{place}.calls: it must be at least 1 and at most {STEPS_MAX}, the steps of one task"
        ));
    }
    span(&format!("{place}.settle_window_ms"), rule.settle_window_ms)
}

fn carried(
    manifest: &Manifest,
    rule: &OperationRule,
    carry: &Carry,
    place: &str,
) -> Result<(), String> {
    let place = format!("{place}.may_carry[{}]", carry.kind);
    written_kind(manifest, &format!("{place}.kind"), &carry.kind)?;
    unique(&format!("{place}.members"), carry.members.iter())?;
    let same = |other: &&Carry| other.kind == carry.kind && other.when == carry.when;
    if rule.may_carry.iter().filter(same).count() > 1 {
        return Err(format!(
            "{place}: it occurs twice for the same word of `when`; make one of it"
        ));
    }
    match &carry.when {
        Some(word) if !matches!(word.as_str(), "application" | "prospect") => Err(format!(
            "{place}.when: {word:.64} is no kind of application; say application or prospect"
        )),
        _ => Ok(()),
    }
}

fn one(manifest: &Manifest, field: &FieldRule, place: &str) -> Result<(), String> {
    let place = format!("{place}.fields[{}]", field.name);
    if let Some(when) = &field.merged_when {
        known_setting(manifest, &format!("{place}.merged_when.setting"), &when.setting)?;
        if field.mode != FieldMode::ReplaceAll {
            return Err(format!(
                "{place}.merged_when: it says something only of the mode replace-all; take it out"
            ));
        }
    }
    if !field.unwritable.is_empty() && field.name != CUSTOM_VALUES {
        return Err(format!("{place}.unwritable: only custom_fields have types; take it out"));
    }
    unique(&format!("{place}.unwritable"), field.unwritable.iter())
}

/// A required member must be listed, or every record would be blocked; and the engine must be able
/// to send it.
fn required(rule: &OperationRule, path: &str, place: &str) -> Result<(), String> {
    let place = format!("{place}.required");
    let top = path.split_once('.').map_or(path, |(top, _)| top);
    let parts = path.split('.').count();
    if parts > 2 || path.split('.').any(str::is_empty) {
        return Err(format!("{place}: {path:.64} is no member, nor one of a member"));
    }
    let Some(field) = rule.field(top) else {
        return Err(format!(
            "{place}: {top:.64} is none of its fields, so it could never be sent and each such \
             step would be blocked; list it under \
             fields, or take it out here"
        ));
    };
    if field.mode == FieldMode::CreateOnly && rule.verb == "update" {
        return Err(format!(
            "{place}: {top:.64} can be set only when a record is made, and an update requires it"
        ));
    }
    let inputs = INPUTS.iter().find(|(name, _)| *name == rule.name).map(|(_, inputs)| *inputs);
    if inputs.is_some_and(|inputs| !inputs.contains(&top)) {
        return Err(format!(
            "{place}: the engine has no {top:.64} for {}, so each such step would be blocked; take \
             it out (wit/operations.md lists what there is)",
            rule.name
        ));
    }
    Ok(())
}
