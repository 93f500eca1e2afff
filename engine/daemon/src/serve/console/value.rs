//! A JSON value as one short line for people. Bounds: [`CHARS_MAX`] characters.

use serde_json::Value;

/// Characters of a value; more are cut with an ellipsis.
const CHARS_MAX: usize = 160;

/// The value as text.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(list) if list.is_empty() => return "nothing".to_owned(),
        Value::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(map) => {
            let parts = map.iter().filter(|(_, value)| !value.is_null());
            let parts = parts.map(|(name, value)| format!("{name} {}", shown(value)));
            parts.collect::<Vec<_>>().join(", ")
        }
        Value::Number(number) => number.to_string(),
    };
    if text.chars().count() <= CHARS_MAX {
        return text;
    }
    let cut: String = text.chars().take(CHARS_MAX).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::{CHARS_MAX, shown};
    use serde_json::json;

    #[test]
    fn a_value_is_one_short_line() {
        assert_eq!(shown(&json!(null)), "nothing");
        assert_eq!(shown(&json!(["a", "b"])), "a, b");
        assert_eq!(shown(&json!({"id": "7", "name": null, "open": true})), "id 7, open yes");
        assert_eq!(shown(&json!("x".repeat(1_000))).chars().count(), CHARS_MAX + 1);
    }
}
