//! The adapter and every possible answer of an ATS: any status, any headers, any body, in any task.
//!
//! Input: sections separated by a line `---`. The first holds the context that the engine passes,
//! as far as it is not the default, and the task, a line and its arguments; each other section is a
//! reply in HTTP's form: the status, headers, an empty line, the body. Replies are passed to the
//! task until they or the task end.
//!
//! ```text
//! settings JSON                or `known JSON` (what is known of the tenant), `scopes ID,ID`, `actor ID`
//! scan KIND [FROM TO]          then the cursor
//! fetch KIND ID,ID
//! write OPERATION [KIND/ID]    then a line with the input, a line with what was observed (or none)
//! probe OPERATION [KIND/ID]    then a line with the input
//! check PERMISSION
//! hook SIGNATURE               then the body
//! tenant
//! ```

use crate::grant::{NOW_MS, given, greenhouse, stays};
use atsync::internals::adapter::{Adapter as _, AdapterError, TaskGuard, limits::STEPS_MAX};
use atsync::model::contract::{
    Fetch, Field, Given, Grant, Hook, Operation, Probe, Registering, RemoteRef, Reply, Response,
    Scan, Since, Step, Task, Webhook, Window, Write,
};

const PART: &[u8] = b"\n---\n";

/// The adapter never traps and never breaches the contract: it answers, or fails with an error of
/// the contract.
pub fn adapter(bytes: &[u8]) {
    let mut sections = sections(bytes);
    let Some((task, given)) = sections.next().and_then(begin) else { return };
    let mut guard = TaskGuard::new(&task);
    let mut answer =
        greenhouse().start(task, given.clone()).expect("the adapter begins the task or refuses it");
    let mut last = None;
    for section in sections.take(STEPS_MAX as usize - 1) {
        let Ok(step) = answer else { return };
        match guard.step(&step, last.as_ref()) {
            Ok(()) => {}
            // Replies that lead in a circle are the ATS's fault, and end the task.
            Err(AdapterError::Circle) => return,
            Err(error) => panic!("the step belongs to the task: {error}"),
        }
        let response = response(section);
        let (state, reply) = match step {
            Step::Send(send) => {
                stays(&send);
                last = Some(response.clone());
                (send.state, Reply::Response(response))
            }
            Step::Verify(verify) => {
                last = None;
                (verify.state, Reply::Verified(response.status == 200))
            }
            Step::Transfer(_) => panic!("Greenhouse transfers nothing"),
            Step::Done(_) => return,
        };
        answer = greenhouse()
            .resume(state, given.clone(), reply)
            .expect("the adapter reads any reply or refuses it");
    }
    if let Ok(step) = answer {
        match guard.step(&step, last.as_ref()) {
            Ok(()) | Err(AdapterError::Circle) => {}
            Err(error) => panic!("the step belongs to the task: {error}"),
        }
    }
}

fn sections(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let (section, further) = split(rest?, PART);
        rest = further;
        Some(section)
    })
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> (&'a [u8], Option<&'a [u8]>) {
    match bytes.windows(at.len()).position(|window| window == at) {
        Some(index) => (bytes.get(..index).unwrap_or_default(), bytes.get(index + at.len()..)),
        None => (bytes, None),
    }
}

/// The task, and the context that the engine passes.
fn begin(mut section: &[u8]) -> Option<(Task, Given)> {
    let mut given = given();
    loop {
        let (line, rest) = split(section, b"\n");
        let line = String::from_utf8_lossy(line);
        match line.split_once(' ') {
            Some(("settings", settings)) => given.settings = settings.to_owned(),
            Some(("known", known)) => given.tenant = Some(known.to_owned()),
            Some(("scopes", scopes)) => {
                grant(&mut given).scopes = Some(scopes.split(',').map(str::to_owned).collect())
            }
            Some(("actor", actor)) => grant(&mut given).actor = Some(actor.to_owned()),
            _ => return task(section).map(|task| (task, given)),
        }
        section = rest?;
    }
}

fn grant(given: &mut Given) -> &mut Grant {
    given.grant.get_or_insert(Grant { scopes: None, actor: None })
}

fn task(section: &[u8]) -> Option<Task> {
    let (line, payload) = split(section, b"\n");
    let payload = payload.unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
    let mut words = rest.split(' ').map(str::to_owned);
    Some(match verb {
        "scan" => {
            let kind = words.next()?;
            let window =
                words.next().zip(words.next()).map(|(from, to)| Since::Window(Window { from, to }));
            let cursor = Some(payload).filter(|cursor| !cursor.is_empty()).map(<[u8]>::to_vec);
            let since = window.unwrap_or(Since::Everything);
            Task::Scan(Scan { kind, parent: None, since, cursor, page_size: 100 })
        }
        "fetch" => Task::Fetch(Fetch {
            kind: words.next()?,
            ids: words.next()?.split(',').map(str::to_owned).collect(),
        }),
        "write" => {
            let (input, observed) = lines(payload);
            Task::Write(Write {
                operation: operation(words.next()?, words.next(), input),
                observed,
            })
        }
        "probe" => {
            let operation = operation(words.next()?, words.next(), lines(payload).0);
            Task::Probe(Probe { operation, first_sent_ms: Some(NOW_MS - 30_000) })
        }
        "check" => Task::Check(rest.to_owned()),
        "hook" => Task::Hook(Hook {
            headers: vec![Field::new("signature", rest)],
            body: payload.to_vec(),
        }),
        "tenant" => Task::DescribeTenant,
        "webhooks" => Task::Register(Registering::List),
        "webhook" => Task::Register(Registering::Create(Webhook {
            event: rest.to_owned(),
            url: "https://host.example/hooks/acme/1".to_owned(),
        })),
        _ => return None,
    })
}

fn lines(payload: &[u8]) -> (String, Option<String>) {
    let (input, observed) = split(payload, b"\n");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(input), observed.filter(|observed| !observed.is_empty()).map(text))
}

fn operation(name: String, target: Option<String>, input: String) -> Operation {
    let target = target.and_then(|target| {
        let (kind, id) = target.split_once('/')?;
        Some(RemoteRef::new(kind, id))
    });
    Operation { name, target, input }
}

fn response(section: &[u8]) -> Response {
    let (head, body) = split(section, b"\n\n");
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.trim().parse().ok())
        .filter(|status| (100..=999).contains(status));
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| Field::new(name.trim().to_ascii_lowercase(), value.trim()))
        .collect();
    Response { status: status.unwrap_or(200), headers, body: body.unwrap_or_default().to_vec() }
}
