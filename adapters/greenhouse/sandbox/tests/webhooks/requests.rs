//! `/v3/webhooks`: only partners, only with the scope, only bodies that the document accepts.

use crate::common::{World, id};
use crate::schema::{document, facts, faults};
use crate::{actions, heard};
use atsync_greenhouse_sandbox::{PartnerClient, Request, WEBHOOK_EVENTS};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const BACK: &str = "https://host.example/back";
const SCOPES: &str = "harvest:webhooks:list harvest:webhooks:create harvest:webhooks:update \
    harvest:webhooks:destroy";

/// A world whose token is a partner's, with these scopes.
fn partnered(scopes: &str) -> World {
    let mut world =
        World::with(|options| options.partners = vec![PartnerClient::new("p", "s", BACK)]);
    let scopes = scopes.replace(':', "%3A").replace(' ', "+");
    let back = BACK.replace(':', "%3A").replace('/', "%2F");
    let ask = |path: &str, body: &str| {
        let basic = format!("Basic {}", STANDARD.encode("p:s"));
        world.sandbox.handle(&Request {
            method: "POST",
            path_and_query: path,
            headers: &[("authorization".to_owned(), basic)],
            body: body.as_bytes(),
        })
    };
    let form = format!(
        "response_type=code&client_id=p&redirect_uri={back}&scope={scopes}&state=x&decision=allow\
         &acts_as=service_account"
    );
    let redirect = ask("/authorize", &form);
    let location = redirect.header("location").expect("a redirect").to_owned();
    let code = location.split("code=").nth(1).and_then(|rest| rest.split('&').next());
    let form =
        format!("grant_type=authorization_code&redirect_uri={back}&code={}", code.expect("a code"));
    let pair = ask("/token", &form).body_json();
    world.token = pair["access_token"].as_str().expect("a token").to_owned();
    world
}

fn body() -> Value {
    json!({"endpoint_url": "https://host.example/hooks", "name": "Updates",
        "event_action_type": "update_candidate", "secret_key": "s", "max_attempts": 3})
}

fn with(member: &str, value: Value) -> Value {
    let mut body = body();
    body[member] = value;
    body
}

#[test]
fn the_events_are_those_of_the_document() {
    let body = &facts()["requests"]["POST /v3/webhooks"]["properties"]["event_action_type"];
    assert_eq!(body["enum"], json!(WEBHOOK_EVENTS));
}

#[test]
fn a_partner_lists_creates_changes_and_deletes_webhooks() {
    let world = partnered(SCOPES);
    assert_eq!(world.list("/v3/webhooks"), Vec::<Value>::new());
    let answer = world.post("/v3/webhooks", body());
    assert_eq!(answer.status, 201, "{}", answer.body_json());
    let made = answer.body_json();
    if let Some(document) = document() {
        let schema = &document["components"]["schemas"]["webhook"];
        assert_eq!(faults(schema, &made), Vec::<String>::new());
    }
    assert!(!made.to_string().contains("secret"), "no answer shows the secret: {made}");
    assert_eq!(made["max_attempts"], 3);
    assert_eq!(actions(&heard_with(&world)), ["ping"]);
    let path = format!("/v3/webhooks/{}", id(&made));
    let answer = world.patch(&path, json!({"event_action_type": "hire_candidate"}));
    assert_eq!((answer.status, &answer.body_json()["name"]), (200, &json!("Updates")));
    assert_eq!(world.list("/v3/webhooks")[0]["event_action_type"], "hire_candidate");
    assert_eq!(actions(&heard_with(&world)), ["ping"], "a change is followed by a ping");
    assert_eq!(world.patch(&path, json!({"deactivated": true})).status, 200);
    assert!(world.sandbox.next_hook().is_none(), "a deactivated webhook gets no ping");
    let answer = world.send("DELETE", &path, &Value::Null);
    let message = answer.body_json()["message"].as_str().unwrap().to_owned();
    assert_eq!(answer.status, 200);
    assert_eq!(message, format!("Webhook {} deleted successfully", id(&made)));
    assert_eq!(world.send("DELETE", &path, &Value::Null).status, 404);
    assert_eq!(world.patch(&path, json!({})).status, 404);
    assert_eq!(world.get(&path).status, 404, "no read by path");
}

/// The secret of these webhooks is not the one that [`heard`] checks.
fn heard_with(world: &World) -> Vec<crate::Heard> {
    let mut all = Vec::new();
    while let Some(request) = world.sandbox.next_hook() {
        world.sandbox.hook_answered(request.number, Some(200));
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        all.push(crate::Heard {
            action: body["action"].as_str().unwrap_or_default().to_owned(),
            payload: body["payload"].clone(),
            event_id: String::new(),
        });
    }
    all
}

