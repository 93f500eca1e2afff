//! The figures of `/metrics`, by connection and by webhook endpoint, and why what fails does. Pure.
//!
//! Nothing is computed here but the worst of several budgets: what a line shows is a sample.

use serde_json::Value;
use std::collections::BTreeMap;

/// All figures of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) connections: BTreeMap<String, Row>,
    pub(super) endpoints: BTreeMap<String, Endpoint>,
    /// The age of the heartbeats of the loops that work for all connections, in seconds.
    pub(super) loops: BTreeMap<String, f64>,
    /// The conditions that do not hold.
    pub(super) failing: Vec<Failing>,
}

/// A condition that does not hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Failing {
    pub(super) connection: String,
    pub(super) condition: String,
    pub(super) since_ms: Option<u64>,
    pub(super) message: String,
}

/// The figures of a connection; none where `/metrics` has no sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    /// The conditions that do not hold.
    pub(super) failing: Vec<String>,
    pub(super) lag_s: Option<f64>,
    pub(super) backlog: Option<f64>,
    /// Intents by state.
    pub(super) intents: BTreeMap<String, f64>,
    pub(super) oldest_in_doubt_s: Option<f64>,
    pub(super) requests: Option<f64>,
    pub(super) throttled: Option<f64>,
    /// Of several budgets, the least.
    pub(super) budget_left: Option<f64>,
}

/// The figures of a webhook endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Endpoint {
    pub(super) is_enabled: Option<bool>,
    /// Deliveries by outcome.
    pub(super) deliveries: BTreeMap<String, f64>,
    pub(super) waiting_s: Option<f64>,
}

/// One line of the text format.
struct Sample<'a> {
    name: &'a str,
    labels: BTreeMap<&'a str, String>,
    value: f64,
}

impl Figures {
    /// Reads the text format of Prometheus. Lines that it does not know are ignored.
    pub(super) fn of(text: &str) -> Self {
        let mut figures = Self::default();
        text.lines().filter_map(sample).for_each(|sample| figures.add(&sample));
        figures
    }

    /// Adds the conditions that do not hold, as the API's list of connections has them.
    pub(super) fn add_conditions(&mut self, connections: &Value) {
        let text = |value: &Value, member: &str| {
            value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let array = |value: &Value, member: &str| {
            value.get(member).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        for connection in array(connections, "connections") {
            for condition in array(&connection, "conditions") {
                if condition.get("status").and_then(Value::as_bool) == Some(false) {
                    self.failing.push(Failing {
                        connection: text(&connection, "name"),
                        condition: text(&condition, "type"),
                        since_ms: condition.get("since_ms").and_then(Value::as_u64),
                        message: text(&condition, "message"),
                    });
                }
            }
        }
    }

    fn add(&mut self, sample: &Sample<'_>) {
        let Sample { name, labels, value } = sample;
        let Some(name) = name.strip_prefix("atsync_") else { return };
        let label = |label: &str| labels.get(label).cloned().unwrap_or_default();
        if let Some(endpoint) = labels.get("endpoint") {
            let endpoint = self.endpoints.entry(endpoint.clone()).or_default();
            match name {
                "webhook_endpoint_enabled" => endpoint.is_enabled = Some(*value != 0.0),
                "deliveries_total" => {
                    let _ = endpoint.deliveries.insert(label("outcome"), *value);
                }
                "deliveries_oldest_waiting_seconds" => endpoint.waiting_s = Some(*value),
                _ => {}
            }
            return;
        }
        let connection = label("connection");
        if connection.is_empty() {
            if name == "heartbeat_age_seconds" {
                self.loops.insert(label("loop"), *value);
            }
            return;
        }
        let row = self.connections.entry(connection).or_default();
        match name {
            "condition" if *value == 0.0 => row.failing.push(label("condition")),
            "lag_seconds" => row.lag_s = Some(*value),
            "desired_dirty" => row.backlog = Some(*value),
            "intents" => {
                let _ = row.intents.insert(label("state"), *value);
            }
            "intents_in_doubt_oldest_seconds" => row.oldest_in_doubt_s = Some(*value),
            "requests_total" => row.requests = Some(*value),
            "requests_throttled_total" => row.throttled = Some(*value),
            "budget_left" => {
                row.budget_left = Some(row.budget_left.map_or(*value, |left| left.min(*value)));
            }
            _ => {}
        }
    }
}

/// Reads `name{label="value",…} number`; none for anything else.
fn sample(line: &str) -> Option<Sample<'_>> {
    if line.starts_with('#') {
        return None;
    }
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at_checked(end)?;
    let mut labels = BTreeMap::new();
    if let Some(mut inner) = rest.strip_prefix('{') {
        while !inner.starts_with('}') {
            let (label, after) = inner.trim_start_matches(',').split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.insert(label, value);
            inner = after;
        }
        rest = inner.strip_prefix('}')?;
    }
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample { name, labels, value })
}

