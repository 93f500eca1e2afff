//! Compares the webhooks that are wanted with those that are registered, and says what to do. Pure.
//!
//! A webhook is the connection's own when its URL is the wanted one or one that the connection has
//! sent before; any other is never touched, even one whose id the connection once had. Where the
//! ATS has a list, the list is the truth. Where it has none, the ids that were kept are, and each
//! webhook is set anew once a day, since no read shows whether it is still there.
//!
//! Bounds: [`LOST_MAX`] creations of one webhook whose answers were lost, where no list can show
//! what became of them. Left out: doing it; see [`super::register`].

use super::registered::{Row, url_digest};
use atsync_model::contract::Registered;
use std::collections::{BTreeMap, BTreeSet};

/// Creations of one webhook whose answers may be lost. Each may have made one; several deliver an
/// event several times, which costs reads and changes nothing.
pub(super) const LOST_MAX: u32 = 3;
/// How long a webhook without a list counts as registered: less than the time between two rounds.
const CONFIRMED_MS: u64 = 20 * 60 * 60 * 1000;

/// What to do about one webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Nothing: it is as wanted.
    Keep { event: String, id: String },
    /// Create it.
    Create { event: String },
    /// Set URL and secret, and enable it. `url`: the one that the ATS lists for it.
    Change { event: String, id: String, url: Option<String> },
    /// Remove it.
    Remove { event: String, id: String },
    /// Nothing more: too many answers were lost.
    GiveUp { event: String },
}

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'w> {
    pub(super) events: &'w [String],
    pub(super) url: &'w str,
    /// The digest of URL and secret.
    pub(super) mark: &'w str,
    pub(super) now_ms: u64,
}

/// What is done where the ATS has a list. Removals come last.
pub(super) fn with_list(
    wanted: &Wanted<'_>,
    rows: &BTreeMap<String, Row>,
    listed: &[Registered],
    mut own_urls: BTreeSet<String>,
) -> Vec<Deed> {
    own_urls.insert(url_digest(wanted.url));
    let (mut deeds, mut removals) = (Vec::new(), Vec::new());
    let mut own: Vec<&Registered> =
        listed.iter().filter(|one| own_urls.contains(&url_digest(&one.url))).collect();
    let is_known =
        |one: &Registered| rows.get(&one.event).is_some_and(|row| row.id.as_ref() == Some(&one.id));
    // The one that is kept comes first: of two for an event, the known, right and active one.
    own.sort_by_key(|one| (!is_known(one), one.url != wanted.url, !one.active, one.id.clone()));
    for event in wanted.events {
        let mut of_event = own.iter().filter(|one| one.event == *event);
        deeds.push(match of_event.next() {
            None => Deed::Create { event: event.clone() },
            Some(one) => {
                let (event, id) = (event.clone(), one.id.clone());
                let url = Some(one.url.clone());
                let row = rows.get(&event).filter(|_| is_known(one));
                let is_signed = row.is_some_and(|row| row.mark.as_deref() == Some(wanted.mark));
                match one.active && one.url == wanted.url && is_signed {
                    true => Deed::Keep { event, id },
                    false => Deed::Change { event, id, url },
                }
            }
        });
        removals.extend(of_event.map(|one| removal(one)));
    }
    let unwanted = own.iter().filter(|one| !wanted.events.contains(&one.event));
    removals.extend(unwanted.map(|one| removal(one)));
    deeds.append(&mut removals);
    deeds
}

fn removal(one: &Registered) -> Deed {
    Deed::Remove { event: one.event.clone(), id: one.id.clone() }
}

/// What is done where it has none.
pub(super) fn without_list(wanted: &Wanted<'_>, rows: &BTreeMap<String, Row>) -> Vec<Deed> {
    let of_event = |event: &String| {
        let event = event.clone();
        let Some(row) = rows.get(&event) else { return Deed::Create { event } };
        let Some(id) = row.id.clone() else {
            let is_lost = row.lost >= LOST_MAX && row.lost_mark.as_deref() == Some(wanted.mark);
            return if is_lost { Deed::GiveUp { event } } else { Deed::Create { event } };
        };
        let is_fresh = row.confirmed_ms.saturating_add(CONFIRMED_MS) > wanted.now_ms
            && row.confirmed_ms <= wanted.now_ms;
        match row.active && is_fresh && row.mark.as_deref() == Some(wanted.mark) {
            true => Deed::Keep { event, id },
            false => Deed::Change { event, id, url: None },
        }
    };
    let unwanted = rows.iter().filter(|(event, _)| !wanted.events.contains(event));
    let removals = unwanted.filter_map(|(event, row)| {
        row.id.clone().map(|id| Deed::Remove { event: event.clone(), id })
    });
    wanted.events.iter().map(of_event).chain(removals).collect()
}

#[cfg(test)]
mod tests {
    use super::{CONFIRMED_MS, Deed, LOST_MAX, Wanted, with_list, without_list};
    use crate::webhook::registered::{Row, url_digest};
    use atsync_model::contract::Registered;
    use std::collections::{BTreeMap, BTreeSet};

