//! The connection's settings, which the operator sets; none is secret.
//!
//! Unknown members are refused, so that a misspelt setting is not ignored. Ids may be text or
//! number and are stored as text: they exceed what a 32-bit or a floating number holds
//! (harvest-v3.md §3 \[ok\]). Each uncertain fact of the reference that a write depends on has a
//! setting here, its reading.

use crate::kind::{Kind, SENSITIVE_KINDS};
use crate::raw::RAW;
use atsync_adapter::contract::{Failure, Given};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

/// The settings of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The name of the vendor's own source, which an administrator adds by hand (permissions.md §2,
    /// line m).
    pub source: Option<String>,
    /// The user to act as; the engine sends it as `sub` when it requests a token (harvest-v3.md
    /// §2.2 \[ok\]).
    #[serde(deserialize_with = "id")]
    pub act_as: Option<String>,
    /// The author of notes whose desired record names none.
    #[serde(deserialize_with = "id")]
    pub note_author: Option<String>,
    /// The `name_key` of a candidate custom field (short text) that a new candidate's mark is
    /// written to.
    pub marker_field: Option<String>,
    /// Whether stages and outcomes may be written; moving a candidate can mail the candidate
    /// (harvest-v3.md §7).
    pub stage_writes: bool,
    /// Whether users may be created, which can mail them and use a seat.
    pub user_invitations: bool,
    /// The meaning of `from_stage_id` of a move, if the operator knows it (harvest-v3.md §9.2 [?]).
    pub from_stage_reading: StageReading,
    /// The form of `start_date` of a hire.
    pub start_date_reading: DateReading,
    /// The form of `POST /v3/users`. Both exist (openapi); an account without the single one
    /// answers 404 or 405.
    pub users_form: UsersForm,
    /// The effect of a PATCH on custom fields that it does not name (harvest-v3.md §7 [?]).
    pub custom_fields_reading: FieldsReading,
    /// The form of the dates of a new education; openapi leaves the request empty [?].
    pub background_dates_reading: BackgroundDates,
    /// The sensitive kinds that are read: demographic and EEOC data.
    pub sensitive_kinds: Vec<String>,
}

/// Declares the readings of an uncertain fact; the first one is the default.
macro_rules! readings {
    ($($(#[$doc:meta])* $name:ident { $(#[$first_doc:meta])* $first:ident,
        $($(#[$other_doc:meta])* $other:ident),* })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { #[default] $(#[$first_doc])* $first, $($(#[$other_doc])* $other),* }
    )* };
}

readings! {
    /// The meaning of `from_stage_id` of a move. Shipped clients disagree (harvest-v3.md §9.2 [?]).
    StageReading {
        /// `job_interview_stage_id`.
        StageDefinition,
        /// `stage_id`, the row of application_stages.
        ApplicationStage
    }
    /// The form of `start_date` of a hire: a date-time (openapi: hire.start_date); v1 took a date.
    DateReading {
        /// `2026-12-01T00:00:00Z`.
        DateTime,
        /// `2026-12-01`.
        Date
    }
    /// The form of the dates of a new education (openapi leaves the request empty [?]).
    BackgroundDates {
        /// `start_date` for a day, `start_date_year` and `start_date_month` for less: shipped
        /// clients send these.
        Parts,
        /// `start_at`, as rows have it.
        Moment
    }
    /// The form of the creation of users.
    UsersForm {
        /// `POST /v3/users`.
        Single,
        /// `POST /v3/users/bulk` with one row.
        Bulk
    }
    /// The values of other users that an update sends back, where it may have to send all
    /// (harvest-v3.md §7 [?]).
    ForeignReading {
        /// All of them, unchanged.
        Kept,
        /// Those whose form a new value can have. Greenhouse may refuse the others when they are
        /// sent back.
        LeftOut
    }
    /// The effect of a PATCH on custom fields that it does not name (harvest-v3.md §7 [?]).
    FieldsReading {
        /// Unknown: the complete set is sent, which is right in both cases.
        Unknown,
        /// They stay: only changed values are sent.
        Merge
    }
}

impl Settings {
    /// Reads the settings from the `given` of a task.
    ///
    /// # Errors
    /// [`Failure::Misconfigured`] when they are not an object of known members.
    pub fn of(given: &Given) -> Result<Self, Failure> {
        if given.settings.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(&given.settings).map_err(|error| {
            Failure::Misconfigured(format!("the settings of Greenhouse cannot be read: {error}"))
        })
    }
}

/// Refuses a sensitive kind that the settings do not name. The engine does the same; a host that
/// calls the adapter natively depends on this.
///
/// # Errors
/// [`Failure::Misconfigured`] with what to do, and those of [`Settings::of`].
pub(crate) fn opted_in(kind: &Kind, given: &Given) -> Result<(), Failure> {
    if !kind.sensitive || Settings::of(given)?.sensitive_kinds.iter().any(|one| one == kind.name) {
        return Ok(());
    }
    let name = kind.name;
    Err(Failure::Misconfigured(format!(
        "{name} are sensitive; to read them, add \"{name}\" to the setting `{SENSITIVE_KINDS}`"
    )))
}

/// Reads an id from text or number.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        Value::Number(number) if number.is_u64() => number.to_string(),
        _ => return Err(D::Error::custom("a user id is a whole number")),
    };
    if crate::request::is_id(&text) {
        Ok(Some(text))
    } else {
        Err(D::Error::custom("a user id is made of digits"))
    }
}

/// Returns the JSON Schema of [`Settings`], for the manifest.
pub fn schema() -> Value {
    // Text only: the engine copies `act_as` unchanged into a form.
    let id =
        |text: &str| json!({"type": "string", "pattern": "^[0-9]{1,19}$", "description": text});
    let sensitive: Vec<&str> = RAW.iter().filter(|k| k.sensitive).map(|k| k.name).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "source": {"type": "string", "description": "Name of your source in Greenhouse \
             (Configure > Custom Options > Sources), exactly as written there."},
            "act_as": id("Greenhouse user id to act as. Without it, requests act as the service \
             user of the credential."),
            "note_author": id("Greenhouse user id that notes are written by."),
            "marker_field": {"type": "string", "description": "name_key of a short-text custom \
             field of candidates where a new candidate's mark is left."},
            "stage_writes": {"type": "boolean", "default": false, "description": "Allow moving, \
             rejecting, unrejecting, hiring and converting. Moving can mail the candidate."},
            "user_invitations": {"type": "boolean", "default": false,
                "description": "Allow creating users. This can mail them and cost a seat."},
            "from_stage_reading": {"enum": ["stage-definition", "application-stage"],
                "default": "stage-definition",
                "description": "Which id a move's from_stage_id is. Set it when moves are refused \
                 until they are retried."},
            "start_date_reading": {"enum": ["date-time", "date"], "default": "date-time",
                "description": "How a hire's start date is written."},
            "users_form": {"enum": ["single", "bulk"], "default": "single",
                "description": "How users are created: POST /v3/users or /v3/users/bulk."},
            "custom_fields_reading": {"enum": ["unknown", "merge"], "default": "unknown",
                "description": "What an update does to custom fields that it does not name. \
                 'merge' when you have seen that they stay."},
            "background_dates_reading": {"enum": ["parts", "moment"], "default": "parts",
                "description": "How the dates of a new education are written: start_date, year \
                 and month, or start_at. Set it when educations are refused until they are \
                 retried."},
            SENSITIVE_KINDS: {"type": "array", "default": [], "uniqueItems": true,
                "items": {"enum": sensitive}, "description": "Demographic and EEOC data to read. \
                 They are not read unless they are named here and the credential has the scope."}
        }
    })
}
