//! The scan task: one page of a kind, with the kinds that come inside its rows.

use super::answer::{Answer, Meaning, Table, accepted, no_json};
use super::ground::Ground;
use super::paging::{Cursor, Pager};
use super::record::{At, Mapper, Records};
use super::request::{self, Extra, Plan};
use super::state::{self, State};
use super::{Context, lacking, mistake};
use crate::description::{Kind, List, Lists, Times};
use crate::expression::Scope;
use crate::json::{Json, Name};
use crate::manifest::{self, PAGE_MAX};
use crate::time;
use atsync_adapter::contract::{
    Failure, Given, Outcome, Page, RemoteRef, Response, Scan, Since, Span, Step, Target,
};
use atsync_adapter::rows;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Requests a page.
pub(crate) fn start(context: &Context<'_>, task: &Scan, given: &Given) -> Result<Step, Failure> {
    let kind = context.baked.kind(&task.kind)?;
    let list = listed(&kind, &task.kind)?;
    let cursor: Option<Cursor> =
        task.cursor.as_deref().map(atsync_adapter::state::decode).transpose()?;
    let size = task.page_size.clamp(1, page_max(list, &context.common.lists));
    let sections = sections(context, &task.kind);
    let ground = Ground::of(given, &sections)?;
    let parent = task.parent.as_ref().map(reference).unwrap_or_default();
    let mut shared = ground.names();
    shared.push(("parent", &parent));
    let lists = &context.common.lists;
    let mut extra = Extra {
        place: list.parameters.or(lists.parameters).unwrap_or_default(),
        ..Extra::default()
    };
    if let Some(parameter) = size_parameter(list, lists) {
        extra.parameters.push((parameter.to_owned(), Json::number(u64::from(size))));
    }
    since(list, &task.since, context.common.times, &mut extra)?;
    let paging = manifest::paging(list.paging.as_ref(), lists.paging.as_ref());
    let pager = Pager::of(paging, &context.engine)?;
    extra.parameters.extend(pager.parameter(cursor.as_ref())?);
    let plan = Plan::of(&list.request, context)?;
    let mut request =
        plan.request(Scope { shared: &shared, own: &[] }, extra).map_err(request::unmade)?;
    if let Some(Cursor::Url(url)) = &cursor {
        request.target = Target::Link(url.clone());
    }
    let state = state::Scan { kind: task.kind.clone(), parent: task.parent.clone(), cursor, size };
    request::safe(request, &State::Scan(state))
}

