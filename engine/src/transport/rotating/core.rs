//! What a source of rotating tokens knows, and its one deed at a time: load, refresh, store, use.
//!
//! Every deed is a future that owns what it needs, and holds the state's lock until its end; see
//! [`super::source`] for who polls it.

use super::pair::Pair;
use crate::reason::AuthReason;
use crate::secret::Secret;
use crate::transport::NotSent;
use crate::transport::endpoint::{Answer, Endpoint, Refusal};
use crate::transport::hold::Hold;
use crate::transport::in_use::InUse;
use crate::transport::keeper::TokenKeeper;
use crate::transport::redact::Redactor;
use crate::transport::token::{self, Issued, LIFE_MS_MAX, read_issued};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Secrets that are removed from replies: four pairs, and a code.
const SECRETS_KEPT: usize = 9;
/// A pair that was issued so much later than now was issued under another clock.
const AHEAD_MS_MAX: u64 = 60_000;

/// A code that a person's consent gave, and what proves that it is ours.
#[derive(Clone, Debug)]
pub struct Code {
    /// The code.
    pub code: Secret,
    /// The redirect URI, exactly as it was requested.
    pub redirect_uri: String,
    /// The verifier of the code challenge, where there was one.
    pub verifier: Option<Secret>,
}

/// What a caller needs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Need {
    /// A token that is not about to end.
    Fresh,
    /// Another token than that of this generation, which was refused.
    Other(u64),
    /// A pair that is younger than this.
    Younger(u64),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Core {
    keeper: Arc<dyn TokenKeeper>,
    endpoint: RwLock<Arc<Endpoint>>,
    pub(super) in_use: InUse,
    state: tokio::sync::Mutex<State>,
    /// The number of the consent in use.
    consent: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    hold: Hold,
    generation: u64,
    /// The kept pair as last seen.
    pair: Option<Pair>,
    /// The pair's age at a steady time.
    age_ms: u64,
    aged_at_ms: u64,
    /// A pair that the keeper did not store yet, and when it was asked for, by the steady clock.
    unsaved: Option<(Pair, u64)>,
    /// A refresh was sent, and its answer was lost.
    is_unclear: bool,
    /// The deed under way replaces a refused access token.
    is_renewal: bool,
}

impl State {
    fn age_ms(&self, now_ms: u64) -> u64 {
        self.age_ms.saturating_add(now_ms.saturating_sub(self.aged_at_ms))
    }
}

impl Core {
    pub(super) fn new(keeper: Arc<dyn TokenKeeper>, endpoint: Endpoint) -> Self {
        Self {
            keeper,
            endpoint: RwLock::new(Arc::new(endpoint)),
            in_use: InUse::new(SECRETS_KEPT),
            state: tokio::sync::Mutex::default(),
            consent: AtomicU64::new(0),
        }
    }

