//! The hook task: verifies a webhook and reads the records that it names.
//!
//! Hints are read before the signature is checked, because a continuation could not hold the body,
//! and are used only after it. A body that cannot be read gives no hints. Bounds: [`HINTS_MAX`].

use super::answer::{headers, optional};
use super::ground::Ground;
use super::state::{self, Noted, State};
use super::{Context, mistake};
use crate::description::{
    Hint as Rule, Hook as Described, SignatureAlgorithm, SignatureEncoding, Times,
};
use crate::expression::{Fault, Scope};
use crate::json::Json;
use crate::shape::is_id;
use crate::template::{Made, Text};
use crate::time;
use atsync_adapter::contract::{
    Algorithm, Encoding, Failure, Field, Given, Hint, Hook, Hooked, Outcome, RemoteRef, Response,
    Step, Verify,
};

/// Hints of one webhook.
const HINTS_MAX: usize = 200;
/// Signatures of one webhook.
const SIGNATURES_MAX: usize = 20;

/// Composes the signed message.
pub(crate) fn start(context: &Context<'_>, hook: Hook, given: &Given) -> Result<Step, Failure> {
    let described: Described = context
        .baked
        .hook()?
        .ok_or_else(|| Failure::Bug("the description reads no webhooks".into()))?;
    let ground = Ground::of(given, &[context.baked.text("hook").unwrap_or_default()])?;
    let shared = ground.names();
    let text = std::str::from_utf8(&hook.body).unwrap_or_default();
    let body = Json::parse(text).unwrap_or_default();
    let raw = Json::text(text);
    let headers = headers(&hook.headers);
    let own = [("body", &body), ("raw", &raw), ("headers", &headers)];
    let scope = Scope { shared: &shared, own: &own };

    if let Some(answer) = handshake(context, &described, scope).map_err(mistake)? {
        return Ok(answer);
    }
    let signature = &described.signature;
    let candidates = candidates(context, &described, scope).map_err(mistake)?;
    if candidates.is_empty() {
        return Ok(answered(401, Vec::new(), None));
    }
    let state = state::Hook {
        hints: hints(context, &described, scope).map_err(mistake)?,
        signed_at_ms: signed_at(context, &described, scope).map_err(mistake)?,
    };
    let message = match &signature.message {
        None => None,
        Some(message) => {
            let message = Text::of(message, &context.engine).map_err(mistake)?;
            match message.text(scope) {
                Ok(text) => Some(text.into_bytes()),
                // The body lacks what is signed.
                Err(_) => return Ok(answered(401, Vec::new(), None)),
            }
        }
    };
    let state = State::Hook(state).encode()?;
    Ok(Step::Verify(Verify {
        secret_name: signature.secret.clone(),
        algorithm: match signature.algorithm {
            SignatureAlgorithm::HmacSha256 => Algorithm::HmacSha256,
            SignatureAlgorithm::HmacSha1 => Algorithm::HmacSha1,
            SignatureAlgorithm::HmacSha512 => Algorithm::HmacSha512,
            SignatureAlgorithm::Plain => Algorithm::Plain,
        },
        message: message.unwrap_or_else(|| hook.body.clone()),
        candidates,
        encoding: match signature.encoding {
            SignatureEncoding::Hex => Encoding::Hex,
            SignatureEncoding::Base64 => Encoding::Base64,
        },
        state,
    }))
}

/// The answer to a request that only wants one.
fn handshake(
    context: &Context<'_>,
    hook: &Described,
    scope: Scope<'_, '_>,
) -> Result<Option<Step>, Fault> {
    for rule in &hook.handshakes {
        let when = context.engine.compile(rule.when.text())?;
        if !when.is_true(scope).unwrap_or_default() {
            continue;
        }
        let mut headers = Vec::new();
        for (name, value) in &rule.headers {
            let value = Made::template(value, &context.engine)?.value(scope)?.into_owned();
            headers.extend(value.scalar().map(|text| Field::new(name.clone(), text)));
        }
        let answer = Response { status: 200, headers, body: Vec::new() };
        let hooked = Hooked { answer, hints: Vec::new(), signed_at_ms: None };
        return Ok(Some(Step::Done(Outcome::Hooked(hooked))));
    }
    Ok(None)
}

