//! What the pages of this server share: document, style, script, sessions, forms.
//!
//! Every page is rendered on the server and works without its script. [`document`] makes a page
//! from markup and sends it with the headers that confine it, [`assets`] has the files that a page
//! loads, [`session`] knows a browser again by its cookie, and [`form`] reads what it sends.
//!
//! Markup is made by `maud`, which escapes every value: no text from outside becomes markup. Maud
//! is a macro over Rust code, small enough to be maintained here if its author ended it. Left out:
//! what the pages show; `console` and `connect` have that.

pub(super) mod assets;
pub(super) mod document;
pub(super) mod form;
pub(super) mod session;