    pub(super) fn endpoint(&self) -> Arc<Endpoint> {
        Arc::clone(&self.endpoint.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Uses another client for the same consent: its secret was replaced.
    pub(super) fn use_endpoint(&self, endpoint: Endpoint) {
        *self.endpoint.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(endpoint);
    }

    /// The number of the consent in use.
    pub(super) fn consent(&self) -> u64 {
        self.consent.load(Ordering::SeqCst)
    }

    pub(super) fn secrets(&self) -> Vec<Secret> {
        self.endpoint().client.secrets().into_iter().chain(self.in_use.secrets()).collect()
    }

    /// Ends the pause after a refusal.
    pub(super) async fn lift(&self) {
        self.state.lock().await.hold.lift();
    }

    /// Whether a pair is not stored yet, as far as can be said without waiting.
    pub(super) fn has_unsaved(&self) -> bool {
        self.state.try_lock().map_or(true, |state| state.unsaved.is_some())
    }

    /// The age of the pair in use; without one it counts as old.
    pub(super) async fn age_ms(&self) -> u64 {
        let state = self.state.lock().await;
        let now_ms = self.endpoint().means.clock.steady_ms();
        state.pair.as_ref().map_or(u64::MAX, |_| state.age_ms(now_ms))
    }

    /// Gets what is needed, from the keeper or by a refresh.
    pub(super) async fn get(&self, need: Need) -> Result<(), NotSent> {
        let mut state = self.state.lock().await;
        let means = self.endpoint().means.clone();
        if let Some(why) = state.hold.refuses(means.clock.steady_ms()) {
            return Err(why);
        }
        match self.got(&mut state, need).await {
            Ok(()) => {
                state.hold.clear();
                Ok(())
            }
            Err(why) => Err(state.hold.note(why, means.clock.as_ref(), means.entropy.as_ref())),
        }
    }

    async fn got(&self, state: &mut State, need: Need) -> Result<(), NotSent> {
        state.is_renewal = matches!(need, Need::Other(_));
        // It is the only good pair: the keeper's was used up.
        if let Some((pair, asked_ms)) = state.unsaved.clone() {
            self.keep(state, pair, asked_ms).await?;
        }
        let kept = self.load().await?;
        self.notice(state, &kept);
        if self.has(state, need) {
            return Ok(());
        }
        self.refresh(state, kept, need).await
    }

    /// Whether a need is met.
    fn has(&self, state: &State, need: Need) -> bool {
        let clock = &self.endpoint().means.clock;
        let now_ms = clock.steady_ms();
        let usable = self.in_use.usable(clock.as_ref());
        match need {
            Need::Fresh => usable.is_some_and(|token| now_ms < token.renew_at_ms),
            Need::Other(generation) => usable.is_some_and(|token| token.generation != generation),
            Need::Younger(age_ms) => state.age_ms(now_ms) < age_ms,
        }
    }

    async fn load(&self) -> Result<Pair, NotSent> {
        let missing = |why: &str| NotSent::Consent {
            reason: AuthReason::ConsentMissing,
            why: why.to_owned(),
        };
        match self.keeper.load().await {
            Ok(Some(text)) => Pair::read(&text).ok_or_else(|| {
                missing("what the token keeper holds cannot be read; ask for consent again")
            }),
            Ok(None) => {
                Err(missing("the token keeper holds nothing: no consent was given yet; begin one"))
            }
            Err(why) => Err(NotSent::Consent {
                reason: AuthReason::PairNotKept,
                why: format!("the token keeper could not be read: {}", self.clean(&why)),
            }),
        }
    }

    fn clean(&self, text: &str) -> String {
        Redactor::new(&self.secrets()).text(text).into_owned()
    }

    /// Uses the kept pair, if it is another one than before.
    fn notice(&self, state: &mut State, kept: &Pair) {
        if state.pair.as_ref().is_some_and(|pair| pair.is(kept)) {
            return;
        }
        let means = &self.endpoint().means;
        let (wall_ms, now_ms) = (means.clock.now_ms(), means.clock.steady_ms());
        // Of a pair that was issued under another clock neither age nor end is known.
        let is_dated = kept.issued_ms <= wall_ms.saturating_add(AHEAD_MS_MAX);
        state.age_ms = if is_dated { wall_ms.saturating_sub(kept.issued_ms) } else { u64::MAX };
        state.aged_at_ms = now_ms;
        let left_ms = kept.ends_ms.saturating_sub(wall_ms).min(LIFE_MS_MAX);
        self.apply(state, kept.clone(), is_dated.then_some(left_ms), now_ms);
    }

    /// Uses a pair that the keeper has. `life_ms`: how long its access token is good from
    /// `from_ms` on.
    fn apply(&self, state: &mut State, pair: Pair, life_ms: Option<u64>, from_ms: u64) {
        let before = state.pair.as_ref();
        if before.is_some_and(|before| before.consent != pair.consent) {
            self.consent.fetch_add(1, Ordering::SeqCst);
            self.in_use.unset();
        }
        self.in_use.remember(pair.refresh.clone());
        if let (Some(access), Some(life_ms)) = (&pair.access, life_ms) {
            self.in_use.remember(access.clone());
            state.generation = state.generation.saturating_add(1);
            let grant = Redactor::new(&self.secrets()).grant(&pair.grant);
            let issued = Issued { access: access.clone(), refresh: None, life_ms, grant };
            let means = &self.endpoint().means;
            let made = issued.token(state.generation, from_ms, means.entropy.as_ref());
            self.in_use.set(token::Token {
                renewed: state.is_renewal,
                consent: self.consent(),
                ..made
            });
        }
        state.pair = Some(pair);
    }

    /// Stores a new pair, and then uses it.
    async fn keep(&self, state: &mut State, pair: Pair, asked_ms: u64) -> Result<(), NotSent> {
        state.unsaved = Some((pair.clone(), asked_ms));
        self.in_use.remember(pair.refresh.clone());
        if let Some(access) = &pair.access {
            self.in_use.remember(access.clone());
        }
        if let Err(why) = self.keeper.store(&pair.text()).await {
            return Err(NotSent::Consent {
                reason: AuthReason::PairNotKept,
                why: format!(
                    "the new tokens could not be stored, and are not used before they are: {}; \
                     correct the token keeper while this process runs",
                    self.clean(&why)
                ),
            });
        }
        state.unsaved = None;
        state.is_unclear = false;
        (state.age_ms, state.aged_at_ms) = (0, asked_ms);
        let life_ms = pair.ends_ms.saturating_sub(pair.issued_ms);
        self.apply(state, pair, Some(life_ms), asked_ms);
        Ok(())
    }

    async fn refresh(&self, state: &mut State, mut pair: Pair, need: Need) -> Result<(), NotSent> {
        let mut is_read_again = false;
        loop {
            let endpoint = self.endpoint();
            let refresh = pair.refresh.clone();
            let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
            let lost = match endpoint.ask(&form, &self.secrets()).await {
                Answer::Given(response, asked_ms) => {
                    let now_ms = endpoint.means.clock.now_ms();
                    match read_issued(&response, now_ms) {
                        Ok(issued) => {
                            let next = Pair::issued(pair.consent, refresh, issued, now_ms);
                            return self.keep(state, next, asked_ms).await;
                        }
                        // A pair may have been issued, and it is not in here.
                        Err(why) => why.to_string(),
                    }
                }
                Answer::Failed(why) | Answer::Lost(why) => why,
                Answer::Refused(refusal) => {
                    if !self.refuses_grant(&endpoint, &refusal).await {
                        return Err(NotSent::Auth(refusal.text));
                    }
                    let kept = self.load().await?;
                    if is_read_again || kept.refresh == pair.refresh {
                        return Err(revoked(&refusal, state.is_unclear));
                    }
                    // Another process has refreshed meanwhile.
                    is_read_again = true;
                    self.notice(state, &kept);
                    if self.has(state, need) {
                        return Ok(());
                    }
                    pair = kept;
                    continue;
                }
                Answer::Throttled { until_ms } => return Err(NotSent::Throttled { until_ms }),
                Answer::NotSent(why) => return Err(why),
            };
            // The first time it is sent again at once.
            if std::mem::replace(&mut state.is_unclear, true) {
                return Err(NotSent::Consent {
                    reason: AuthReason::ConsentUnclear,
                    why: format!(
                        "the answer to a refresh was lost ({lost}), so it is unknown whether the \
                         refresh token is still good; it is tried again"
                    ),
                });
            }
        }
    }

    /// Whether a refusal means the code or refresh token, not the client. Where the answer names
    /// no code, RFC 6749 §5.2 leaves 400 for the grant, and 401 may be either.
    async fn refuses_grant(&self, endpoint: &Endpoint, refusal: &Refusal) -> bool {
        match (refusal.code, refusal.status) {
            (Some(code), _) => code == token::Code::InvalidGrant,
            (None, 400) => refusal.is_object,
            // A request without a grant has no effect, and is refused with 401 only for its client.
            (None, 401) if refusal.is_object => {
                let asked = endpoint.ask(&[], &self.secrets()).await;
                matches!(asked, Answer::Refused(refusal) if refusal.status == 400)
            }
            (None, _) => false,
        }
    }

    /// Exchanges a code for the first pair of a consent.
    pub(super) async fn redeem(&self, code: Code) -> Result<(), NotSent> {
        let mut state = self.state.lock().await;
        let endpoint = self.endpoint();
        self.in_use.remember(code.code.clone());
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.code.expose()),
            ("redirect_uri", code.redirect_uri.as_str()),
        ];
        form.extend(code.verifier.as_ref().map(|verifier| ("code_verifier", verifier.expose())));
        // Never twice: a second use of a code ends what the first one gave (RFC 6749 §4.1.2).
        let lost = match endpoint.ask(&form, &self.secrets()).await {
            Answer::Given(response, asked_ms) => {
                let now_ms = endpoint.means.clock.now_ms();
                match read_issued(&response, now_ms) {
                    Ok(issued) => {
                        let Some(refresh) = issued.refresh.clone() else {
                            return Err(NotSent::Auth(
                                "the token endpoint gave no refresh_token; check how the client \
                                 is registered"
                                    .to_owned(),
                            ));
                        };
                        let consent = endpoint.means.entropy.id();
                        let pair = Pair::issued(consent, refresh, issued, now_ms);
                        state.hold.clear();
                        return self.keep(&mut state, pair, asked_ms).await;
                    }
                    Err(why) => why.to_string(),
                }
            }
            Answer::Failed(why) | Answer::Lost(why) => why,
            Answer::Refused(refusal) if self.refuses_grant(&endpoint, &refusal).await => {
                return Err(NotSent::Consent {
                    reason: AuthReason::CodeRefused,
                    why: format!(
                        "the code was refused, for example because it was too old: {}; begin the \
                         consent again",
                        refusal.text
                    ),
                });
            }
            Answer::Refused(refusal) => return Err(NotSent::Auth(refusal.text)),
            Answer::Throttled { until_ms } => return Err(NotSent::Throttled { until_ms }),
            Answer::NotSent(why) => return Err(why),
        };
        Err(NotSent::Consent {
            reason: AuthReason::ConsentUnclear,
            why: format!(
                "the answer to the code was lost ({lost}), and a code is good for one use; begin \
                 the consent again"
            ),
        })
    }
}

fn revoked(refusal: &Refusal, was_lost: bool) -> NotSent {
    let why = if was_lost {
        "the answer to a refresh was lost, and the refresh token before it is refused"
    } else {
        "the refresh token is refused: the consent was revoked, or it ended unused"
    };
    NotSent::Consent {
        reason: AuthReason::ConsentRevoked,
        why: format!("{why} ({}); ask for consent again", refusal.text),
    }
}
