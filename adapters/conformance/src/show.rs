//! Exchanges as lines of text, for reports and traces.
//!
//! Long bodies and states are cut: [`BODY_CHARS`] and [`STATE_CHARS`]. A credential is never in
//! them, since an adapter never has one; candidate data is, so what is shown is for the author of
//! an adapter and belongs to no log.

use crate::drive::{End, Run, Turn};
use atsync::model::contract::{Body, Effect, Outcome, Page, Target, Task, Written};

/// Characters of a body that are shown.
const BODY_CHARS: usize = 300;
/// Characters of a state that are shown.
const STATE_CHARS: usize = 160;

/// A run, line by line.
pub fn run(run: &Run) -> Vec<String> {
    let mut lines = vec![format!("task    {}", task(&run.task))];
    for turn in &run.turns {
        lines.extend(self::turn(turn));
    }
    for verify in &run.checks {
        lines.push(format!(
            "verify  {:?} over {} bytes with the secret {:?}; {} candidates",
            verify.algorithm,
            verify.message.len(),
            verify.secret_name,
            verify.candidates.len()
        ));
    }
    lines.push(format!("end     {}", end(&run.end)));
    lines
}

/// A request and its answer.
pub fn turn(turn: &Turn) -> Vec<String> {
    let effect = match turn.effect {
        Effect::Safe => "safe",
        Effect::Scratch => "scratch",
        Effect::Unsafe => "unsafe",
        Effect::Consuming => "consuming",
    };
    let request = &turn.request;
    let mut lines = vec![format!(
        "request {} {} ({effect}, to {})",
        request.method,
        target(&request.target),
        request.origin
    )];
    match &request.body {
        Body::None => {}
        Body::Json(text) => lines.push(format!("        {}", cut(text, BODY_CHARS))),
        Body::Form(fields) => {
            let pairs: Vec<String> =
                fields.iter().map(|field| format!("{}={}", field.name, field.value)).collect();
            lines.push(format!("        {}", cut(&pairs.join("&"), BODY_CHARS)));
        }
        Body::Bytes((kind, bytes)) => lines.push(format!("        {} bytes, {kind}", bytes.len())),
        Body::Multipart(_) => lines.push("        multipart".to_owned()),
    }
    lines.push(format!("state   {} bytes: {}", turn.state.len(), bytes(&turn.state, STATE_CHARS)));
    match &turn.reply {
        None => lines.push("reply   none".to_owned()),
        Some(reply) => {
            lines.push(format!("reply   {}, {} bytes", reply.status, reply.body.len()));
            for name in ["link", "location", "retry-after", "content-type"] {
                if let Some(value) = reply.header(name) {
                    lines.push(format!("        {name}: {}", cut(value, BODY_CHARS)));
                }
            }
            lines.push(format!("        {}", bytes(&reply.body, BODY_CHARS)));
        }
    }
    lines
}

/// Where a request goes.
pub(crate) fn target(target: &Target) -> String {
    match target {
        Target::Path(path) => {
            let query: Vec<String> =
                path.query.iter().map(|field| format!("{}={}", field.name, field.value)).collect();
            let mark = if query.is_empty() { "" } else { "?" };
            cut(&format!("{}{mark}{}", path.path, query.join("&")), BODY_CHARS)
        }
        Target::Link(link) => format!("the link {}", cut(link, BODY_CHARS)),
    }
}

/// A task in a line.
pub fn task(task: &Task) -> String {
    match task {
        Task::Scan(scan) => format!(
            "scan {}, {} a page{}",
            scan.kind,
            scan.page_size,
            scan.cursor.as_ref().map_or_else(String::new, |cursor| {
                format!(", from the cursor {}", bytes(cursor, STATE_CHARS))
            })
        ),
        Task::Fetch(fetch) => {
            format!("fetch {} {}", fetch.kind, cut(&fetch.ids.join(", "), STATE_CHARS))
        }
        Task::Probe(probe) => format!("probe {}", operation(&probe.operation)),
        Task::Write(write) => format!("write {}", operation(&write.operation)),
        Task::Check(permission) => format!("check {permission}"),
        Task::Hook(hook) => format!("hook of {} bytes", hook.body.len()),
        Task::DescribeTenant => "describe-tenant".to_owned(),
        Task::Register(registering) => format!("register {registering:?}"),
    }
}

fn operation(operation: &atsync::model::contract::Operation) -> String {
    let target =
        operation.target.as_ref().map_or_else(String::new, |target| format!(" of {target}"));
    format!("{}{target} {}", operation.name, cut(&operation.input, BODY_CHARS))
}

/// The end of a task in a line.
pub fn end(end: &End) -> String {
    match end {
        End::Failure(failure) => {
            format!("failure: {failure} ({})", cut(&format!("{failure:?}"), STATE_CHARS))
        }
        End::Unanswered(why) => format!("no answer: {why}"),
        End::Breach(breach) => {
            format!("the adapter broke `{}`: {}", breach.promise.word(), breach.what)
        }
        End::Outcome(outcome) => self::outcome(outcome),
    }
}

/// An outcome in a line.
pub fn outcome(outcome: &Outcome) -> String {
    let page = |page: &Page| {
        let how = if page.complete { "the last" } else { "more follow" };
        format!("a page of {} records, {how}", page.items.len())
    };
    match outcome {
        Outcome::Page(found) => page(found),
        Outcome::FlawedPage((found, problems)) => {
            let first = problems.first().map_or("", |problem| problem.message.as_str());
            format!("{}, {} problems: {first}", page(found), problems.len())
        }
        Outcome::Fetched(found) => {
            format!("{} records fetched, {} missing", found.items.len(), found.missing.len())
        }
        Outcome::FlawedFetched((found, problems)) => format!(
            "{} records fetched, {} missing, {} problems",
            found.items.len(),
            found.missing.len(),
            problems.len()
        ),
        Outcome::Written(Written::Refused(failure)) => format!("refused: {failure}"),
        other => cut(&format!("{other:?}"), BODY_CHARS),
    }
}

/// The beginning of a text, in one line.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    let mut shown: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(chars_max)
        .collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Bytes as text where they are, else in hexadecimal.
pub fn bytes(bytes: &[u8], chars_max: usize) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => cut(text, chars_max),
        Err(_) => {
            let shown: String =
                bytes.iter().take(chars_max / 2).map(|byte| format!("{byte:02x}")).collect();
            let more = if bytes.len() > chars_max / 2 { "…" } else { "" };
            format!("0x{shown}{more}")
        }
    }
}
