//! Parts of requests: text with expressions between `{{` and `}}`, made into JSON, parameters and
//! paths.

use crate::description::{Mapping, Template};
use crate::expression::{Compiled, Engine, Fault, Scope};
use crate::json::Json;
use std::borrow::Cow;

/// Levels of a mapping or a template.
pub(crate) const LEVELS_MAX: usize = 16;

/// A text with expressions in it.
#[derive(Debug)]
pub(crate) struct Text<'e> {
    segments: Vec<Segment<'e>>,
}

#[derive(Debug)]
enum Segment<'e> {
    Literal(String),
    Expr(Compiled<'e>),
}

impl<'e> Text<'e> {
    /// Compiles a text.
    ///
    /// # Errors
    /// When an expression is none, or has no end.
    pub(crate) fn of(text: &str, engine: &'e Engine) -> Result<Self, Fault> {
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once("{{") {
            let end = end_of(after).ok_or_else(|| {
                Fault(format!("`{text}`: an expression has no end; write `}}}}` behind it"))
            })?;
            let (expression, behind) = after.split_at_checked(end).unwrap_or((after, ""));
            if !literal.is_empty() {
                segments.push(Segment::Literal(literal.to_owned()));
            }
            segments.push(Segment::Expr(engine.compile(expression.trim())?));
            rest = behind.get(2..).unwrap_or_default();
        }
        if !rest.is_empty() || segments.is_empty() {
            segments.push(Segment::Literal(rest.to_owned()));
        }
        Ok(Self { segments })
    }

    /// The expressions in it.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Compiled<'e>> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Expr(expression) => Some(expression),
            Segment::Literal(_) => None,
        })
    }

    /// The value: that of the only expression, or a text.
    pub(crate) fn value<'s, 'a>(&self, scope: Scope<'s, 'a>) -> Result<Cow<'s, Json<'a>>, Fault> {
        if let [Segment::Expr(only)] = self.segments.as_slice() {
            return only.eval(scope);
        }
        self.text(scope).map(|text| Cow::Owned(Json::text(text)))
    }

    /// The text. What yields nothing leaves nothing.
    pub(crate) fn text(&self, scope: Scope<'_, '_>) -> Result<String, Fault> {
        let mut whole = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => whole.push_str(text),
                Segment::Expr(expression) => {
                    let value = expression.eval(scope)?;
                    if matches!(*value, Json::Absent | Json::Null) {
                        continue;
                    }
                    let text = value.scalar().ok_or_else(|| {
                        Fault(format!("`{}`: {} within a text", expression.text(), value.shape()))
                    })?;
                    whole.push_str(&text);
                }
            }
        }
        Ok(whole)
    }

    /// The path: each expression becomes one segment, or a part of one, encoded.
    pub(crate) fn path(&self, scope: Scope<'_, '_>) -> Result<String, Fault> {
        let mut path = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => path.push_str(text),
                Segment::Expr(expression) => {
                    let value = expression.eval(scope)?;
                    let text = value.scalar().filter(|text| !text.is_empty()).ok_or_else(|| {
                        Fault(format!("`{}`: {} within a path", expression.text(), value.shape()))
                    })?;
                    let joined = atsync_adapter::path::join(&[text.as_ref()]);
                    path.push_str(joined.get(1..).unwrap_or_default());
                }
            }
        }
        Ok(path)
    }

    /// The text with a `*` for each expression.
    pub(crate) fn skeleton(&self) -> String {
        let mut text = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Literal(literal) => text.push_str(literal),
                Segment::Expr(_) => text.push('*'),
            }
        }
        text
    }

    /// The path with a `*` for each segment that an expression makes, for the list of safe
    /// requests.
    pub(crate) fn pattern(&self) -> String {
        let path = self.skeleton();
        let wild =
            |segment: &str| if segment.contains('*') { "*".to_owned() } else { segment.to_owned() };
        path.split('/').map(wild).collect::<Vec<_>>().join("/")
    }
}

