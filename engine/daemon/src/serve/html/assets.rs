//! The files that pages load: one stylesheet, one script, one icon, embedded in the program.
//!
//! They have no secrets, so everyone who reaches the server may read them.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};

/// Where the stylesheet is.
pub(in crate::serve) const STYLE: &str = "/assets/style.css";
/// Where the script is.
pub(in crate::serve) const SCRIPT: &str = "/assets/script.js";
/// Where the icon is.
pub(in crate::serve) const ICON: &str = "/assets/icon.svg";

/// The files, and how each is served.
pub(in crate::serve) fn routes<S: Clone + Send + Sync + 'static>()
-> [(&'static str, MethodRouter<S>); 3] {
    [
        (STYLE, get(async || file("text/css; charset=utf-8", include_str!("style.css")))),
        (SCRIPT, get(async || file("text/javascript; charset=utf-8", include_str!("script.js")))),
        (ICON, get(async || file("image/svg+xml", include_str!("icon.svg")))),
    ]
}

fn file(media: &'static str, text: &'static str) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    drop(headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media)));
    // Short, so that a new version of the program is seen at once.
    let kept = HeaderValue::from_static("private, max-age=60");
    drop(headers.insert(header::CACHE_CONTROL, kept));
    response
}
