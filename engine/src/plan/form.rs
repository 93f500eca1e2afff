//! What a plan remembers of how the ATS keeps a value. Pure.

use serde_json::{Map, Value};

/// Something to remember of how the ATS keeps a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// The path whose base it belongs to.
    pub host: String,
    /// The member of the base.
    pub member: String,
    /// The member within that; none for the whole.
    pub below: Option<String>,
    /// What is recorded there.
    pub value: Value,
    /// A sentence for people.
    pub message: String,
}

impl Form {
    /// Puts it into a base.
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
