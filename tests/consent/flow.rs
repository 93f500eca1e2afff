//! From the URL of the consent page to the first pair of tokens.

use crate::kit::{BACK, ID, Mood, Place, SECRET};
use atsync::model::manifest::AuthRule;
use atsync::{AuthReason, Credential, Engine, ErrorKind, Secret};
use atsync_greenhouse_sandbox::{Fault, FaultKind, PairState, PartnerClient, RefusedScope};
use atsync_tests::{Altered, native_greenhouse};
use std::sync::Arc;

#[tokio::test]
async fn a_consent_gives_tokens_that_a_connection_reads_with() {
    let place = Place::new().await;
    let error = place.connect("acme").await.pull("jobs").await.unwrap_err();
    assert_eq!(error.auth_reason(), Some(AuthReason::ConsentMissing), "{error}");
    place.consent().await.unwrap();
    assert_eq!(place.kept(), PairState::Live);
    // At once, and without another token.
    assert!(place.connect("acme").await.pull("jobs").await.unwrap().records > 0);
    assert_eq!(place.pairs(), (vec![PairState::Live], 0));
}

#[tokio::test]
async fn a_missing_or_swapped_state_never_redeems_a_code() {
    let place = Place::new().await;
    let (acme, other) = (place.begin("acme").await, place.begin("other").await);
    assert_ne!(acme.url.expose(), other.url.expose());
    let query = place.allow(&acme).await;
    let without = query.split('&').filter(|pair| !pair.starts_with("state=")).collect::<Vec<_>>();
    let without = without.join("&");
    let finish = async |name: &str, remember: &Secret, query: &str| {
        let options = place.options(name);
        let error = place.engine.finish_consent(&options, remember, query).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input, "{error}");
        error.auth_reason()
    };
    let missing = finish("acme", &acme.remember, &without).await;
    assert_eq!(missing, Some(AuthReason::StateMissing));
    // The code of one session, brought to another; and what one session remembers, for the other.
    let swapped = [
        finish("other", &other.remember, &query).await,
        finish("other", &acme.remember, &query).await,
    ];
    assert_eq!(swapped, [Some(AuthReason::StateMismatch); 2]);
    let options = place.options("acme");
    let broken = place.engine.finish_consent(&options, &Secret::new("{}"), &query).await;
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::Input);
    assert_eq!((place.token_requests(), place.keeper.text()), (0, None));
    // The right one still works: nothing was used up.
    place.engine.finish_consent(&options, &acme.remember, &query).await.unwrap();
}

#[tokio::test]
async fn a_callback_that_comes_twice_redeems_its_code_once() {
    let place = Place::new().await;
    let (start, options) = (place.begin("acme").await, place.options("acme"));
    let query = place.allow(&start).await;
    place.engine.finish_consent(&options, &start.remember, &query).await.unwrap();
    let again = place.engine.finish_consent(&options, &start.remember, &query).await;
    assert_eq!(again.unwrap_err().auth_reason(), Some(AuthReason::StateUsed));
    // A second use of the code would have revoked the consent.
    assert_eq!((place.token_requests(), place.kept()), (1, PairState::Live));
}

#[tokio::test]
async fn a_consent_ends_after_ten_minutes() {
    let place = Place::new().await;
    let (start, options) = (place.begin("acme").await, place.options("acme"));
    place.clock.pass(Engine::CONSENT_LIFE_MS);
    let query = place.allow(&start).await;
    let late = place.engine.finish_consent(&options, &start.remember, &query).await;
    assert_eq!(late.unwrap_err().auth_reason(), Some(AuthReason::StateExpired));
    assert_eq!(place.token_requests(), 0);
}

#[tokio::test]
async fn a_person_who_refuses_and_a_scope_that_is_refused_are_told_apart() {
    let place = Place::new().await;
    let (start, options) = (place.begin("acme").await, place.options("acme"));
    let query = place.answer(&start, "deny").await;
    let denied = place.engine.finish_consent(&options, &start.remember, &query).await.unwrap_err();
    let told = (denied.kind(), denied.auth_reason());
    assert_eq!(told, (ErrorKind::Auth, Some(AuthReason::ConsentDenied)));
    // One scope that is not registered refuses them all.
    let mut client = PartnerClient::new(ID, SECRET, BACK);
    client.scopes = ["harvest:jobs:list", "harvest:users:list"].map(str::to_owned).into();
    place.sandbox().set_partner(client);
    place.sandbox().set_quirks(|quirks| quirks.refused_scope = RefusedScope::Redirect);
    let start = place.begin("acme").await;
    let query = place.allow(&start).await;
    let refused = place.engine.finish_consent(&options, &start.remember, &query).await;
    let refused = refused.unwrap_err();
    let told = (refused.kind(), refused.auth_reason());
    assert_eq!(told, (ErrorKind::Configuration, Some(AuthReason::ScopeRefused)));
    assert_eq!(place.token_requests(), 0);
    // Fewer can be asked for, and none that the adapter does not know.
    let typo = place.engine.begin_consent(&options, BACK, &["harvest:jobs:lst"]).await;
    let typo = typo.unwrap_err().to_string();
    assert!(typo.contains("harvest:jobs:list"), "{typo}");
    let scopes = ["harvest:jobs:list", "harvest:users:list"];
    let start = place.engine.begin_consent(&options, BACK, &scopes).await.unwrap();
    let query = place.allow(&start).await;
    place.engine.finish_consent(&options, &start.remember, &query).await.unwrap();
    assert_eq!(place.sandbox().consents()[0].scopes, scopes.map(str::to_owned).into());
}