    const NOW_MS: u64 = 1_795_514_400_000;
    const URL: &str = "https://host.example/hooks/acme/1";
    const OLD: &str = "https://old.example/hooks/acme/1";

    fn events() -> Vec<String> {
        ["hired", "moved"].map(str::to_owned).into()
    }

    fn wanted(events: &[String]) -> Wanted<'_> {
        Wanted { events, url: URL, mark: "mark", now_ms: NOW_MS }
    }

    fn row(id: &str) -> Row {
        Row {
            id: Some(id.to_owned()),
            url: Some(url_digest(URL)),
            mark: Some("mark".to_owned()),
            confirmed_ms: NOW_MS,
            active: true,
            ..Row::default()
        }
    }

    fn one(id: &str, event: &str, url: &str) -> Registered {
        Registered { id: id.into(), event: event.into(), url: url.into(), active: true }
    }

    fn keep(event: &str, id: &str) -> Deed {
        Deed::Keep { event: event.into(), id: id.into() }
    }

    fn change(event: &str, id: &str, url: Option<&str>) -> Deed {
        Deed::Change { event: event.into(), id: id.into(), url: url.map(str::to_owned) }
    }

    fn remove(event: &str, id: &str) -> Deed {
        Deed::Remove { event: event.into(), id: id.into() }
    }

    fn rows(all: &[(&str, Row)]) -> BTreeMap<String, Row> {
        all.iter().map(|(event, row)| ((*event).to_owned(), row.clone())).collect()
    }

    #[test]
    fn what_is_as_wanted_stays_and_what_is_missing_is_created() {
        let events = events();
        let rows = rows(&[("hired", row("1"))]);
        let listed = [one("1", "hired", URL)];
        let deeds = with_list(&wanted(&events), &rows, &listed, BTreeSet::new());
        assert_eq!(deeds, [keep("hired", "1"), Deed::Create { event: "moved".into() }]);
    }

    #[test]
    fn another_secret_or_url_and_a_disabled_or_unknown_webhook_are_changed() {
        let events = vec!["hired".to_owned()];
        let disabled = Registered { active: false, ..one("1", "hired", URL) };
        let other = Row { mark: Some("other".into()), ..row("1") };
        for (known, listed) in [
            (rows(&[("hired", row("1"))]), disabled),
            (rows(&[("hired", other)]), one("1", "hired", URL)),
            (rows(&[("hired", row("1"))]), one("1", "hired", OLD)),
            (rows(&[]), one("1", "hired", URL)),
        ] {
            let own = BTreeSet::from([url_digest(OLD)]);
            let url = Some(listed.url.clone());
            let deeds = with_list(&wanted(&events), &known, &[listed], own);
            assert_eq!(deeds, [change("hired", "1", url.as_deref())]);
        }
    }

    #[test]
    fn a_webhook_to_another_url_is_never_touched_whatever_its_id() {
        let events = vec!["hired".to_owned()];
        let known = rows(&[("hired", row("1"))]);
        let listed = [
            one("1", "hired", "https://someone.example/"),
            one("2", "moved", "https://someone.example/"),
        ];
        let deeds = with_list(&wanted(&events), &known, &listed, BTreeSet::new());
        assert_eq!(deeds, [Deed::Create { event: "hired".into() }]);
    }

    #[test]
    fn of_two_for_an_event_the_known_one_stays_and_an_unwanted_event_goes() {
        let events = vec!["hired".to_owned()];
        let known = rows(&[("hired", row("2"))]);
        let listed = [one("1", "hired", URL), one("2", "hired", URL), one("3", "gone", URL)];
        let deeds = with_list(&wanted(&events), &known, &listed, BTreeSet::new());
        assert_eq!(deeds, [keep("hired", "2"), remove("hired", "1"), remove("gone", "3")]);
    }

    #[test]
    fn without_a_list_a_webhook_is_set_anew_each_day() {
        let events = vec!["hired".to_owned()];
        let at = |ago_ms: u64| {
            let row = Row { confirmed_ms: NOW_MS - ago_ms, ..row("1") };
            without_list(&wanted(&events), &rows(&[("hired", row)]))
        };
        assert_eq!(at(CONFIRMED_MS - 1), [keep("hired", "1")]);
        assert_eq!(at(CONFIRMED_MS), [change("hired", "1", None)]);
        let future = Row { confirmed_ms: NOW_MS + 1, ..row("1") };
        let deeds = without_list(&wanted(&events), &rows(&[("hired", future), ("gone", row("3"))]));
        assert_eq!(deeds, [change("hired", "1", None), remove("gone", "3")]);
    }

    #[test]
    fn lost_answers_are_bounded_until_url_or_secret_change() {
        let events = vec!["hired".to_owned()];
        let lost = |lost: u32, mark: &str| {
            let row = Row { lost, lost_mark: Some(mark.into()), ..Row::default() };
            without_list(&wanted(&events), &rows(&[("hired", row)]))
        };
        let create = [Deed::Create { event: "hired".into() }];
        assert_eq!(lost(LOST_MAX - 1, "mark"), create);
        assert_eq!(lost(LOST_MAX, "mark"), [Deed::GiveUp { event: "hired".into() }]);
        assert_eq!(lost(LOST_MAX, "other"), create);
    }
}