/// The text up to the closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, text.get(at.saturating_add(1)..)?)),
            '\\' => value.push(match letters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Figures;

    #[test]
    fn what_fails_has_the_reason_that_the_api_has() {
        let mut figures = Figures::default();
        figures.add_conditions(&serde_json::json!({ "connections": [
            { "name": "acme", "conditions": [
                { "type": "Running", "status": true, "message": "its schedules run" },
                { "type": "Pulling", "status": false, "message": "no answer", "since_ms": 5 },
            ] },
            { "name": "beta" },
        ] }));
        assert_eq!(figures.failing.len(), 1, "{figures:?}");
        let one = &figures.failing[0];
        assert_eq!((one.connection.as_str(), one.condition.as_str()), ("acme", "Pulling"));
        assert_eq!((one.message.as_str(), one.since_ms), ("no answer", Some(5)));
    }

    #[test]
    fn each_figure_is_the_sample_that_metrics_has() {
        let text = r#"# HELP atsync_requests_total Requests to the ATS.
# TYPE atsync_requests_total counter
atsync_requests_total{connection="acme"} 17
atsync_requests_throttled_total{connection="acme"} 2
atsync_condition{connection="acme",condition="pulling"} 1
atsync_condition{connection="acme",condition="writing"} 0
atsync_lag_seconds{connection="acme"} 61.5
atsync_desired_dirty{connection="acme"} 3
atsync_intents{connection="acme",state="in_doubt"} 1
atsync_intents{connection="acme",state="applied"} 40
atsync_intents_in_doubt_oldest_seconds{connection="acme"} 900
atsync_budget_left{connection="acme",rule="a"} 50
atsync_budget_left{connection="acme",rule="b"} 7
atsync_requests_total{connection="a \"b\" \\{}, c"} 1
atsync_heartbeat_age_seconds{loop="schedule",connection="acme"} 12.0
atsync_heartbeat_age_seconds{loop="writer",connection=""} 0.0
atsync_webhook_endpoint_enabled{endpoint="e1"} 1
atsync_deliveries_total{endpoint="e1",outcome="accepted"} 9
atsync_deliveries_oldest_waiting_seconds{endpoint="e1"} 4.0
atsync_unknown{x="y"} 1
not a sample
atsync_broken{connection="acme} 1
"#;
        let figures = Figures::of(text);
        let names: Vec<&str> = figures.connections.keys().map(String::as_str).collect();
        assert_eq!(names, ["a \"b\" \\{}, c", "acme"]);
        let acme = &figures.connections["acme"];
        assert_eq!(acme.failing, ["writing"]);
        assert_eq!(
            (acme.requests, acme.throttled, acme.backlog),
            (Some(17.0), Some(2.0), Some(3.0))
        );
        assert_eq!((acme.lag_s, acme.oldest_in_doubt_s), (Some(61.5), Some(900.0)));
        assert_eq!((acme.intents["in_doubt"], acme.budget_left), (1.0, Some(7.0)));
        assert_eq!(figures.loops["writer"], 0.0);
        let endpoint = &figures.endpoints["e1"];
        assert_eq!((endpoint.is_enabled, endpoint.waiting_s), (Some(true), Some(4.0)));
        assert_eq!(endpoint.deliveries["accepted"], 9.0);
    }
}