/// Answers, with the hints where the signature is valid.
pub(crate) fn resume(state: state::Hook, is_signed: bool) -> Step {
    if !is_signed {
        return answered(401, Vec::new(), None);
    }
    let hints = state.hints.into_iter().map(|hint| match hint {
        Noted::Changed(of) => Hint::Changed(of),
        Noted::Deleted(of) => Hint::Deleted(of),
        Noted::Merged(from, into) => Hint::Merged((from, into)),
        Noted::Erased(of) => Hint::Erased(of),
    });
    answered(200, hints.collect(), state.signed_at_ms)
}

/// The signatures without what stands before them. One that is no text of its encoding is left out.
fn candidates(
    context: &Context<'_>,
    hook: &Described,
    scope: Scope<'_, '_>,
) -> Result<Vec<String>, Fault> {
    let signature = &hook.signature;
    let from = context.engine.compile(signature.from.text())?;
    let Ok(value) = from.eval(scope) else { return Ok(Vec::new()) };
    let all = match &*value {
        Json::List(entries) => entries.as_slice(),
        one => std::slice::from_ref(one),
    };
    let one = |value: &Json<'_>| {
        let text = value.as_text()?.trim();
        let text = text.strip_prefix(signature.prefix.as_str())?.trim();
        let is_sign = |byte: u8| match signature.encoding {
            SignatureEncoding::Hex => byte.is_ascii_hexdigit(),
            SignatureEncoding::Base64 => byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte),
        };
        let is_plain = signature.algorithm == SignatureAlgorithm::Plain;
        let is_it =
            !text.is_empty() && text.len() <= 512 && (is_plain || text.bytes().all(is_sign));
        is_it.then(|| text.to_owned())
    };
    Ok(all.iter().take(SIGNATURES_MAX).filter_map(one).collect())
}

fn signed_at(
    context: &Context<'_>,
    hook: &Described,
    scope: Scope<'_, '_>,
) -> Result<Option<u64>, Fault> {
    let Some(expression) = optional(hook.signed_at.as_ref(), &context.engine)? else {
        return Ok(None);
    };
    let Ok(value) = expression.eval(scope) else { return Ok(None) };
    let ms = match (&*value, context.common.times) {
        (Json::Int(number), Times::EpochS) => number.checked_mul(1000),
        (Json::Int(number), _) => Some(*number),
        (Json::Text(text), _) => time::to_ms(text),
        _ => None,
    };
    Ok(ms.and_then(|ms| u64::try_from(ms).ok()))
}

/// The hints. What cannot be read gives none: a hint is never state.
fn hints(
    context: &Context<'_>,
    hook: &Described,
    scope: Scope<'_, '_>,
) -> Result<Vec<Noted>, Fault> {
    let engine = &context.engine;
    let mut found = Vec::new();
    for rule in &hook.hints {
        if let Some(when) = optional(rule.when.as_ref(), engine)?
            && !when.is_true(scope).unwrap_or_default()
        {
            continue;
        }
        let of = |expression: &Option<crate::description::Expr>| -> Result<Vec<RemoteRef>, Fault> {
            let Some(expression) = optional(expression.as_ref(), engine)? else {
                return Ok(Vec::new());
            };
            let Ok(value) = expression.eval(scope) else { return Ok(Vec::new()) };
            let all = match &*value {
                Json::List(entries) => entries.as_slice(),
                one => std::slice::from_ref(one),
            };
            let ids = all.iter().filter_map(Json::scalar).filter(|id| is_id(id));
            Ok(ids.map(|id| RemoteRef::new(rule.kind.clone(), id)).collect())
        };
        let Rule { changed, deleted, erased, merged, into, .. } = rule;
        found.extend(of(changed)?.into_iter().map(Noted::Changed));
        found.extend(of(deleted)?.into_iter().map(Noted::Deleted));
        found.extend(of(erased)?.into_iter().map(Noted::Erased));
        if let Some(to) = of(into)?.into_iter().next() {
            found.extend(of(merged)?.into_iter().map(|from| Noted::Merged(from, to.clone())));
        }
    }
    found.truncate(HINTS_MAX);
    Ok(found)
}

fn answered(status: u16, hints: Vec<Hint>, signed_at_ms: Option<u64>) -> Step {
    Step::Done(Outcome::Hooked(Hooked {
        answer: Response {
            status,
            headers: vec![Field::new("content-type", "text/plain")],
            body: Vec::new(),
        },
        hints,
        signed_at_ms,
    }))
}
