//! The laws of a partner's consent: the page, the code, the pairs of tokens, and what ends them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

mod common;

use atsync_greenhouse_sandbox::{
    ActsAs, Answer, Fault, FaultKind, GrantErrorBody, GrantErrorStatus, GrantParameters, PairState,
    PartnerClient, Pkce, RefreshLifetime, RefusedScope, Request, ReusedRefresh, TokenExpiry,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::World;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

const ID: &str = "partner";
const SECRET: &str = "partner-secret";
const BACK: &str = "https://host.example/greenhouse/callback?tenant=7";
const STATE: &str = "a +b&c=d%/\"<é>'";
const SCOPES: &str = "harvest:jobs:list harvest:notes:list";
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The example of RFC 7636.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn world() -> World {
    World::with(|options| options.partners = vec![PartnerClient::new(ID, SECRET, BACK)])
}

fn form(pairs: &[(&str, &str)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

const ASKED: [(&str, &str); 5] = [
    ("response_type", "code"),
    ("client_id", ID),
    ("redirect_uri", BACK),
    ("scope", SCOPES),
    ("state", STATE),
];

/// A request for consent with some parameters changed; an empty value leaves one out.
fn asked(changes: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut pairs: Vec<_> = ASKED
        .into_iter()
        .filter(|(name, _)| changes.iter().all(|(held, _)| held != name))
        .collect();
    pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    pairs
}

fn exchange(world: &World, method: &str, path: &str, body: &str) -> Answer {
    world.sandbox.handle(&Request {
        method,
        path_and_query: path,
        headers: &[],
        body: body.as_bytes(),
    })
}

fn page(world: &World, changes: &[(&'static str, &'static str)]) -> Answer {
    exchange(world, "GET", &format!("/authorize?{}", form(&asked(changes))), "")
}

fn submit(world: &World, changes: &[(&'static str, &'static str)]) -> Answer {
    exchange(world, "POST", "/authorize", &form(&asked(changes)))
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("UTF-8")
}

/// Reads one parameter of a redirect to the partner.
fn returned(answer: &Answer, name: &str) -> Option<String> {
    assert_eq!(answer.status, 302, "{}", text(answer));
    let location = answer.header("location").expect("a location");
    let query = location.strip_prefix(BACK).expect("the registered URI");
    let value = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")))?;
    Some(percent_decode_str(value).decode_utf8().expect("UTF-8").into_owned())
}

const SERVICE: [(&str, &str); 2] = [("decision", "allow"), ("acts_as", "service_account")];

fn code_with(world: &World, changes: &[(&'static str, &'static str)]) -> String {
    let changes: Vec<_> = SERVICE.iter().chain(changes).copied().collect();
    returned(&submit(world, &changes), "code").expect("a code")
}

fn code(world: &World) -> String {
    code_with(world, &[])
}

fn ask_as(world: &World, id: &str, path: &str, body: &str) -> Answer {
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{SECRET}")));
    world.sandbox.handle(&Request {
        method: "POST",
        path_and_query: path,
        headers: &[("authorization".to_owned(), basic)],
        body: body.as_bytes(),
    })
}

fn ask(world: &World, pairs: &[(&str, &str)]) -> Answer {
    ask_as(world, ID, "/token", &form(pairs))
}

fn redeem(world: &World, code: &str) -> Answer {
    ask(world, &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", BACK)])
}

fn refresh(world: &World, token: &str) -> Answer {
    ask(world, &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

fn tokens(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{}", answer.body_json());
    let body = answer.body_json();
    let member = |name: &str| body[name].as_str().expect("a token").to_owned();
    (member("access_token"), member("refresh_token"))
}

/// Logs in as the partner; returns the refresh token.
fn connect(world: &mut World) -> String {
    let (access, refresh) = tokens(&redeem(world, &code(world)));
    world.token = access;
    refresh
}

fn assert_refused(answer: &Answer, error: &str) {
    assert_eq!((answer.status, answer.body_json()), (400, json!({"error": error})));
}

fn user(world: &World, wanted: impl Fn(&Value) -> bool) -> i64 {
    let service = world.sandbox.service_user_id();
    let users = world.sandbox.rows("users");
    let user = users
        .iter()
        .find(|user| user["deactivated"] == false && user["id"] != service && wanted(user));
    user.expect("one")["id"].as_i64().expect("an id")
}

#[test]
fn the_consent_page_lists_the_scopes_and_both_choices_in_one_labelled_form() {
    let answer = page(&world(), &[]);
    let html = text(&answer);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(html.matches("<form").count(), 1);
    for scope in SCOPES.split(' ') {
        assert!(html.contains(&format!("<li><code>{scope}</code></li>")), "{html}");
    }
    for id in ["user_id", "as_service", "as_myself"] {
        assert!(html.contains(&format!("<label for=\"{id}\">")), "{html}");
        assert!(html.contains(&format!("id=\"{id}\"")), "{html}");
    }
    for value in
        ["value=\"service_account\"", "value=\"myself\"", ">Allow</button>", ">Deny</button>"]
    {
        assert!(html.contains(value), "{value}: {html}");
    }
    assert!(html.contains("lang=\"en\"") && html.contains("<main>") && html.contains("<legend>"));
}

#[test]
fn text_from_outside_is_escaped_on_the_page() {
    let world = world();
    let name = "<script>alert('x')</script>\" & Co";
    let client = PartnerClient { name: name.to_owned(), ..PartnerClient::new(ID, SECRET, BACK) };
    world.sandbox.set_partner(client);
    let html = text(&page(&world, &[("state", "\"><img src=x onerror='y'>&amp;")]));
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot; &amp; Co"));
    assert!(html.contains("value=\"&quot;&gt;&lt;img src=x onerror=&#39;y&#39;&gt;&amp;amp;\""));
    assert!(!html.contains("<script") && !html.contains("<img"));
}

#[test]
fn an_unknown_client_or_redirect_uri_is_a_page_and_never_a_redirect() {
    let world = world();
    for changes in [
        [("client_id", "stranger")],
        // The customer's own client has no consent page.
        [("client_id", "sandbox")],
        [("client_id", "")],
        [("redirect_uri", "")],
        [("redirect_uri", "https://host.example/greenhouse/callback")],
        [("redirect_uri", "https://host.example/greenhouse/callback?tenant=7&more=1")],
        [("redirect_uri", "https://evil.example/")],
    ] {
        let allowed: Vec<_> = SERVICE.iter().chain(&changes).copied().collect();
        for answer in [page(&world, &changes), submit(&world, &allowed)] {
            assert_eq!((answer.status, answer.header("location")), (400, None), "{changes:?}");
            assert!(!text(&answer).contains("<form"), "{changes:?}");
        }
    }
    let twice = format!("/authorize?{}&{}", form(&ASKED), form(&[("redirect_uri", BACK)]));
    assert_eq!(exchange(&world, "GET", &twice, "").status, 400);
    assert_eq!(world.sandbox.consents(), []);
}

#[test]
fn one_unregistered_scope_refuses_the_whole_consent() {
    let world = world();
    for scope in ["harvest:jobs:list harvest:rejection_reasons:create", ""] {
        let answer = page(&world, &[("scope", scope)]);
        assert_eq!(returned(&answer, "error").as_deref(), Some("invalid_scope"), "{scope}");
        assert_eq!(returned(&answer, "state").as_deref(), Some(STATE));
    }
    world.sandbox.set_quirks(|quirks| quirks.refused_scope = RefusedScope::Page);
    let answer = page(&world, &[("scope", "harvest:everything:list")]);
    assert_eq!((answer.status, answer.header("location")), (400, None));
    assert_eq!(world.sandbox.consents(), []);
}

#[test]
fn a_malformed_request_goes_back_as_an_error_with_the_state() {
    let world = world();
    for (changes, error) in [
        (&[("response_type", "token")][..], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("code_challenge", CHALLENGE)], "invalid_request"),
        (&[("code_challenge", CHALLENGE), ("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge", "short"), ("code_challenge_method", "S256")], "invalid_request"),
    ] {
        let answer = page(&world, changes);
        assert_eq!(returned(&answer, "error").as_deref(), Some(error), "{changes:?}");
        assert_eq!(returned(&answer, "state").as_deref(), Some(STATE));
    }
}

#[test]
fn allow_returns_a_code_and_deny_an_error_both_with_the_unchanged_state() {
    let world = world();
    let denied = submit(&world, &[("decision", "deny")]);
    assert_eq!(returned(&denied, "error").as_deref(), Some("access_denied"));
    assert_eq!(returned(&denied, "state").as_deref(), Some(STATE));
    assert_eq!(world.sandbox.consents(), []);
    let allowed = submit(&world, &SERVICE);
    assert!(returned(&allowed, "code").is_some());
    assert_eq!(returned(&allowed, "state").as_deref(), Some(STATE));
    let without_state: Vec<_> = SERVICE.into_iter().chain([("state", "")]).collect();
    assert_eq!(returned(&submit(&world, &without_state), "state"), None);
}

#[test]
fn a_code_buys_one_pair_and_says_when_the_access_token_expires() {
    let mut world = world();
    let answer = redeem(&world, &code(&world));
    let (access, refresh) = tokens(&answer);
    let body = answer.body_json();
    assert_eq!(body["expires_at"], "2026-11-24T07:00:00Z");
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(4), "{body}");
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    world.token = access;
    assert_eq!(world.get("/v3/jobs").status, 200);
    world.clock.advance_ms(HOUR_MS);
    assert_eq!(world.get("/v3/jobs").status, 401);
    world.sandbox.set_quirks(|quirks| quirks.token_expiry = TokenExpiry::ExpiresIn);
    let body = self::refresh(&world, &refresh).body_json();
    assert_eq!((&body["expires_in"], &body["expires_at"]), (&json!(3600), &Value::Null));
}

#[test]
fn a_code_lives_one_minute() {
    let world = world();
    let (early, late) = (code(&world), code(&world));
    world.clock.advance_ms(59_999);
    assert_eq!(redeem(&world, &early).status, 200);
    world.clock.advance_ms(1);
    assert_refused(&redeem(&world, &late), "invalid_grant");
}

#[test]
fn a_code_used_twice_is_refused_and_its_tokens_are_revoked() {
    let mut world = world();
    let code = code(&world);
    let (access, first) = tokens(&redeem(&world, &code));
    let (_, second) = tokens(&refresh(&world, &first));
    world.token = access;
    // Long after the code expired.
    world.clock.advance_ms(HOUR_MS / 2);
    assert_eq!(world.get("/v3/jobs").status, 200);
    assert_refused(&redeem(&world, &code), "invalid_grant");
    assert_eq!(world.get("/v3/jobs").status, 401);
    assert_refused(&refresh(&world, &second), "invalid_grant");
    let states: Vec<_> = world.sandbox.token_pairs().iter().map(|pair| pair.state).collect();
    assert_eq!(states, [PairState::Rotated, PairState::Revoked]);
}

#[test]
fn a_code_is_bound_to_its_client_and_redirect_uri() {
    let world = world();
    world.sandbox.set_partner(PartnerClient::new("other", SECRET, BACK));
    let code = code(&world);
    let body = |uri: &str| {
        form(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", uri)])
    };
    assert_refused(&ask_as(&world, "other", "/token", &body(BACK)), "invalid_grant");
    assert_refused(&ask_as(&world, ID, "/token", &body("https://host.example/")), "invalid_grant");
    assert_refused(&ask_as(&world, ID, "/token", &body("")), "invalid_request");
    assert_eq!(redeem(&world, &code).status, 200);
    // Another client that presents a used code revokes nothing.
    assert_refused(&ask_as(&world, "other", "/token", &body(BACK)), "invalid_grant");
    assert_eq!(world.sandbox.consents()[0].revoked_ms, None);
}

#[test]
fn a_code_with_a_challenge_needs_its_verifier() {
    let world = world();
    let challenged =
        || code_with(&world, &[("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]);
    let with = |code: &str, verifier: &str| {
        let grant = ("grant_type", "authorization_code");
        let verifier = ("code_verifier", verifier);
        ask(&world, &[grant, ("code", code), ("redirect_uri", BACK), verifier])
    };
    assert_refused(&redeem(&world, &challenged()), "invalid_grant");
    assert_refused(&with(&challenged(), &VERIFIER.replace('d', "e")), "invalid_grant");
    assert_refused(&with(&code(&world), VERIFIER), "invalid_grant");
    assert_eq!(with(&challenged(), VERIFIER).status, 200);
    world.sandbox.set_quirks(|quirks| quirks.pkce = Pkce::Ignored);
    assert_eq!(redeem(&world, &challenged()).status, 200);
    assert_eq!(with(&code(&world), VERIFIER).status, 200);
}

#[test]
fn a_refresh_token_is_single_use_and_rotates() {
    let mut world = world();
    let first = connect(&mut world);
    let (access, second) = tokens(&refresh(&world, &first));
    assert_ne!(first, second);
    // The former access token lives on.
    assert_eq!(world.get("/v3/jobs").status, 200);
    world.token = access;
    assert_eq!(world.get("/v3/jobs").status, 200);
    assert_refused(&refresh(&world, &first), "invalid_grant");
    assert_eq!(refresh(&world, &second).status, 200);
    assert_refused(&refresh(&world, "never issued"), "invalid_grant");
}

#[test]
fn a_reused_refresh_token_revokes_the_consent_only_if_the_switch_says_so() {
    let mut world = world();
    world.sandbox.set_quirks(|quirks| quirks.reused_refresh = ReusedRefresh::RevokesConsent);
    let first = connect(&mut world);
    let (_, second) = tokens(&refresh(&world, &first));
    assert_eq!(world.get("/v3/jobs").status, 200);
    assert_refused(&refresh(&world, &first), "invalid_grant");
    assert_refused(&refresh(&world, &second), "invalid_grant");
    assert_eq!(world.get("/v3/jobs").status, 401);
}

#[test]
fn a_refresh_token_lives_a_day_or_a_fortnight_from_its_issue() {
    let mut world = world();
    for (lifetime, ms) in
        [(RefreshLifetime::OneDay, DAY_MS), (RefreshLifetime::FourteenDays, 14 * DAY_MS)]
    {
        world.sandbox.set_quirks(|quirks| quirks.refresh_lifetime = lifetime);
        let first = connect(&mut world);
        world.clock.advance_ms(ms - 1);
        let (_, second) = tokens(&refresh(&world, &first));
        world.clock.advance_ms(ms);
        assert_eq!(world.sandbox.pair_of(&second).expect("one").state, PairState::Expired);
        assert_refused(&refresh(&world, &second), "invalid_grant");
    }
}

#[test]
fn a_refresh_token_is_bound_to_its_client() {
    let mut world = world();
    world.sandbox.set_partner(PartnerClient::new("other", SECRET, BACK));
    let token = connect(&mut world);
    let body = form(&[("grant_type", "refresh_token"), ("refresh_token", &token)]);
    assert_refused(&ask_as(&world, "other", "/token", &body), "invalid_grant");
    assert_eq!(world.sandbox.pair_of(&token).expect("one").refused_uses, 0);
    assert_eq!(refresh(&world, &token).status, 200);
}

#[test]
fn the_log_of_pairs_tells_a_good_refresh_token_from_a_dead_one_without_showing_it() {
    let mut world = world();
    let first = connect(&mut world);
    world.clock.advance_ms(HOUR_MS);
    let (_, second) = tokens(&refresh(&world, &first));
    assert_refused(&refresh(&world, &first), "invalid_grant");
    let pairs = world.sandbox.token_pairs();
    let [old, new] = &pairs[..] else { panic!("two pairs: {pairs:?}") };
    assert_eq!((old.state, old.refused_uses), (PairState::Rotated, 1));
    assert_eq!(old.ended_ms, Some(new.issued_ms));
    assert_eq!((new.state, new.ended_ms, new.replaces), (PairState::Live, None, Some(old.number)));
    assert_eq!(new.refresh_expires_ms, new.issued_ms + DAY_MS);
    assert_eq!(world.sandbox.pair_of(&second).as_ref(), Some(new));
    assert_eq!(world.sandbox.pair_of("never issued"), None);
    let shown = format!("{} {:?}", json!(pairs), world.sandbox.requests());
    for secret in [&first, &second, SECRET] {
        assert!(!shown.contains(secret));
    }
}

#[test]
fn a_rotation_whose_answer_is_lost_leaves_the_client_with_a_dead_refresh_token() {
    let mut world = world();
    let token = connect(&mut world);
    for (kind, state) in
        [(FaultKind::DropBefore, PairState::Live), (FaultKind::DropAfter, PairState::Rotated)]
    {
        world.sandbox.faults().add(Fault::once("POST", "/token", kind));
        let _ = refresh(&world, &token);
        assert_eq!(world.sandbox.pair_of(&token).expect("one").state, state, "{kind:?}");
    }
    assert_refused(&refresh(&world, &token), "invalid_grant");
}

#[test]
fn a_client_may_not_use_the_other_kinds_grants() {
    let world = world();
    let token = world.ask_token("grant_type=authorization_code&code=x&redirect_uri=y");
    assert_refused(&token, "unauthorized_client");
    let token = world.ask_token("grant_type=refresh_token&refresh_token=x");
    assert_refused(&token, "unauthorized_client");
    let partner = [("grant_type", "client_credentials")];
    assert_refused(&ask(&world, &partner), "unauthorized_client");
    assert_refused(&ask(&world, &[("grant_type", "password")]), "unsupported_grant_type");
    assert_refused(&ask(&world, &[]), "invalid_request");
    let twice = [("grant_type", "refresh_token"), ("refresh_token", "a"), ("refresh_token", "b")];
    assert_refused(&ask(&world, &twice), "invalid_request");
    let stranger = ask_as(&world, "stranger", "/token", &form(&partner));
    assert_eq!((stranger.status, stranger.body_json()), (401, json!({"error": "invalid_client"})));
}

#[test]
fn status_and_body_of_a_refusal_follow_the_switches() {
    let world = world();
    world.sandbox.set_quirks(|quirks| quirks.grant_error_status = GrantErrorStatus::Unauthorized);
    assert_eq!(refresh(&world, "x").status, 401);
    assert_eq!(ask(&world, &[("grant_type", "client_credentials")]).status, 401);
    assert_eq!(ask(&world, &[]).status, 400);
    world.sandbox.set_quirks(|quirks| quirks.grant_error_body = GrantErrorBody::Described);
    let body = refresh(&world, "x").body_json();
    assert!(body["error"] == "invalid_grant" && body["error_description"].is_string(), "{body}");
    world.sandbox.set_quirks(|quirks| quirks.grant_error_body = GrantErrorBody::Message);
    let body = refresh(&world, "x").body_json();
    assert!(body["error"].is_null() && body["message"].is_string(), "{body}");
}

#[test]
fn the_token_endpoint_reads_form_or_query_as_the_switch_says() {
    let world = world();
    let path = |code: &str| {
        let grant = ("grant_type", "authorization_code");
        format!("/token?{}", form(&[grant, ("code", code), ("redirect_uri", BACK)]))
    };
    let in_query = || ask_as(&world, ID, &path(&code(&world)), "");
    assert_refused(&in_query(), "invalid_request");
    world.sandbox.set_quirks(|quirks| quirks.grant_parameters = GrantParameters::Either);
    assert_eq!((in_query().status, redeem(&world, &code(&world)).status), (200, 200));
    world.sandbox.set_quirks(|quirks| quirks.grant_parameters = GrantParameters::Query);
    assert_eq!(in_query().status, 200);
    assert_refused(&redeem(&world, &code(&world)), "invalid_request");
    let tokens = world.sandbox.requests();
    assert!(tokens.iter().all(|line| line.path != "/token" || line.query.is_empty()));
}

#[test]
fn a_consent_acts_as_the_service_account_or_as_the_chosen_user() {
    let mut world = world();
    let scopes = ("scope", "harvest:users:list");
    let admin = user(&world, |user| user["site_admin"] == true);
    let chosen: &'static str = admin.to_string().leak();
    let code = code_with(&world, &[scopes, ("user_id", chosen)]);
    assert_eq!(redeem(&world, &code).status, 200);
    let changes = [("decision", "allow"), ("acts_as", "myself"), ("user_id", chosen), scopes];
    let code = returned(&submit(&world, &changes), "code").expect("a code");
    let (access, refresh) = tokens(&redeem(&world, &code));
    let consents = world.sandbox.consents();
    let seen: Vec<_> = consents.iter().map(|held| (held.acts_as, held.user_id, held.sub)).collect();
    let service = world.sandbox.service_user_id();
    assert_eq!(seen, [(ActsAs::ServiceAccount, admin, service), (ActsAs::Myself, admin, admin)]);
    world.token = access;
    assert_eq!(world.get("/v3/users").status, 200);
    assert_eq!(world.sandbox.token_pairs()[1].sub, admin);
    // The admin leaves: every call fails at once, and so does the refresh, which uses nothing up.
    let leave = |gone: bool| {
        let deed = json!({"do": "set", "collection": "users", "id": admin,
            "values": {"deactivated": gone}});
        let answer = world.post("/_sandbox/recruiter", deed);
        assert_eq!(answer.status, 200, "{}", answer.body_json());
    };
    leave(true);
    assert_eq!(world.get("/v3/users").status, 403);
    assert_refused(&self::refresh(&world, &refresh), "invalid_grant");
    leave(false);
    assert_eq!(self::refresh(&world, &refresh).status, 200);
}

#[test]
fn only_a_site_admin_may_choose_the_service_account() {
    let mut world = world();
    let plain: &'static str = user(&world, |user| user["site_admin"] != true).to_string().leak();
    let answer = submit(&world, &[SERVICE[0], SERVICE[1], ("user_id", plain)]);
    assert_eq!((answer.status, answer.header("location")), (400, None));
    let html = text(&answer);
    assert!(html.contains("role=\"alert\"") && html.contains("<form"), "{html}");
    assert!(html.contains(&format!("value=\"{plain}\" selected")), "{html}");
    for changes in [
        &[("decision", "allow")][..],
        &[("acts_as", "myself")],
        &[("decision", "allow"), ("acts_as", "myself"), ("user_id", "12")],
    ] {
        assert_eq!(submit(&world, changes).status, 400, "{changes:?}");
    }
    assert_eq!(world.sandbox.consents(), []);
    // As themselves they may consent, and lists refuse them.
    let changes = [("decision", "allow"), ("acts_as", "myself"), ("user_id", plain)];
    let code = returned(&submit(&world, &changes), "code").expect("a code");
    world.token = tokens(&redeem(&world, &code)).0;
    assert_eq!(world.get("/v3/jobs").status, 403);
}

#[test]
fn a_token_may_do_only_what_its_consent_allows() {
    let mut world = world();
    connect(&mut world);
    assert_eq!(world.get("/v3/jobs").status, 200);
    assert_eq!(world.get("/v3/candidates").status, 403);
    assert_eq!(world.post("/v3/candidates", json!({})).status, 403);
    // The rights of the acting user bound every token.
    world.sandbox.set_access(|access| {
        access.scopes.remove("harvest:notes:list");
    });
    assert_eq!(world.get("/v3/notes").status, 403);
}

#[test]
fn a_removed_scope_acts_at_once_and_comes_back_only_by_a_new_consent() {
    let mut world = world();
    world.sandbox.set_quirks(|quirks| quirks.scopes_in_token = true);
    let token = connect(&mut world);
    assert!(world.sandbox.remove_partner_scope(ID, "harvest:notes:list"));
    assert!(!world.sandbox.remove_partner_scope(ID, "harvest:notes:list"));
    assert_eq!(world.get("/v3/notes").status, 403);
    assert_eq!(world.get("/v3/jobs").status, 200);
    assert_eq!(returned(&page(&world, &[]), "error").as_deref(), Some("invalid_scope"));
    // Greenhouse registers it again.
    world.sandbox.set_partner(PartnerClient::new(ID, SECRET, BACK));
    let (access, _) = tokens(&refresh(&world, &token));
    let payload = access.split('.').nth(1).expect("a payload");
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).expect("bytes");
    let payload: Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(payload["scope"], "harvest:jobs:list");
    world.token = access;
    assert_eq!(world.get("/v3/notes").status, 403);
    connect(&mut world);
    assert_eq!(world.get("/v3/notes").status, 200);
}

#[test]
fn a_revoked_consent_ends_its_tokens_and_no_others() {
    let mut world = world();
    let unused = code(&world);
    let first = connect(&mut world);
    let dead = world.token.clone();
    let second = connect(&mut world);
    let consents = world.sandbox.consents();
    for consent in &consents[..2] {
        assert!(world.sandbox.revoke_consent(consent.id));
        assert!(!world.sandbox.revoke_consent(consent.id));
    }
    assert!(!world.sandbox.revoke_consent(0));
    assert_refused(&redeem(&world, &unused), "invalid_grant");
    assert_refused(&refresh(&world, &first), "invalid_grant");
    assert_eq!(world.get("/v3/jobs").status, 200);
    assert_eq!(refresh(&world, &second).status, 200);
    world.token = dead;
    assert_eq!(world.get("/v3/jobs").status, 401);
}

#[test]
fn one_companys_tokens_are_not_anothers() {
    let mut here = world();
    let mut there = World::with(|options| {
        options.company.seed = 8;
        options.partners = vec![PartnerClient::new(ID, SECRET, BACK)];
    });
    let (ours, theirs) = (connect(&mut here), connect(&mut there));
    assert_ne!(ours, theirs);
    assert_refused(&refresh(&here, &theirs), "invalid_grant");
}

#[test]
fn consent_costs_no_budget_and_its_form_is_not_logged() {
    let world = World::with(|options| {
        options.rate_limit = 1;
        options.partners = vec![PartnerClient::new(ID, SECRET, BACK)];
    });
    for _ in 0..5 {
        assert_eq!(page(&world, &[]).header("x-ratelimit-limit"), None);
    }
    let _ = code(&world);
    assert_eq!(world.get("/v3/jobs").status, 200);
    let log = world.sandbox.requests();
    let form = log.iter().find(|line| line.path == "/authorize" && line.method == "POST");
    assert_eq!(form.map(|line| (line.status, line.body.as_str())), Some((302, "")));
    assert_eq!(exchange(&world, "DELETE", "/authorize", "").status, 405);
}

#[test]
fn control_calls_register_inspect_and_revoke() {
    let mut world = World::new();
    let partner = json!({"id": ID, "secret": SECRET, "redirect_uris": [BACK]});
    let partners = world.post("/_sandbox/partners", partner).body_json();
    assert_eq!((&partners[0]["id"], &partners[0]["secret"]), (&json!(ID), &Value::Null));
    assert_eq!(world.get("/_sandbox/partners").body_json(), partners);
    let token = connect(&mut world);
    let pairs = world.get("/_sandbox/token_pairs").body_json();
    assert_eq!((&pairs[0]["state"], &pairs[0]["replaces"]), (&json!("live"), &Value::Null));
    let consents = world.get("/_sandbox/consents").body_json();
    assert_eq!(consents[0]["acts_as"], "service_account");
    assert_eq!(consents[0]["scopes"], json!(SCOPES.split(' ').collect::<Vec<_>>()));
    let removal = json!({"client_id": ID, "scope": "harvest:notes:list"});
    let removed = world.post("/_sandbox/remove_scope", removal).body_json();
    assert_eq!(removed, json!({"removed": true}));
    assert_eq!(world.get("/v3/notes").status, 403);
    let revocation = json!({"consent": consents[0]["id"]});
    let revoked = world.post("/_sandbox/revoke_consent", revocation).body_json();
    assert_eq!(revoked, json!({"revoked": true}));
    assert_eq!(world.get("/v3/jobs").status, 401);
    assert_refused(&refresh(&world, &token), "invalid_grant");
    assert_eq!(world.post("/_sandbox/consents", json!({})).status, 404);
    assert_eq!(world.post("/_sandbox/revoke_consent", json!({})).status, 400);
}
