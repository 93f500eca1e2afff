//! A readable kind, as a row of the tables: of those with a unified shape ([`crate::kinds`]) or of
//! the raw ones ([`crate::raw`]).
//!
//! Left out: the readers; a raw kind has none of its own, and its row says what its records name.

use crate::read::{Read, Reader, Unreadable};
use crate::request;
use atsync_adapter::rows::Element;
use atsync_model::raw::{CONTENT, RAW_FIELDS};

/// The setting that names the sensitive kinds which a connection reads.
pub const SENSITIVE_KINDS: &str = "sensitive_kinds";

/// A readable kind.
#[derive(Debug)]
pub struct Kind {
    /// The unified name.
    pub name: &'static str,
    /// The collection at `/v3/`.
    pub collection: &'static str,
    /// The unified fields that a row as documented fills.
    pub fields: &'static [&'static str],
    /// The members of a row that the reader reads; the others stay in the raw record.
    pub reads: &'static [&'static str],
    /// Those of `reads` that are flags or lists and never null by openapi-v3.json. For other
    /// members, null means empty.
    pub never_null: &'static [&'static str],
    /// Those of `fields` whose members some rows in use do not have
    /// (adapters/greenhouse/REFERENCE.md).
    pub optional: &'static [&'static str],
    /// The parameters of each scan of one pass. There is more than one where a single scan cannot
    /// show every row.
    pub walks: &'static [&'static [(&'static str, &'static str)]],
    /// The largest page.
    pub page_max: u32,
    /// The most ids of one fetch.
    pub ids_max: u32,
    /// Whether `updated_at` changes with each member.
    pub stamped: bool,
    /// Whether the raw record may be stored.
    pub raw: bool,
    /// Whether a webhook reports deletions (webhooks.md §4).
    pub hook: bool,
    /// Whether rows can become hidden from an actor that saw them before (harvest-v3.md §2.5
    /// \[ok\]).
    pub confidential: bool,
    /// The kind within which an id is unique.
    pub scope: Option<&'static str>,
    /// The time that a write may take to show (harvest-v3.md §7, §10 no. 15 [?]).
    pub visible_within_ms: u64,
    /// By the member that has the id of a custom field's option: the member that receives the
    /// option's name before the row is read.
    pub(crate) options: &'static [(&'static str, &'static str)],
    /// Whether its lists take a window over `updated_at`.
    pub windowed: bool,
    /// Whether the setting [`SENSITIVE_KINDS`] must name it.
    pub sensitive: bool,
    /// Of a raw kind: by the member that has an id or a list of ids, the kind of the record.
    pub references: &'static [(&'static str, &'static str)],
    /// Of a raw kind: the members that its content leaves out.
    pub never_kept: &'static [&'static str],
    /// The reader of its rows; none for a raw kind.
    pub(crate) reader: Option<Reader>,
}

impl Kind {
    /// Lists the unified fields that every row fills.
    pub fn expected(&self) -> impl Iterator<Item = &'static str> {
        self.fields().iter().copied().filter(|field| !self.optional.contains(field))
    }

    /// Whether it has no unified shape.
    pub fn is_raw(&self) -> bool {
        self.reader.is_none()
    }

    /// The setting that must name it.
    pub fn opt_in(&self) -> Option<&'static str> {
        self.sensitive.then_some(SENSITIVE_KINDS)
    }

    /// The unified fields.
    pub fn fields(&self) -> &'static [&'static str] {
        if !self.is_raw() {
            self.fields
        } else if self.references.is_empty() {
            RAW_UNREFERRING
        } else {
            RAW_FIELDS
        }
    }

    /// Returns the scope that reading needs.
    pub fn permission(&self) -> String {
        format!("harvest:{}:list", self.collection)
    }
}

/// The scan that most collections need: one, without parameters of its own.
const ONE_WALK: &[&[(&str, &str)]] = &[&[]];
/// The largest page that Greenhouse returns.
const PAGE_MAX: u32 = request::PER_PAGE_MAX;
/// The largest page of rows that hold whole documents, so that a reply stays within a few
/// megabytes. Arbitrary.
pub(crate) const PAGE_OF_DOCUMENTS_MAX: u32 = 100;
/// Ids of one filter (harvest-v3.md §3.1 \[ok\]).
const IDS_MAX: u32 = 50;
/// Reads after a write are expected to show it within this time, for kinds that no source calls
/// slow. Arbitrary.
const QUICK_MS: u64 = 30_000;

/// The fields of a raw kind whose rows name no record.
const RAW_UNREFERRING: &[&str] = &[CONTENT, "created_at", "updated_at"];

/// Fills a row of the table of raw kinds with defaults.
pub(crate) const fn raw(name: &'static str, collection: &'static str) -> Kind {
    Kind { stamped: false, raw: false, reader: None, ..plain(name, collection, no_reader) }
}

fn no_reader(_: &Element<'_>) -> Result<Read, Unreadable> {
    Err(Unreadable::NoId)
}

/// Fills a row of the table with defaults.
pub(crate) const fn plain(name: &'static str, collection: &'static str, reader: Reader) -> Kind {
    Kind {
        name,
        collection,
        fields: &[],
        reads: &[],
        never_null: &[],
        optional: &[],
        walks: ONE_WALK,
        page_max: PAGE_MAX,
        ids_max: IDS_MAX,
        stamped: true,
        raw: true,
        hook: false,
        confidential: false,
        scope: None,
        visible_within_ms: QUICK_MS,
        options: &[],
        windowed: true,
        sensitive: false,
        references: &[],
        never_kept: &[],
        reader: Some(reader),
    }
}