#[test]
fn each_call_needs_its_scope_and_a_partner() {
    let calls = [
        ("GET", "/v3/webhooks", Value::Null, "list"),
        ("POST", "/v3/webhooks", body(), "create"),
        ("PATCH", "/v3/webhooks/1", json!({}), "update"),
        ("DELETE", "/v3/webhooks/1", Value::Null, "destroy"),
    ];
    let own = World::new();
    for (method, path, body, action) in &calls {
        assert_eq!(own.send(method, path, body).status, 403, "a customer's own client: {method}");
        let others: Vec<&str> =
            SCOPES.split(' ').filter(|scope| !scope.ends_with(action)).collect();
        let world = partnered(&others.join(" "));
        assert_eq!(world.send(method, path, body).status, 403, "{method} without its scope");
        let world = partnered(SCOPES);
        world.sandbox.remove_partner_scope("p", &format!("harvest:webhooks:{action}"));
        assert_eq!(world.send(method, path, body).status, 403, "{method} after its scope went");
    }
    assert!(heard(&own.sandbox).is_empty());
}

#[test]
fn a_body_that_does_not_fit_is_refused() {
    let world = partnered(SCOPES);
    let made = id(&world.post("/v3/webhooks", body()).body_json());
    let schema = &facts()["requests"]["POST /v3/webhooks"];
    assert_eq!(faults(schema, &body()), Vec::<String>::new());
    let refused_by_both = [
        with("event_action_type", json!("candidate_sneezed")),
        with("max_attempts", json!("3")),
        with("max_attempts", Value::Null),
        with("secret_key", Value::Null),
        with("basic_auth_username", json!("x".repeat(256))),
        with("deactivated", json!("no")),
        with("url", json!("https://host.example")),
        json!({"name": "x"}),
    ];
    for body in &refused_by_both {
        assert!(!faults(schema, body).is_empty(), "the document accepts {body}");
        assert_eq!(world.post("/v3/webhooks", body.clone()).status, 422, "{body}");
    }
    for body in [
        with("endpoint_url", json!("ftp://host.example")),
        with("endpoint_url", json!("host.example")),
        with("secret_key", json!(" ")),
        with("max_attempts", json!(0)),
        with("additional_headers", json!("Signature: sha256 00")),
        with("additional_headers", json!("no header")),
        with("endpoint_url", json!(format!("https://host.example/{}", "x".repeat(255)))),
    ] {
        assert_eq!(world.post("/v3/webhooks", body.clone()).status, 422, "{body}");
        let change = json!({"endpoint_url": body["endpoint_url"],
            "secret_key": body["secret_key"], "max_attempts": body["max_attempts"],
            "additional_headers": body["additional_headers"]});
        let path = format!("/v3/webhooks/{made}");
        assert_eq!(world.patch(&path, change).status, 422, "{body}");
    }
    world.sandbox.set_quirks(|quirks| quirks.webhooks.https_only = true);
    let plain = with("endpoint_url", json!("http://host.example"));
    assert_eq!(world.post("/v3/webhooks", plain).status, 422);
    assert_eq!(world.list("/v3/webhooks").len(), 1, "no refusal leaves a trace");
}

#[test]
fn the_list_may_be_missing_as_in_the_document() {
    let world = partnered(SCOPES);
    world.sandbox.set_quirks(|quirks| quirks.webhooks.no_list = true);
    assert_eq!(world.get("/v3/webhooks").status, 404);
    assert_eq!(world.post("/v3/webhooks", body()).status, 201, "the rest is there");
}

#[test]
fn a_webhook_sends_the_headers_that_it_was_given() {
    let world = partnered(SCOPES);
    let mut body = with("basic_auth_username", json!("ada"));
    body["basic_auth_password"] = json!("lovelace");
    body["additional_headers"] = json!("X-Tenant: 7\nX-Two: b:c");
    assert_eq!(world.post("/v3/webhooks", body).status, 201);
    let request = world.sandbox.next_hook().unwrap();
    let basic = format!("Basic {}", STANDARD.encode("ada:lovelace"));
    for (name, value) in [("Authorization", &*basic), ("X-Tenant", "7"), ("X-Two", "b:c")] {
        assert_eq!(crate::header(&request, name), value);
    }
}

#[test]
fn fewer_attempts_may_be_asked_for() {
    let world = partnered(SCOPES);
    world.post("/v3/webhooks", with("max_attempts", json!(2)));
    heard_with(&world);
    world.sandbox.fire_webhook("update_candidate", json!({"candidate": {"id": 1}})).unwrap();
    for _ in 0..2 {
        let request = world.sandbox.next_hook().unwrap();
        world.sandbox.hook_answered(request.number, Some(500));
        world.clock.advance_ms(60_000);
    }
    assert!(world.sandbox.next_hook().is_none());
}
