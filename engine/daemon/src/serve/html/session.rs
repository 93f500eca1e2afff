//! Sessions of browsers, in memory: a restart ends them all.
//!
//! A session begins with a random cookie of 256 bits, and has a second random value, which each of
//! its forms carries: a page of another origin can send the cookie, but does not know that value.
//! Only the SHA-256 of a cookie is kept. What is known of the user is the type parameter, so that
//! other pages than the console's can have sessions of their own, with a cookie of another path.
//!
//! Bounds: [`SESSION_MS`], by the steady clock; [`SESSIONS_MAX`], of which the oldest ends when
//! another begins.

use crate::tokens::random;
use atsync::{Clock, Secret, SystemClock};
use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use subtle::ConstantTimeEq;
use tokio::sync::watch;

/// How long a session lasts: a working day.
const SESSION_MS: u64 = 8 * 60 * 60 * 1_000;
/// Sessions at once. Each takes less than a kilobyte.
const SESSIONS_MAX: usize = 256;

/// The cookie of a set of sessions.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct Cookie {
    pub(in crate::serve) name: &'static str,
    /// The browser sends it to the paths below this one alone.
    pub(in crate::serve) path: &'static str,
    /// The browser sends it through TLS alone.
    pub(in crate::serve) is_secure: bool,
}

/// The system gave no randomness, so that a session could be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) struct NoRandomness;

/// The SHA-256 of a cookie's value.
type Mark = [u8; 32];

/// The sessions that last.
#[derive(Debug)]
pub(in crate::serve) struct Sessions<T> {
    cookie: Cookie,
    held: Mutex<BTreeMap<Mark, Held<T>>>,
}

#[derive(Debug)]
struct Held<T> {
    user: T,
    form: Secret,
    /// By the steady clock.
    end_ms: u64,
    /// Dropped with the session.
    ended: watch::Sender<()>,
}

/// The session of a request.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Session<T> {
    mark: Mark,
    /// Whose it is.
    pub(in crate::serve) user: T,
    form: Secret,
    end_ms: u64,
    ended: watch::Receiver<()>,
}

impl<T: Clone> Sessions<T> {
    pub(in crate::serve) fn new(cookie: Cookie) -> Self {
        Self { cookie, held: Mutex::default() }
    }

    /// Begins a session. The header sets its cookie.
    pub(in crate::serve) fn begin(
        &self,
        user: T,
    ) -> Result<(Session<T>, HeaderValue), NoRandomness> {
        let form = random().ok_or(NoRandomness)?;
        let value = random().ok_or(NoRandomness)?.expose().to_owned();
        let mark: Mark = Sha256::digest(&value).into();
        let (ended, end) = watch::channel(());
        let end_ms = SystemClock.steady_ms().saturating_add(SESSION_MS);
        let session = Session { mark, user: user.clone(), form: form.clone(), end_ms, ended: end };
        let mut held = self.lasting();
        if held.len() >= SESSIONS_MAX {
            let oldest = held.iter().min_by_key(|(_, held)| held.end_ms).map(|(mark, _)| *mark);
            drop(oldest.and_then(|mark| held.remove(&mark)));
        }
        drop(held.insert(mark, Held { user, form, end_ms, ended }));
        Ok((session, self.header(&value, SESSION_MS / 1_000)))
    }

