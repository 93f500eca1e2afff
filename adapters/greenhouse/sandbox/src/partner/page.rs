//! The pages of `/authorize`: plain HTML without scripts, which a test can read and a person can
//! use with keyboard and screen reader.
//!
//! Every text from outside (client name, scopes, state, users' names) is escaped. Bound:
//! [`PEOPLE_SHOWN_MAX`] users to choose from; the form accepts every active one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use atsync_sandbox::Answer;

use super::authorize::Person;

/// The most users in the list; Site Admins come first.
const PEOPLE_SHOWN_MAX: usize = 500;
const STYLE: &str = ":root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}\
    body{max-width:40rem;margin:2rem auto;padding:0 1rem}fieldset{margin:1rem 0}\
    button,select{font:inherit;min-height:2.75rem;padding:0 1rem;max-width:100%}\
    li{overflow-wrap:anywhere}";
/// No script, no frame around the page, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
    frame-ancestors 'none'";

/// What the consent page shows.
pub(super) struct ConsentPage<'a> {
    pub(super) client_name: &'a str,
    pub(super) scopes: &'a BTreeSet<String>,
    /// The request's parameters, which the form sends again.
    pub(super) hidden: &'a [(&'static str, &'a str)],
    pub(super) people: &'a [Person],
    /// The chosen user, as sent.
    pub(super) user_id: Option<&'a str>,
    pub(super) acts_as_user: bool,
    /// What was wrong with the form.
    pub(super) problem: Option<&'a str>,
}

/// Builds the consent page: 200, or 400 after a form with a problem.
pub(super) fn consent(page: &ConsentPage<'_>) -> Answer {
    let name = escape(page.client_name);
    let mut body = format!("<h1>Connect {name} to Greenhouse</h1>");
    if let Some(problem) = page.problem {
        push(&mut body, format_args!("<p role=\"alert\"><strong>{}</strong></p>", escape(problem)));
    }
    push(
        &mut body,
        format_args!("<p>{name} asks for these scopes of the Harvest API:</p><ul id=\"scopes\">"),
    );
    for scope in page.scopes {
        push(&mut body, format_args!("<li><code>{}</code></li>", escape(scope)));
    }
    body.push_str("</ul><form method=\"post\" action=\"/authorize\">");
    for (name, value) in page.hidden {
        let value = escape(value);
        push(&mut body, format_args!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"));
    }
    body.push_str(
        "<p><label for=\"user_id\">Signed in as</label> <select id=\"user_id\" name=\"user_id\">",
    );
    for person in page.people.iter().take(PEOPLE_SHOWN_MAX) {
        let chosen = page.user_id.is_some_and(|id| id == person.id.to_string());
        push(
            &mut body,
            format_args!(
                "<option value=\"{}\"{}>{}{}</option>",
                person.id,
                if chosen { " selected" } else { "" },
                escape(&person.name),
                if person.site_admin { " (Site Admin)" } else { "" },
            ),
        );
    }
    let (service, user) = if page.acts_as_user { ("", " checked") } else { (" checked", "") };
    push(
        &mut body,
        format_args!(
            "</select></p><fieldset><legend>The integration acts</legend><p><input type=\"radio\" \
             id=\"as_service\" name=\"acts_as\" value=\"service_account\"{service}> <label \
             for=\"as_service\">as a service account (Site Admins only)</label></p><p><input \
             type=\"radio\" id=\"as_myself\" name=\"acts_as\" value=\"myself\"{user}> <label \
             for=\"as_myself\">as myself</label></p></fieldset><p><button name=\"decision\" \
             value=\"allow\">Allow</button> <button name=\"decision\" value=\"deny\" \
             formnovalidate>Deny</button></p></form>"
        ),
    );
    let status = if page.problem.is_some() { 400 } else { 200 };
    html(status, "Connect an integration", &body)
}

/// Builds a page that says why there is no consent page.
pub(super) fn refusal(status: u16, text: &str) -> Answer {
    let text = escape(text);
    html(
        status,
        "Request refused",
        &format!("<h1>Request refused</h1><p role=\"alert\">{text}</p>"),
    )
}

/// Builds a redirect.
pub(super) fn redirect(location: &str) -> Answer {
    let mut answer = Answer::no_content();
    answer.status = 302;
    answer.set_header("location", location);
    guard(answer)
}

fn html(status: u16, title: &str, body: &str) -> Answer {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{title} · Greenhouse sandbox\
         </title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    );
    let mut answer = Answer::json(status, page.into_bytes());
    answer.set_header("content-type", "text/html; charset=utf-8");
    answer.set_header("content-security-policy", POLICY);
    guard(answer)
}

/// Keeps codes and states out of caches and `Referer` headers.
fn guard(mut answer: Answer) -> Answer {
    answer.set_header("cache-control", "no-store");
    answer.set_header("referrer-policy", "no-referrer");
    answer
}

fn push(body: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = body.write_fmt(text);
}

/// Escapes a text for HTML, in elements and in quoted attributes.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