/// Reads a page.
pub(crate) fn resume(
    context: &Context<'_>,
    state: &state::Scan,
    given: &Given,
    response: &Response,
) -> Result<Step, Failure> {
    let kind = context.baked.kind(&state.kind)?;
    let list = listed(&kind, &state.kind)?;
    let lists = &context.common.lists;
    let sections = sections(context, &state.kind);
    let ground = Ground::of(given, &sections)?;
    let parent = state.parent.as_ref().map(reference).unwrap_or_default();
    let mut shared = ground.names();
    shared.push(("parent", &parent));

    let path = list.rows.as_deref().or(lists.rows.as_deref()).unwrap_or_default();
    let envelope = Envelope::of(&response.body, path);
    let reply = envelope.as_ref().map(|envelope| envelope.reply.clone()).unwrap_or_default();
    let answer = Answer::with(response, reply);
    let table = Table::of(&list.outcomes, context)?;
    let meaning = table.read(&answer, &shared, kind.permission.as_deref(), &state.kind)?;
    if let Meaning::Ok = meaning
        && envelope.is_none()
        && !answer.is_empty
    {
        return Err(no_json(response));
    }
    accepted(meaning)?;
    shared.push(("reply", &answer.reply));

    let mapper = Mapper::of(&state.kind, &kind, context)?;
    let names = context.common.inner.get(&state.kind).map(Vec::as_slice).unwrap_or_default();
    let inner_kinds = names
        .iter()
        .map(|name| context.baked.kind(name).map(|kind| (name.as_str(), kind)))
        .collect::<Result<Vec<(&str, Kind)>, Failure>>()?;
    let inner = inner_kinds
        .iter()
        .map(|(name, kind)| Mapper::of(name, kind, context))
        .collect::<Result<Vec<_>, Failure>>()?;

    let mut records = Records::default();
    let mut count = 0_usize;
    match envelope.as_ref().map(|envelope| envelope.rows) {
        Some(Some(rows)) => {
            let offset = offset_in(&response.body, rows);
            rows::each(rows.as_bytes(), |element| {
                count = count.saturating_add(1);
                let row = element.read::<Json<'_>>();
                let span = element.span();
                let span = Span { offset: span.offset.saturating_add(offset), ..span };
                match row {
                    Ok(row) => {
                        let at = At { span, text: element.text().unwrap_or_default() };
                        mapper.row(&row, &row, &at, &shared, &mut records);
                        for mapper in &inner {
                            mapper.inside(&row, &at, &shared, &mut records);
                        }
                    }
                    Err(_) => {
                        records.lost(&state.kind, None, "the row is no JSON that can be kept")
                    }
                }
            })
            .map_err(|_| shapeless(path))?;
        }
        // An empty answer, such as 204, is an empty page.
        None => {}
        Some(None) => return Err(shapeless(path)),
    }

    let pager =
        Pager::of(manifest::paging(list.paging.as_ref(), lists.paging.as_ref()), &context.engine)?;
    let asked = size_parameter(list, lists).map(|_| state.size);
    let next = pager.next(state.cursor.as_ref(), count, asked, &answer, response, &shared)?;
    let checkpoint = match (&list.token, &next) {
        (Some(token), None) => {
            let from = context.engine.compile(token.from.text()).map_err(mistake)?;
            let own = answer.names();
            let value = from.eval(Scope { shared: &shared, own: &own }).map_err(lacking)?;
            value
                .scalar()
                .filter(|text| !text.is_empty())
                .map(|text| text.into_owned().into_bytes())
        }
        _ => None,
    };
    let Records { items, masks, problems, .. } = records;
    let page = Page {
        items,
        masks,
        complete: next.is_none(),
        next: next.as_ref().map(atsync_adapter::state::encode).transpose()?,
        checkpoint,
    };
    Ok(Step::Done(Outcome::page(page, problems)))
}

/// The sections that a page reads, to see which names they use.
fn sections<'b>(context: &Context<'b>, kind: &str) -> Vec<&'b str> {
    let inner = context.common.inner.get(kind).into_iter().flatten();
    let names = inner.map(|name| format!("kind/{name}"));
    let own = [format!("kind/{kind}"), "common".to_owned()];
    own.into_iter().chain(names).filter_map(|name| context.baked.text(&name)).collect()
}

fn listed<'k>(kind: &'k Kind, name: &str) -> Result<&'k List, Failure> {
    kind.list.as_ref().ok_or_else(|| Failure::Bug(format!("{name} have no list of their own")))
}

fn page_max(list: &List, lists: &Lists) -> u32 {
    list.page_max.or(lists.page_max).unwrap_or(PAGE_MAX)
}

fn size_parameter<'l>(list: &'l List, lists: &'l Lists) -> Option<&'l str> {
    list.size.as_deref().or(lists.size.as_deref()).filter(|name| !name.is_empty())
}

/// A reference as expressions read it.
pub(crate) fn reference(of: &RemoteRef) -> Json<'static> {
    Json::Map(vec![
        (Cow::Borrowed("kind"), Json::text(of.kind.clone())),
        (Cow::Borrowed("id"), Json::text(of.id.clone())),
    ])
}

