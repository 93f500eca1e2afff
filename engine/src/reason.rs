//! Reasons: why a record is blocked, has drifted or differs, as one CamelCase word each.
//!
//! Findings of a plan and conditions of a record carry a reason. The message beside it is for
//! people, and no code branches on it. In JSON and in the store a reason is its word.
//!
//! Left out: why the ATS refused a request, which is its own text.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An enum whose cases are written as their own names.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $case:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $case,)*
            /// A word of another version, read from a store. The next plan writes its own.
            Other,
        }

        impl $name {
            const ALL: &[Self] = &[$(Self::$case,)*];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$case => stringify!($case),)*
                    Self::Other => "Other",
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                let known = Self::ALL.iter().copied().find(|reason| reason.as_str() == word);
                Ok(known.unwrap_or(Self::Other))
            }
        }
    };
}

words! {
    /// Why a record is blocked, deferred, drifted or noted.
    pub enum Reason {
        /// Several applications may be the one that is meant.
        AmbiguousApplication,
        /// Several candidates have one of the addresses.
        AmbiguousCandidate,
        /// A name fits several records.
        AmbiguousReference,
        /// The candidate was anonymised in the ATS; nothing is written back.
        Anonymized,
        /// The custom field or choice is archived.
        Archived,
        /// The record that is named is archived.
        ArchivedReference,
        /// Blocked until a person acts; the condition `Blocked` has the reason.
        Blocked,
        /// What was left once cannot be changed.
        CannotChange,
        /// A field was changed by the host and in the ATS.
        ChangedByBoth,
        /// A field that the host declares was changed in the ATS.
        ChangedInAts,
        /// The application was closed as it is declared, so its stage stands.
        Closed,
        /// The application was closed in the ATS.
        ClosedInAts,
        /// The opening that is named is closed.
        ClosedOpening,
        /// Both sides changed a field; the condition's message says which.
        Conflict,
        /// All contacts of a kind vanished at once.
        ContactsGone,
        /// A prospect was made an application in the ATS.
        ConvertedInAts,
        /// The record was deleted in the ATS, or merged into another.
        Deleted,
        /// The credential may not read a kind that the plan asks about.
        Denied,
        /// A choice of a custom field is there twice.
        DoubledOption,
        /// Two declared records mean the same one.
        DuplicateDesired,
        /// What was there was emptied, as an erasure does.
        Erased,
        /// Values of others go back with the host's own.
        ForeignValues,
        /// The host had the candidate erased.
        Forgotten,
        /// A write was abandoned.
        GivenUp,
        /// A note is on a candidate who no longer exists.
        HangsOnNobody,
        /// A prospect cannot be hired.
        HireOfProspect,
        /// A write was answered as done and does not show; it waits before it is sent again.
        Ignored,
        /// As [`Self::Ignored`], so often that a person decides.
        IgnoredTooOften,
        /// Whether a write happened is not known yet.
        InDoubt,
        /// The ATS holds what is desired.
        InStep,
        /// A value does not fit its field.
        InvalidValue,
        /// The job is not open.
        JobNotOpen,
        /// The ATS keeps a value in another form, which stands.
        KeptAsOther,
        /// The policy leaves a field as it is in the ATS.
        LeftAlone,
        /// The record is linked to something else than it names.
        LinkedElsewhere,
        /// The record was merged into another one.
        Merged,
        /// A member that the operation requires is missing.
        MissingField,
        /// A declared member means nothing here.
        NoMeaning,
        /// The job has no open opening.
        NoOpening,
        /// The record is linked to nothing.
        NotLinked,
        /// The connection does not allow the operation; a setting does.
        NotOptedIn,
        /// A declared member is not planned.
        NotPlanned,
        /// A kind that the plan asks about could not be read: its own request fails.
        NotRead,
        /// What was written does not show in any form that is known.
        NotSeen,
        /// A request did not leave.
        NotSent,
        /// The ATS does not show a field.
        NotShown,
        /// The ATS need not show a field yet.
        NotShownYet,
        /// The adapter cannot do it.
        NotSupported,
        /// The ATS does not show a record that is named; it may show late.
        NotVisible,
        /// The record is only observed.
        ObservedOnly,
        /// The record is made, and never changed afterwards.
        OnlyMade,
        /// Another opening was filled.
        OtherOpening,
        /// The record is linked to another application than is declared.
        OtherApplication,
        /// The application is for another job than is declared.
        OtherJob,
        /// Another record fills the opening.
        OpeningTaken,
        /// What the engine wrote last need not show yet, so nothing is planned.
        OwnWriteHidden,
        /// The record is paused.
        Paused,
        /// The prospect was placed elsewhere.
        PlacedElsewhere,
        /// A write was refused, and waits before it is sent again.
        Refused,
        /// A write was refused so often that a person decides.
        RefusedTooOften,
        /// It is no longer declared and stays in the ATS.
        Released,
        /// It was taken away in the ATS.
        RemovedInAts,
        /// It was declared under another key before.
        Renamed,
        /// The prospect has no stage.
        StageOfProspect,
        /// It stays in the ATS.
        Stays,
        /// The application was transferred to another job.
        Transferred,
        /// The ATS shows an outcome that is not known.
        UnknownOutcome,
        /// Nothing fits a name or id.
        UnknownReference,
        /// The ATS shows a stage that is not known.
        UnknownStage,
        /// What must be read before a write could not be read; it waits.
        Unread,
        /// A value in the ATS cannot be read.
        Unreadable,
        /// Values of others are there that the ATS does not show.
        UnseenValues,
        /// A step waits for another one that did not come about.
        Waits,
        /// The value was there before the engine came.
        WasThere,
    }
}

words! {
    /// What a condition of a record states.
    pub enum ConditionType {
        /// The ATS holds what is desired.
        Synced,
        /// Blocked until a person acts.
        Blocked,
        /// The ATS holds something else, and that stands.
        Drifted,
        /// Whether a write happened is not known.
        InDoubt,
        /// The record is left alone until it is resumed.
        Paused,
    }
}

#[cfg(test)]
mod tests {
    use super::{ConditionType, Reason};

    #[test]
    fn a_reason_is_written_as_its_word_and_a_strange_word_costs_only_itself() {
        for reason in Reason::ALL {
            let text = serde_json::to_string(reason).unwrap();
            assert_eq!(text, format!("\"{reason:?}\""));
            assert_eq!(serde_json::from_str::<Reason>(&text).unwrap(), *reason);
        }
        for strange in ["\"Elsewise\"", "\"Else\\u0077ise\""] {
            assert_eq!(serde_json::from_str::<Reason>(strange).unwrap(), Reason::Other);
        }
        assert_eq!(serde_json::to_string(&ConditionType::InDoubt).unwrap(), "\"InDoubt\"");
    }
}
