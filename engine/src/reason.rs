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
    /// The reason why a record is blocked, deferred, drifted or noted.
    pub enum Reason {
        /// Several applications fit the declared one.
        AmbiguousApplication,
        /// Several candidates have one of the addresses.
        AmbiguousCandidate,
        /// A name fits several records.
        AmbiguousReference,
        /// The candidate was anonymised in the ATS; nothing is written back.
        Anonymized,
        /// The custom field or option is archived.
        Archived,
        /// The named record is archived.
        ArchivedReference,
        /// Blocked until a person acts; the condition `Blocked` has the reason.
        Blocked,
        /// A note or file cannot be changed after it was created.
        CannotChange,
        /// A field was changed by the host and in the ATS.
        ChangedByBoth,
        /// A field that the host declares was changed in the ATS.
        ChangedInAts,
        /// The application was closed as declared, so its stage is not changed.
        Closed,
        /// The application was closed in the ATS.
        ClosedInAts,
        /// The named opening is closed.
        ClosedOpening,
        /// Both sides changed a field; the condition's message says which.
        Conflict,
        /// All contacts of a kind were removed at once.
        ContactsGone,
        /// A prospect was converted to an application in the ATS.
        ConvertedInAts,
        /// The record was deleted in the ATS, or merged into another.
        Deleted,
        /// The credential may not read a kind that the plan needs.
        Denied,
        /// A custom field has an option twice.
        DoubledOption,
        /// Two declared records name the same one.
        DuplicateDesired,
        /// A value was emptied in the ATS, as by an erasure.
        Erased,
        /// The update also sends back values of others.
        ForeignValues,
        /// The host had the candidate erased.
        CandidateErased,
        /// A write was abandoned.
        GivenUp,
        /// A note is on a candidate who no longer exists.
        Orphaned,
        /// A prospect cannot be hired.
        HireOfProspect,
        /// A write was answered as done and does not show; it is retried after a wait.
        Ignored,
        /// As [`Self::Ignored`], so often that a person decides.
        IgnoredTooOften,
        /// A write is in doubt.
        InDoubt,
        /// The ATS holds what is desired.
        InStep,
        /// A value does not fit its field.
        InvalidValue,
        /// The job is not open.
        JobNotOpen,
        /// The ATS stores a value in another form, which is accepted.
        KeptAsOther,
        /// The policy leaves a field as it is in the ATS.
        LeftAlone,
        /// The path is linked to another record than the declared one.
        LinkedElsewhere,
        /// The record was merged into another one.
        Merged,
        /// A member that the operation requires is missing.
        MissingField,
        /// A declared member has no meaning here.
        NoMeaning,
        /// The job has no open opening.
        NoOpening,
        /// The path has no link.
        NotLinked,
        /// The connection has not enabled the operation; a setting does that.
        NotOptedIn,
        /// A declared member is not planned.
        NotPlanned,
        /// A kind that the plan needs could not be read: its own request fails.
        NotRead,
        /// A written value does not show in any known form.
        NotSeen,
        /// A request did not leave.
        NotSent,
        /// The ATS does not show a field.
        NotShown,
        /// The ATS may show a field later.
        NotShownYet,
        /// The adapter cannot do it.
        NotSupported,
        /// The ATS does not show a named record; it may show later.
        NotVisible,
        /// The record is only observed.
        ObservedOnly,
        /// The record is created only, and never changed.
        OnlyMade,
        /// Another opening was filled.
        OtherOpening,
        /// The record is linked to another application than is declared.
        OtherApplication,
        /// The application is for another job than is declared.
        OtherJob,
        /// Another record fills the opening.
        OpeningTaken,
        /// The engine's last write may not show yet, so nothing is planned.
        OwnWriteHidden,
        /// The record is paused.
        Paused,
        /// The prospect is in another pool or stage.
        PlacedElsewhere,
        /// A write was refused, and is retried after a wait.
        Refused,
        /// A write was refused so often that a person decides.
        RefusedTooOften,
        /// It is no longer declared and stays in the ATS.
        Released,
        /// It was removed in the ATS.
        RemovedInAts,
        /// It was declared under another key before.
        Renamed,
        /// The prospect has no stage.
        StageOfProspect,
        /// It stays in the ATS.
        Stays,
        /// The application was transferred to another job.
        Transferred,
        /// The ATS shows an unknown outcome.
        UnknownOutcome,
        /// No record fits a name or id.
        UnknownReference,
        /// The ATS shows an unknown stage.
        UnknownStage,
        /// A read before a write failed; the write is deferred.
        Unread,
        /// A value in the ATS cannot be read.
        Unreadable,
        /// The ATS has values of others that it does not show.
        UnseenValues,
        /// A step depends on another one that was not applied.
        Waits,
        /// The value existed before the engine managed the record.
        WasThere,
    }
}

words! {
    /// The reason why a credential is refused or cannot be had, or why a consent failed; see
    /// [`Error::auth_reason`](crate::Error::auth_reason).
    pub enum AuthReason {
        /// The ATS refused the credential: a wrong key, a wrong client secret, a client that may
        /// not use the scheme. Correct it.
        CredentialRefused,
        /// No consent was given yet, or what the token keeper holds cannot be read. Begin a
        /// consent.
        ConsentMissing,
        /// The refresh token is no longer good: the consent was revoked, ended unused, or its last
        /// tokens were lost. Ask for consent again.
        ConsentRevoked,
        /// The answer to a refresh was lost twice, or that to a code once, so it is unknown whether
        /// the tokens are still good. A refresh is tried again by itself; a consent is begun again.
        ConsentUnclear,
        /// The token keeper could not be read, or could not store new tokens. They stay in memory
        /// and are stored by the next request. Correct the keeper while the process runs.
        PairNotKept,
        /// The person who was asked for consent refused it.
        ConsentDenied,
        /// The ATS does not let the client ask for one of the scopes. Have it registered, or ask
        /// for fewer.
        ScopeRefused,
        /// The ATS ended the consent for another reason. Begin it again.
        ConsentFailed,
        /// The callback has no `state`, or several. No code was redeemed.
        StateMissing,
        /// The callback belongs to another consent than the remembered one. No code was redeemed.
        StateMismatch,
        /// The callback was finished before. No code was redeemed again.
        StateUsed,
        /// The consent took longer than it may. No code was redeemed; begin it again.
        StateExpired,
        /// The callback has neither a code nor an error, or several codes. Begin the consent again.
        CodeMissing,
        /// The ATS refused the code: it is too old, or was used. Begin the consent again.
        CodeRefused,
    }
}

words! {
    /// The reason of a warning that a vendor ends what an adapter uses; see
    /// [`SunsetWarning`](crate::SunsetWarning).
    pub enum SunsetReason {
        /// The last day is near.
        EndsSoon,
        /// The last day is over.
        Ended,
    }
}

words! {
    /// The type of a condition: what it states.
    pub enum ConditionType {
        /// The ATS holds what is desired.
        Synced,
        /// Blocked until a person acts.
        Blocked,
        /// The ATS holds another value, which is not changed.
        Drifted,
        /// A write is in doubt.
        InDoubt,
        /// Nothing is written until the record is resumed.
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
