//! The three kinds of text in a description: an expression, a structure of expressions, and text
//! with expressions in it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// An expression in the language of minijinja (that of Jinja): `row.title`, `row.state == 'open'`,
/// `row.emails | first`, `'hired' if row.hired_at else 'active'`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Expr(pub String);

impl Expr {
    /// The text of the expression.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Expr {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A value made by expressions: an expression, or an object or a list of them. A number, a flag and
/// null stand for themselves. An object leaves out the members whose expression yields nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Mapping {
    /// An expression.
    Expr(Expr),
    /// An object.
    Members(BTreeMap<String, Mapping>),
    /// A list.
    Entries(Vec<Mapping>),
    /// A constant: a number, a flag or null.
    Constant(Value),
}

#[cfg(feature = "host")]
impl Mapping {
    /// How many levels it has, itself included.
    pub(crate) fn levels(&self) -> usize {
        let below = match self {
            Self::Members(members) => members.values().map(Self::levels).max(),
            Self::Entries(entries) => entries.iter().map(Self::levels).max(),
            Self::Expr(_) | Self::Constant(_) => None,
        };
        below.unwrap_or(0).saturating_add(1)
    }
}

/// A part of a request: text, or an object or a list of texts. `{{ expression }}` within a text is
/// replaced by its value. A text that is nothing but one `{{ expression }}` becomes the value
/// itself, so it can be a list, a number or null; if it yields nothing, the member is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Template {
    /// Text.
    Text(String),
    /// An object.
    Members(BTreeMap<String, Template>),
    /// A list.
    Entries(Vec<Template>),
    /// A constant: a number, a flag or null.
    Constant(Value),
}

#[cfg(feature = "host")]
impl Template {
    /// How many levels it has, itself included.
    pub(crate) fn levels(&self) -> usize {
        let below = match self {
            Self::Members(members) => members.values().map(Self::levels).max(),
            Self::Entries(entries) => entries.iter().map(Self::levels).max(),
            Self::Text(_) | Self::Constant(_) => None,
        };
        below.unwrap_or(0).saturating_add(1)
    }
}
