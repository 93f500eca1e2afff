//! What several rows share.

use atsync_adapter::kit::{Got, Id, List};
use atsync_adapter::model::unified::Ref;
use serde::Deserialize;
use std::borrow::Cow;

/// A list of pages: rows, cursor, and whether there is more.
pub(crate) const fn pages(path: &'static str, body: &'static str) -> List {
    once(path, body).size("limit", 100).cursor("cursor", "/nextCursor").more("/moreDataAvailable")
}

/// A list of pages whose last one has a token for what changes from now on.
pub(crate) const fn changes(path: &'static str, body: &'static str) -> List {
    pages(path, body).token("syncToken", "/syncToken")
}

/// A list without paging.
pub(crate) const fn once(path: &'static str, body: &'static str) -> List {
    List::by(atsync_adapter::kit::Ask::post(path).body(body)).rows("/results")
}

/// A member that Ashby leaves out when it is empty, as the recordings show of those that its
/// document does not require. So an absent one is known to be empty.
pub(crate) fn sparse<T>(got: Got<T>) -> Got<T> {
    if matches!(got, Got::Absent) { Got::Empty } else { got }
}

/// A record that a row names: its id and, where the row has it, its name.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) id: Id,
    #[serde(default, alias = "name", alias = "text")]
    pub(crate) title: Option<String>,
}

impl Named {
    pub(crate) fn reference(self) -> Ref<'static> {
        Ref { id: Some(Cow::Owned(self.id.into())), name: self.title.map(Cow::Owned) }
    }
}

/// A user as rows have it.
#[derive(Debug, Deserialize)]
pub(crate) struct Person {
    #[serde(alias = "userId")]
    pub(crate) id: Id,
    #[serde(default, rename = "firstName")]
    pub(crate) first: Option<String>,
    #[serde(default, rename = "lastName")]
    pub(crate) last: Option<String>,
    #[serde(default)]
    pub(crate) role: Option<String>,
}

impl Person {
    pub(crate) fn reference(self) -> Ref<'static> {
        let name = full(self.first.as_deref(), self.last.as_deref());
        Ref { id: Some(Cow::Owned(self.id.into())), name: name.map(Cow::Owned) }
    }
}

/// The whole name of a user.
pub(crate) fn full(first: Option<&str>, last: Option<&str>) -> Option<String> {
    let parts: Vec<&str> =
        [first, last].into_iter().flatten().filter(|it| !it.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