#[tokio::test]
async fn a_late_code_and_a_wrong_secret_are_told_apart() {
    let place = Place::new().await;
    let start = place.begin("acme").await;
    let query = place.allow(&start).await;
    place.clock.pass(60_000);
    let late = place.engine.finish_consent(&place.options("acme"), &start.remember, &query).await;
    assert_eq!(late.unwrap_err().auth_reason(), Some(AuthReason::CodeRefused));
    let start = place.begin("acme").await;
    let query = place.allow(&start).await;
    let mut options = place.options("acme");
    options.credential = Credential::AuthorizationCode {
        client_id: ID.into(),
        client_secret: Secret::new("of last year"),
        keeper: Arc::clone(&place.keeper) as _,
    };
    let wrong = place.engine.finish_consent(&options, &start.remember, &query).await;
    assert_eq!(wrong.unwrap_err().auth_reason(), Some(AuthReason::CredentialRefused));
    assert_eq!(place.keeper.text(), None);
}

#[tokio::test]
async fn a_code_whose_answer_is_lost_is_not_sent_again() {
    for fault in [
        FaultKind::DropAfter,
        FaultKind::AppliedThen { status: 502 },
        FaultKind::Html,
        FaultKind::Truncate { bytes: 9 },
    ] {
        let place = Place::new().await;
        let (start, options) = (place.begin("acme").await, place.options("acme"));
        let query = place.allow(&start).await;
        place.sandbox().faults().add(Fault::once("POST", "/token", fault));
        let lost = place.engine.finish_consent(&options, &start.remember, &query).await;
        let lost = lost.unwrap_err();
        let told = (lost.kind(), lost.auth_reason());
        assert_eq!(told, (ErrorKind::Unavailable, Some(AuthReason::ConsentUnclear)), "{fault:?}");
        let again = place.engine.finish_consent(&options, &start.remember, &query).await;
        assert_eq!(again.unwrap_err().auth_reason(), Some(AuthReason::StateUsed));
        assert_eq!(place.token_requests(), 1);
        // Another consent works.
        place.consent().await.unwrap();
    }
}

#[tokio::test]
async fn a_busy_token_endpoint_uses_no_callback_up() {
    let place = Place::new().await;
    let (start, options) = (place.begin("acme").await, place.options("acme"));
    let query = place.allow(&start).await;
    place.sandbox().faults().add(Fault::once("POST", "/token", FaultKind::TooManyRequests));
    let busy = place.engine.finish_consent(&options, &start.remember, &query).await.unwrap_err();
    assert_eq!((busy.kind(), busy.auth_reason()), (ErrorKind::Unavailable, None));
    // The pause that the endpoint wants is as long as a code lives: now it is sent, and too late.
    place.clock.pass(60_000);
    let late = place.engine.finish_consent(&options, &start.remember, &query).await;
    assert_eq!(late.unwrap_err().auth_reason(), Some(AuthReason::CodeRefused));
}

#[tokio::test]
async fn a_code_challenge_is_sent_where_the_manifest_says_that_it_is_checked() {
    let mut place = Place::new().await;
    let start = place.begin("acme").await;
    assert!(!start.url.expose().contains("code_challenge"), "not part of Greenhouse's guide");
    place.adapter = Altered::wrap(native_greenhouse(), |manifest| {
        for rule in &mut manifest.auth {
            if let AuthRule::Oauth2AuthorizationCode { pkce, .. } = rule {
                *pkce = true;
            }
        }
    });
    let start = place.begin("acme").await;
    assert!(start.url.expose().contains("code_challenge_method=S256"));
    let query = place.allow(&start).await;
    // An intercepted code is of no use without the remembered verifier.
    let mut stolen: serde_json::Value = serde_json::from_str(start.remember.expose()).unwrap();
    stolen["verifier"] = "x".repeat(43).into();
    let options = place.options("acme");
    let engine = place.other_engine();
    let stolen = Secret::new(stolen.to_string());
    let refused = engine.finish_consent(&options, &stolen, &query).await.unwrap_err();
    assert_eq!(refused.auth_reason(), Some(AuthReason::CodeRefused));
    place.engine.finish_consent(&options, &start.remember, &query).await.unwrap();
}

#[tokio::test]
async fn tokens_that_cannot_be_stored_are_held_and_stored_by_the_next_request() {
    let place = Place::new().await;
    place.keeper.mood(Mood::Refuses);
    let acme = place.connect("acme").await;
    let error = place.consent().await.unwrap_err();
    let told = (error.kind(), error.auth_reason());
    assert_eq!(told, (ErrorKind::Unavailable, Some(AuthReason::PairNotKept)));
    place.keeper.mood(Mood::Stores);
    assert!(acme.pull("jobs").await.unwrap().records > 0);
    assert_eq!((place.pairs(), place.kept()), ((vec![PairState::Live], 0), PairState::Live));
}

#[tokio::test]
async fn only_an_exact_redirect_uri_and_the_right_credential_begin_a_consent() {
    let place = Place::new().await;
    let options = place.options("acme");
    for uri in ["http://host.example/cb", "https://host.example/cb#f", "host.example"] {
        let error = place.engine.begin_consent(&options, uri, &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{uri}");
    }
    let mut custom = place.options("acme");
    custom.credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let error = place.engine.begin_consent(&custom, BACK, &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("AuthorizationCode"), "{error}");
}
