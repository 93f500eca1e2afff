//! Requests, made of templates.

use super::{Context, mistake};
use crate::description::{Method, Place, Request as Template};
use crate::expression::{Compiled, Engine, Fault, Scope};
use crate::json::Json;
use crate::template::{Made, Text};
use atsync_adapter::contract::{
    Body, Effect, Failure, Field, FieldError, Path, Request, Send, Step, Target,
};
use std::borrow::Cow;

/// A request whose parts are compiled.
#[derive(Debug)]
pub(crate) struct Plan<'e> {
    method: Method,
    origin: String,
    path: Text<'e>,
    query: Vec<(String, Made<'e>)>,
    headers: Vec<(String, Made<'e>)>,
    form: Vec<(String, Made<'e>)>,
    body: Option<Made<'e>>,
    content_type: Option<String>,
}

/// Parameters that the interpreter adds: those of paging, size and window.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    pub(crate) place: Place,
    pub(crate) parameters: Vec<(String, Json<'static>)>,
}

impl<'e> Plan<'e> {
    /// Compiles a request.
    pub(crate) fn of(request: &Template, context: &'e Context<'_>) -> Result<Self, Failure> {
        Self::compiled(request, &context.engine, &context.common.origin).map_err(mistake)
    }

    /// Compiles a request for an origin that is used where it names none.
    pub(crate) fn compiled(
        request: &Template,
        engine: &'e Engine,
        origin: &str,
    ) -> Result<Self, Fault> {
        let all = |parts: &std::collections::BTreeMap<String, crate::description::Template>| {
            parts
                .iter()
                .map(|(name, value)| Ok((name.clone(), Made::template(value, engine)?)))
                .collect::<Result<Vec<_>, Fault>>()
        };
        Ok(Self {
            method: request.method,
            origin: request.origin.clone().unwrap_or_else(|| origin.to_owned()),
            path: Text::of(&request.path, engine)?,
            query: all(&request.query)?,
            headers: all(&request.headers)?,
            form: all(&request.form)?,
            body: request.body.as_ref().map(|body| Made::template(body, engine)).transpose()?,
            content_type: request.content_type.clone(),
        })
    }

    /// Calls `visit` with each expression in it.
    pub(crate) fn each<'p>(&'p self, visit: &mut dyn FnMut(&'p Compiled<'e>)) {
        self.path.expressions().for_each(&mut *visit);
        let parts = self.query.iter().chain(&self.headers).chain(&self.form);
        parts.map(|(_, made)| made).chain(&self.body).for_each(|made| made.each(visit));
    }

    /// Makes the request.
    ///
    /// # Errors
    /// A fault of an expression.
    pub(crate) fn request(&self, scope: Scope<'_, '_>, extra: Extra) -> Result<Request, Fault> {
        let mut query = Vec::new();
        for (name, made) in &self.query {
            fields(name, made.value(scope)?.as_ref(), &mut query)?;
        }
        let mut body = self.body.as_ref().map(|made| made.value(scope)).transpose()?;
        match extra.place {
            Place::Query => {
                for (name, value) in &extra.parameters {
                    query.retain(|field: &Field| field.name != *name);
                    fields(name, value, &mut query)?;
                }
            }
            Place::Body if extra.parameters.is_empty() => {}
            Place::Body => {
                let mut members = match body.take().map(Cow::into_owned) {
                    Some(Json::Map(members)) => members,
                    Some(_) => return Err(Fault("the body of a list must be an object".into())),
                    None => Vec::new(),
                };
                for (name, value) in extra.parameters {
                    members.retain(|(known, _)| *known != name);
                    members.push((Cow::Owned(name), value));
                }
                body = Some(Cow::Owned(Json::Map(members)));
            }
        }
        let mut headers = Vec::new();
        for (name, made) in &self.headers {
            fields(name, made.value(scope)?.as_ref(), &mut headers)?;
        }
        let mut form = Vec::new();
        for (name, made) in &self.form {
            fields(name, made.value(scope)?.as_ref(), &mut form)?;
        }
        let body = match body {
            Some(body) => {
                let text = serde_json::to_string(&*body)
                    .map_err(|_| Fault("a body that is no JSON".into()))?;
                match &self.content_type {
                    Some(kind) => Body::Bytes((kind.clone(), text.into_bytes())),
                    None => Body::Json(text),
                }
            }
            None if self.form.is_empty() => Body::None,
            None => Body::Form(form),
        };
        Ok(Request {
            origin: self.origin.clone(),
            method: self.method.name().to_owned(),
            target: Target::Path(Path { path: self.path.path(scope)?, query }),
            headers,
            body,
        })
    }
}

/// A value as parameters of a name: a list as several, and none for nothing.
fn fields(name: &str, value: &Json<'_>, out: &mut Vec<Field>) -> Result<(), Fault> {
    match value {
        Json::Absent | Json::Null => Ok(()),
        Json::List(entries) => entries.iter().try_for_each(|entry| fields(name, entry, out)),
        other => match other.scalar() {
            Some(text) => {
                out.push(Field::new(name, text));
                Ok(())
            }
            None => Err(Fault(format!("the parameter {name}: {} is no text", other.shape()))),
        },
    }
}

/// A step that sends a request that changes nothing.
pub(crate) fn safe(request: Request, state: &super::State) -> Result<Step, Failure> {
    send(request, state, Effect::Safe)
}

/// A step that sends a request.
pub(crate) fn send(
    request: Request,
    state: &super::State,
    effect: Effect,
) -> Result<Step, Failure> {
    Ok(Step::Send(Send { request, state: state.encode()?, effect, secrets: Vec::new() }))
}

/// The failure where a request cannot be made: what it needs is not there.
pub(crate) fn unmade(fault: Fault) -> Failure {
    Failure::Invalid(vec![FieldError {
        field: String::new(),
        message: format!("the request cannot be made: {fault}"),
    }])
}
