//! Tests of webhooks that are registered: what is asked, and each reading of an answer.

use crate::support::{answer, given, ok, page};
use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_greenhouse::Greenhouse;
use serde_json::json;

const URL: &str = "https://host.example/hooks/acme/1";

fn webhook() -> Webhook {
    Webhook { event: "hire_candidate".into(), url: URL.into() }
}

fn started(task: Registering) -> Send {
    let step = Greenhouse::start(Task::Register(task), &given());
    let Ok(Step::Send(send)) = step else { panic!("{step:?}") };
    send
}

fn ended(task: Registering, response: Response) -> Result<Registration, Failure> {
    match Greenhouse::resume(started(task).state, &given(), Reply::Response(response))? {
        Step::Done(Outcome::Registration(found)) => Ok(found),
        other => panic!("{other:?}"),
    }
}

fn row(id: u64, deactivated: bool) -> String {
    json!({"id": id, "name": "x", "endpoint_url": URL, "event_action_type": "hire_candidate",
        "max_attempts": 7, "deactivated": deactivated})
    .to_string()
}

fn registered(id: &str, active: bool) -> Registered {
    Registered { id: id.into(), event: "hire_candidate".into(), url: URL.into(), active }
}

#[test]
fn a_list_is_read_over_its_pages_and_a_refused_one_is_no_list() {
    let first =
        page(&format!("[{}]", row(2, true)), "<https://x/v3/webhooks?cursor=a>; rel=\"next\"");
    let step =
        Greenhouse::resume(started(Registering::List).state, &given(), Reply::Response(first));
    let Ok(Step::Send(next)) = step else { panic!("{step:?}") };
    // A row that is no webhook is left out.
    let last = ok(&format!("[{}, {{\"id\": 3}}]", row(1, false)));
    let step = Greenhouse::resume(next.state, &given(), Reply::Response(last));
    let listed = Registration::Listed(vec![registered("2", false), registered("1", true)]);
    assert_eq!(step, Ok(Step::Done(Outcome::Registration(listed))));
    for status in [400, 403, 404, 405, 422] {
        let found = ended(Registering::List, answer(status, &[], "{}"));
        assert_eq!(found, Ok(Registration::Unlisted), "{status}");
    }
    assert!(matches!(ended(Registering::List, answer(401, &[], "{}")), Err(Failure::Auth(_))));
    assert!(matches!(
        ended(Registering::List, answer(503, &[], "{}")),
        Err(Failure::Unavailable(_))
    ));
}

#[test]
fn an_answer_to_a_creation_is_kept_refused_or_unclear() {
    let create = || Registering::Create(webhook());
    let sent = started(create());
    assert_eq!((sent.effect, sent.request.method.as_str()), (Effect::Unsafe, "POST"));
    let made = ended(create(), answer(201, &[], &row(7, false)));
    assert_eq!(made, Ok(Registration::Kept(registered("7", true))));
    let disabled = ended(create(), answer(201, &[], &row(7, true)));
    assert_eq!(disabled, Ok(Registration::Kept(registered("7", false))));
    for (status, body) in [(201, "{}"), (200, ""), (500, "{}"), (408, "{}")] {
        let found = ended(create(), answer(status, &[], body));
        assert!(matches!(found, Ok(Registration::Unclear(_))), "{status}: {found:?}");
    }
    for status in [403, 404, 405] {
        let found = ended(create(), answer(status, &[], "{}"));
        assert!(
            matches!(found, Ok(Registration::Refused(Failure::Denied(_)))),
            "{status}: {found:?}"
        );
    }
    let invalid = ended(create(), answer(422, &[], r#"{"errors": [{"endpoint_url": "no"}]}"#));
    assert!(matches!(invalid, Ok(Registration::Refused(Failure::Invalid(_)))), "{invalid:?}");
}

#[test]
fn a_change_and_a_removal_name_their_webhook() {
    let change = || Registering::Change(WebhookChange { id: "7".into(), webhook: webhook() });
    let sent = started(change());
    let Target::Path(path) = &sent.request.target else { panic!("{sent:?}") };
    assert_eq!((path.path.as_str(), sent.request.method.as_str()), ("/v3/webhooks/7", "PATCH"));
    // A stub is a success too.
    let changed = ended(change(), ok(r#"{"message": "updated"}"#));
    assert_eq!(changed, Ok(Registration::Kept(registered("7", true))));
    let gone = ended(change(), answer(404, &[], "{}"));
    assert!(matches!(gone, Ok(Registration::Refused(Failure::NotFound(_)))), "{gone:?}");
    let remove = || Registering::Remove("7".into());
    assert_eq!(started(remove()).request.method, "DELETE");
    assert_eq!(ended(remove(), ok("{}")), Ok(Registration::Removed));
    let gone = ended(remove(), answer(404, &[], "{}"));
    assert!(matches!(gone, Ok(Registration::Refused(Failure::NotFound(_)))), "{gone:?}");
    let step = Greenhouse::start(Task::Register(Registering::Remove("../7".into())), &given());
    assert!(matches!(step, Err(Failure::Invalid(_))), "{step:?}");
}
