//! Makes the rows of custom fields and their options.

use atsync_sandbox::{Company, CustomField, FieldOption, FieldValue};
use serde_json::json;

use crate::model::Model;
use crate::model::cell::Cell;
use crate::model::render::ids_text;
use crate::schema::Kind;
use crate::writes::name_key;

/// The ids of fields and options, in the company's order.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    all: Vec<(i64, Vec<i64>)>,
}

impl Fields {
    /// Returns the id of a field.
    pub(super) fn id(&self, field: usize) -> i64 {
        self.all.get(field).map_or(0, |(id, _)| *id)
    }

    /// Returns the id of an option.
    pub(super) fn option(&self, field: usize, option: usize) -> Option<i64> {
        self.all.get(field)?.1.get(option).copied()
    }

    /// Returns the id of an option by the names of its field and its own.
    pub(super) fn named(&self, company: &Company, field: &str, option: &str) -> Option<i64> {
        let at = company.fields.iter().position(|held| held.name == field)?;
        let options = &company.fields.get(at)?.options;
        self.option(at, options.iter().position(|held| held.name == option)?)
    }

    /// Returns a value as rows store it.
    pub(super) fn value(&self, field: usize, value: &FieldValue) -> (i64, Box<str>) {
        let id = |option: &usize| self.option(field, *option);
        let text: Box<str> = match value {
            FieldValue::Text(text) | FieldValue::Date(text) => json!(text).to_string().into(),
            FieldValue::Bool(value) => value.to_string().into(),
            FieldValue::Number(value) => value.to_string().into(),
            FieldValue::Single(option) => id(option).unwrap_or(0).to_string().into(),
            FieldValue::Multi(options) => {
                ids_text(&options.iter().filter_map(id).collect::<Vec<i64>>())
            }
            FieldValue::Money { amount, currency } => {
                json!({"amount": amount, "currency_code": currency}).to_string().into()
            }
        };
        (self.id(field), text)
    }
}

pub(super) fn make(model: &mut Model, company: &Company) -> Fields {
    // The fields are older than the first candidate.
    model.now_ms = company.fields_ms;
    let mut fields = Fields::default();
    for wanted in &company.fields {
        let id = field(model, wanted);
        let options = (0_i64..).zip(&wanted.options);
        let options = options.map(|(order, wanted)| option(model, id, order, wanted)).collect();
        fields.all.push((id, options));
    }
    fields
}

fn field(model: &mut Model, wanted: &CustomField) -> i64 {
    let order = i64::try_from(model.count(Kind::CustomFields)).unwrap_or(0);
    let no = || Cell::Bool(false);
    model.load(
        Kind::CustomFields,
        wanted.step,
        &[
            ("active", wanted.active.into()),
            ("api_only", no()),
            ("default_value", Cell::Null),
            ("expose_in_job_board_api", no()),
            ("field_type", wanted.of.into()),
            ("name", wanted.name.into()),
            ("name_key", name_key(wanted.name).into()),
            ("private", wanted.private.into()),
            ("require_approval", no()),
            ("required", no()),
            ("sort_order", order.into()),
            ("trigger_new_version", no()),
            ("use_for_job_approvals", no()),
            ("use_for_offer_approvals", no()),
            ("value_type", wanted.holds.into()),
        ],
    )
}

fn option(model: &mut Model, field: i64, order: i64, wanted: &FieldOption) -> i64 {
    let cells = [
        ("active", wanted.active.into()),
        ("custom_field_id", field.into()),
        ("name", wanted.name.into()),
        ("sort_order", order.into()),
    ];
    model.load(Kind::CustomFieldOptions, wanted.step, &cells)
}