    /// The session whose cookie a request has.
    pub(in crate::serve) fn of(&self, headers: &HeaderMap) -> Option<Session<T>> {
        let held = self.lasting();
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|all| all.to_str().ok());
        let values = cookies.flat_map(|all| all.split(';')).filter_map(|cookie| {
            let (name, value) = cookie.trim().split_once('=')?;
            (name == self.cookie.name).then_some(value)
        });
        // Another program of the host may set a cookie of the same name.
        values.map(|value| Mark::from(Sha256::digest(value))).find_map(|mark| {
            let held = held.get(&mark)?;
            Some(Session {
                mark,
                user: held.user.clone(),
                form: held.form.clone(),
                end_ms: held.end_ms,
                ended: held.ended.subscribe(),
            })
        })
    }

    /// Ends a session. The header removes its cookie.
    pub(in crate::serve) fn end(&self, session: &Session<T>) -> HeaderValue {
        drop(self.lasting().remove(&session.mark));
        self.header("", 0)
    }

    /// Ends the sessions whose user is not allowed any more.
    pub(in crate::serve) fn keep(&self, is_allowed: impl Fn(&T) -> bool) {
        self.lasting().retain(|_, held| is_allowed(&held.user));
    }

    /// The sessions that did not end by their time.
    fn lasting(&self) -> MutexGuard<'_, BTreeMap<Mark, Held<T>>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = SystemClock.steady_ms();
        held.retain(|_, session| session.end_ms > now_ms);
        held
    }

    fn header(&self, value: &str, age_s: u64) -> HeaderValue {
        let Cookie { name, path, is_secure } = self.cookie;
        let secure = if is_secure { "; Secure" } else { "" };
        let text = format!(
            "{name}={value}; Path={path}; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}"
        );
        // All of it is ASCII without control characters.
        let mut header =
            HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }
}

impl<T> Session<T> {
    /// The value that each form of the session carries.
    pub(in crate::serve) fn form_value(&self) -> &str {
        self.form.expose()
    }

    /// Whether a form carries that value. Compared in constant time.
    pub(in crate::serve) fn sent(&self, value: &str) -> bool {
        bool::from(self.form.expose().as_bytes().ct_eq(value.as_bytes()))
    }

    /// Completes when the session ends.
    pub(in crate::serve) fn ended(&self) -> impl Future<Output = ()> + Send + use<T> {
        let (mut ended, end_ms) = (self.ended.clone(), self.end_ms);
        async move {
            let left_ms = end_ms.saturating_sub(SystemClock.steady_ms());
            tokio::select! {
                // Nothing is ever sent: it ends when the sender is dropped.
                _ = ended.changed() => {}
                () = SystemClock.sleep(left_ms) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cookie, SESSIONS_MAX, Sessions};
    use axum::http::{HeaderMap, HeaderValue, header};

    fn sessions() -> Sessions<usize> {
        Sessions::new(Cookie { name: "s", path: "/console", is_secure: true })
    }

    /// The headers of a browser that was given this cookie, among others.
    fn browser(set: &HeaderValue) -> HeaderMap {
        let (cookie, _) = set.to_str().unwrap().split_once(';').unwrap();
        let all = format!("other=1; s=forged; {cookie}");
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&all).unwrap())])
    }

    #[test]
    fn a_cookie_is_for_its_path_and_no_script_and_no_other_site_and_is_not_printed() {
        let (session, set) = sessions().begin(1).unwrap();
        assert!(set.is_sensitive());
        let text = set.to_str().unwrap();
        for part in ["Path=/console;", "HttpOnly", "SameSite=Strict", "Secure", "Max-Age=28800"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(!format!("{session:?}").contains(session.form_value()));
    }

    #[test]
    fn a_session_is_known_by_its_cookie_until_it_ends() {
        let sessions = sessions();
        let (one, cookie) = sessions.begin(1).unwrap();
        let (other, _) = sessions.begin(2).unwrap();
        let found = sessions.of(&browser(&cookie)).unwrap();
        assert_eq!(found.user, 1);
        assert!(found.sent(one.form_value()) && !found.sent(other.form_value()));
        assert!(!found.sent(""));
        drop(sessions.end(&one));
        assert!(sessions.of(&browser(&cookie)).is_none());
        sessions.keep(|user| *user != 2);
        assert!(sessions.lasting().is_empty());
    }

    #[tokio::test]
    async fn what_waits_for_the_end_of_a_session_is_woken_by_it() {
        let sessions = sessions();
        let (session, _) = sessions.begin(1).unwrap();
        let ended = session.ended();
        drop(sessions.end(&session));
        ended.await;
    }

    #[test]
    fn the_oldest_session_ends_when_there_are_too_many() {
        let sessions = sessions();
        for user in 0..=SESSIONS_MAX {
            drop(sessions.begin(user).unwrap());
        }
        assert_eq!(sessions.lasting().len(), SESSIONS_MAX);
    }
}
