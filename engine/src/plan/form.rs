//! A form in which an ATS keeps a value, to be recorded with a link ([`super::forms`]). Pure.

use serde_json::{Map, Value};

/// A form in which an ATS keeps a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// The path whose base it belongs to.
    pub path: String,
    /// The member of the base.
    pub member: String,
    /// The member within that; none for the whole.
    pub below: Option<String>,
    /// What is recorded there.
    pub value: Value,
    /// The report of it, a sentence.
    pub message: String,
}

impl Form {
    /// Records it in a base.
    pub fn record(&self, applied: &mut Map<String, Value>) {
        match &self.below {
            None => drop(applied.insert(self.member.clone(), self.value.clone())),
            Some(below) => {
                let part = applied
                    .entry(self.member.clone())
                    .or_insert_with(|| Value::Object(Map::new()))
                    .as_object_mut();
                drop(part.map(|part| part.insert(below.clone(), self.value.clone())));
            }
        }
    }
}