/// Where `}}` ends an expression: outside of quotes and brackets.
fn end_of(text: &str) -> Option<usize> {
    let (mut quote, mut depth) = (None, 0_usize);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == *byte => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(*byte),
            (None, b'{' | b'[' | b'(') => depth = depth.saturating_add(1),
            (None, b'}') if depth == 0 => {
                return (bytes.get(at.saturating_add(1)) == Some(&b'}')).then_some(at);
            }
            (None, b'}' | b']' | b')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// A value made of expressions or of texts.
#[derive(Debug)]
pub(crate) enum Made<'e> {
    Expr(Compiled<'e>),
    Text(Text<'e>),
    Members(Vec<(String, Made<'e>)>),
    Entries(Vec<Made<'e>>),
    Constant(Json<'static>),
}

impl<'e> Made<'e> {
    /// Compiles a mapping.
    pub(crate) fn mapping(mapping: &Mapping, engine: &'e Engine) -> Result<Self, Fault> {
        Self::mapped(mapping, engine, LEVELS_MAX)
    }

    fn mapped(mapping: &Mapping, engine: &'e Engine, levels: usize) -> Result<Self, Fault> {
        let levels = less(levels)?;
        Ok(match mapping {
            Mapping::Expr(expression) => Self::Expr(engine.compile(expression.text())?),
            Mapping::Members(members) => Self::Members(
                members
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), Self::mapped(value, engine, levels)?)))
                    .collect::<Result<_, Fault>>()?,
            ),
            Mapping::Entries(entries) => Self::Entries(
                entries
                    .iter()
                    .map(|entry| Self::mapped(entry, engine, levels))
                    .collect::<Result<_, Fault>>()?,
            ),
            Mapping::Constant(value) => Self::Constant(Json::from(value)),
        })
    }

    /// Compiles a template.
    pub(crate) fn template(template: &Template, engine: &'e Engine) -> Result<Self, Fault> {
        Self::templated(template, engine, LEVELS_MAX)
    }

    fn templated(template: &Template, engine: &'e Engine, levels: usize) -> Result<Self, Fault> {
        let levels = less(levels)?;
        Ok(match template {
            Template::Text(text) => Self::Text(Text::of(text, engine)?),
            Template::Members(members) => Self::Members(
                members
                    .iter()
                    .map(|(name, value)| {
                        Ok((name.clone(), Self::templated(value, engine, levels)?))
                    })
                    .collect::<Result<_, Fault>>()?,
            ),
            Template::Entries(entries) => Self::Entries(
                entries
                    .iter()
                    .map(|entry| Self::templated(entry, engine, levels))
                    .collect::<Result<_, Fault>>()?,
            ),
            Template::Constant(value) => Self::Constant(Json::from(value)),
        })
    }

    /// The value. An object leaves out members that yield nothing.
    pub(crate) fn value<'s, 'a>(&self, scope: Scope<'s, 'a>) -> Result<Cow<'s, Json<'a>>, Fault> {
        Ok(match self {
            Self::Expr(expression) => expression.eval(scope)?,
            Self::Text(text) => text.value(scope)?,
            Self::Constant(value) => Cow::Owned(value.clone()),
            Self::Members(members) => {
                let mut made = Vec::with_capacity(members.len());
                for (name, value) in members {
                    let value = value.value(scope)?.into_owned();
                    if !matches!(value, Json::Absent) {
                        made.push((Cow::Owned(name.clone()), value));
                    }
                }
                Cow::Owned(Json::Map(made))
            }
            Self::Entries(entries) => {
                let mut made = Vec::with_capacity(entries.len());
                for entry in entries {
                    let value = entry.value(scope)?.into_owned();
                    if !matches!(value, Json::Absent) {
                        made.push(value);
                    }
                }
                Cow::Owned(Json::List(made))
            }
        })
    }

    /// Calls `visit` with each expression in it.
    pub(crate) fn each<'m>(&'m self, visit: &mut dyn FnMut(&'m Compiled<'e>)) {
        match self {
            Self::Expr(expression) => visit(expression),
            Self::Text(text) => text.expressions().for_each(visit),
            Self::Members(members) => members.iter().for_each(|(_, value)| value.each(visit)),
            Self::Entries(entries) => entries.iter().for_each(|entry| entry.each(visit)),
            Self::Constant(_) => {}
        }
    }
}

fn less(levels: usize) -> Result<usize, Fault> {
    levels.checked_sub(1).ok_or_else(|| Fault(format!("it has more than {LEVELS_MAX} levels")))
}