/// Adds the parameters of a window or a token.
fn since(list: &List, since: &Since, times: Times, extra: &mut Extra) -> Result<(), Failure> {
    match (since, &list.window, &list.token) {
        (Since::Everything, _, _) => Ok(()),
        (Since::Window(span), Some(window), _) => {
            let times = window.times.unwrap_or(times);
            let moment = |text: &str| moment(text, times);
            extra.parameters.push((window.from.clone(), moment(&span.from)?));
            if let Some(to) = &window.to {
                extra.parameters.push((to.clone(), moment(&span.to)?));
            }
            Ok(())
        }
        (Since::Token(token), _, Some(rule)) => {
            let token = String::from_utf8(token.clone())
                .map_err(|_| Failure::Bug("a token that this adapter did not give".into()))?;
            extra.parameters.push((rule.parameter.clone(), Json::text(token)));
            Ok(())
        }
        _ => Err(Failure::Bug("a way to ask for changes that the manifest does not offer".into())),
    }
}

/// The engine's time as the ATS writes times.
fn moment(text: &str, times: Times) -> Result<Json<'static>, Failure> {
    let ms = time::to_ms(text)
        .ok_or_else(|| Failure::Bug("the engine gave a time that is not RFC 3339".into()))?;
    Ok(match times {
        Times::Rfc3339 => Json::text(text.to_owned()),
        Times::EpochMs => Json::Int(ms),
        Times::EpochS => Json::Int(ms.div_euclid(1000)),
    })
}

fn shapeless(path: &str) -> Failure {
    Failure::Protocol(if path.is_empty() {
        "the answer is no list".into()
    } else {
        format!("the answer has no list at `{path}`")
    })
}

/// Where a part of the body begins.
pub(crate) fn offset_in(body: &[u8], part: &str) -> u32 {
    let offset = (part.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// An answer, split into its rows and everything else.
#[derive(Debug)]
pub(crate) struct Envelope<'r> {
    /// Everything but the rows.
    pub(crate) reply: Json<'r>,
    /// The text of what lies at the path.
    pub(crate) rows: Option<&'r str>,
}

impl<'r> Envelope<'r> {
    /// Reads a body; `None` when it is not JSON.
    pub(crate) fn of(body: &'r [u8], path: &str) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        if path.is_empty() {
            let whole: &RawValue = serde_json::from_str(text).ok()?;
            // An object is read as the reply of a refusal, too.
            let reply = match whole.get().as_bytes().first() {
                Some(b'[') => Json::Absent,
                _ => Json::parse(whole.get()).ok()?,
            };
            return Some(Self { reply, rows: Some(whole.get()) });
        }
        let parts: Vec<&str> = path.split('.').collect();
        let mut split = Split { path: &parts, rows: None };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let reply = deserializer.deserialize_any(&mut split).ok()?;
        deserializer.end().ok()?;
        Some(Self { reply, rows: split.rows })
    }
}

/// Reads an object without the member at a path, whose text is kept.
struct Split<'p, 'r> {
    path: &'p [&'p str],
    rows: Option<&'r str>,
}

impl<'r> Visitor<'r> for &mut Split<'_, 'r> {
    type Value = Json<'r>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Json<'r>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json<'r>, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json<'r>, E> {
        Ok(Json::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'r>, E> {
        Ok(Json::number(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json<'r>, E> {
        Ok(Json::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'r>, E> {
        Ok(Json::text(text.to_owned()))
    }

    fn visit_seq<A: serde::de::SeqAccess<'r>>(self, mut list: A) -> Result<Json<'r>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element()? {
            entries.push(entry);
        }
        Ok(Json::List(entries))
    }

    fn visit_map<A: MapAccess<'r>>(self, mut map: A) -> Result<Json<'r>, A::Error> {
        let Some((first, rest)) = self.path.split_first() else { return Ok(Json::Absent) };
        let mut members = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            if name != *first {
                members.push((name, map.next_value()?));
            } else if rest.is_empty() {
                let rows: &'r RawValue = map.next_value()?;
                self.rows = Some(rows.get());
            } else {
                let below: &'r RawValue = map.next_value()?;
                let mut split = Split { path: rest, rows: None };
                let mut deserializer = serde_json::Deserializer::from_str(below.get());
                let reply =
                    deserializer.deserialize_any(&mut split).map_err(serde::de::Error::custom)?;
                self.rows = split.rows;
                members.push((name, reply));
            }
        }
        Ok(Json::Map(members))
    }
}
