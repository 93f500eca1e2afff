//! What the author of an adapter in Rust uses.
//!
//! There are two layers. In the upper one, [`kit`], an adapter is constant data and a few
//! functions: begin there. The base is [`PureAdapter`]: three functions of plain data, no state, no
//! input or output. Compiled natively an adapter is called directly, which is how it is tested;
//! compiled for `wasm32-unknown-unknown` and wrapped as a component, it is what the engine loads.
//! [`adapter!`] does both for the upper layer, [`export_adapter!`] the second for the base. The
//! contract's types are those of [`atsync_model::contract`], documented in `wit/adapter.wit`.
//!
//! # Example of the upper layer
//! An imaginary ATS answers `GET /jobs` with `[{"id": 7, "title": "Baker"}]`:
//!
//! ```
//! use atsync_adapter::kit::*;
//!
//! struct Plainlist;
//! atsync_adapter::adapter!(Plainlist);
//!
//! impl Adapter for Plainlist {
//!     const ABOUT: About = About::new("plainlist", "0.1.0")
//!         .origins(&[Origin::fixed("api", "https://plainlist.example")])
//!         .auth(&[Auth::Bearer])
//!         .kinds(&[JOBS]);
//! }
//!
//! const JOBS: Kind = Kind::of::<Job>("jobs").fields(&["title"]).list(List::get("/jobs"));
//!
//! #[derive(serde::Deserialize)]
//! struct Job { id: Id, title: Got<String> }
//!
//! impl Row for Job {
//!     fn record(self, _: &Source<'_>) -> Record {
//!         Record::new(self.id).field("title", self.title)
//!     }
//! }
//! ```
//!
//! A mistake in the data does not compile:
//!
//! ```compile_fail
//! # use atsync_adapter::kit::*;
//! # #[derive(serde::Deserialize)]
//! # struct Job { id: Id }
//! # impl Row for Job { fn record(self, _: &Source<'_>) -> Record { Record::new(self.id) } }
//! // kinds[jobs].fields: `titel` is no field of jobs in the unified model. […]
//! const JOBS: Kind = Kind::of::<Job>("jobs").fields(&["titel"]);
//! ```
//!
//! # Example of the base
//! The same adapter without the upper layer:
//!
//! ```
//! use atsync_adapter::contract::*;
//! use atsync_adapter::{Manifest, PureAdapter, rows};
//!
//! struct Plainlist;
//!
//! impl PureAdapter for Plainlist {
//!     fn describe() -> Manifest {
//!         serde_json::from_str(
//!             r#"{
//!                 "name": "plainlist", "version": "0.1.0", "title": "Plainlist",
//!                 "contract": "ats:adapter@0.1.0", "auth": [{"scheme": "bearer"}],
//!                 "origins": [
//!                     {"name": "api", "base": {"how": "fixed", "url": "https://plainlist.example"}}
//!                 ],
//!                 "kinds": [
//!                     {"name": "jobs", "scan": {"how": "list"}, "page_max": 100, "fields": ["title"]}
//!                 ]
//!             }"#,
//!         )
//!         .expect("the manifest above is valid")
//!     }
//!
//!     // A task goes in; a request to send, or an outcome, comes out.
//!     fn start(task: Task, _: &Given) -> Result<Step, Failure> {
//!         let Task::Scan(_) = task else { return Err(Failure::Bug("only scans".into())) };
//!         let request = Request {
//!             origin: "api".into(),
//!             method: "GET".into(),
//!             target: Target::Path(Path { path: "/jobs".into(), query: Vec::new() }),
//!             headers: Vec::new(),
//!             body: Body::None,
//!         };
//!         let secrets = Vec::new();
//!         Ok(Step::Send(Send { request, state: Vec::new(), effect: Effect::Safe, secrets }))
//!     }
//!
//!     // The engine sent it, and hands in the reply.
//!     fn resume(_: Continuation, _: &Given, reply: Reply) -> Result<Step, Failure> {
//!         let Reply::Response(reply) = reply else { return Err(Failure::Bug("no reply".into())) };
//!         let unreadable = |error: serde_json::Error| Failure::Protocol(error.to_string());
//!         let mut items = Vec::new();
//!         for row in rows::split(&reply.body).map_err(unreadable)? {
//!             let job: serde_json::Value = serde_json::from_str(row.text).map_err(unreadable)?;
//!             items.push(Item {
//!                 kind: "jobs".into(),
//!                 id: job["id"].to_string(),
//!                 version: None,
//!                 mask: 0,
//!                 body: serde_json::json!({"title": job["title"]}).to_string(),
//!                 raw: Some(row.span),
//!             });
//!         }
//!         Ok(Step::Done(Outcome::Page(Page {
//!             items,
//!             masks: vec![vec!["title".into()]],
//!             next: None,
//!             checkpoint: None,
//!             complete: true,
//!         })))
//!     }
//! }
//!
//! // Makes the crate's `cdylib` an adapter component.
//! atsync_adapter::export_adapter!(Plainlist);
//!
//! # let given = Given { now_ms: 0, settings: "{}".into(), tenant: None, mark: None, grant: None };
//! let body = br#"[{"id": 7, "title": "Baker"}]"#.to_vec();
//! let reply = Reply::Response(Response { status: 200, headers: Vec::new(), body });
//! let Ok(Step::Done(Outcome::Page(page))) = Plainlist::resume(Vec::new(), &given, reply) else {
//!     panic!("it is a page");
//! };
//! assert_eq!((page.items[0].id.as_str(), page.items[0].body.as_str()), ("7",
//! r#"{"title":"Baker"}"#));
//! # assert_eq!(Plainlist::describe().name, "plainlist");
//! ```
//!
//! `atsync-componentize` makes the component file that the engine loads.
//!
//! [`state`] turns an adapter's own continuation type into bytes and back, [`rows`] reads a JSON
//! array while remembering where each element lies, and reads a bad row without its bad members,
//! [`json`] writes records, [`path`] builds request paths that the engine will accept, [`link`] finds
//! the next page in a `Link` header, [`log`]
//! writes to the engine's log. A panic reaches the engine's error with its place; its message,
//! which may quote a candidate's data, is in the log at level debug and in what `atsync check`
//! says.
//!
//! In a component this crate is the global allocator, made for a guest that lives for one call: an
//! adapter can install no other.
//!
//! Left out: anything that reads a clock, draws randomness, sends or stores. There is nothing of
//! the kind to be had.

#[cfg(any(target_arch = "wasm32", test))]
mod allocator;
pub mod bindings;
mod glue;
pub mod json;
pub mod kit;
pub mod link;
mod members;
mod notice;
#[cfg(test)]
mod package_tests;
pub mod path;
pub mod rows;
pub mod state;

pub use atsync_model as model;
pub use atsync_model::PureAdapter;
pub use atsync_model::contract;
pub use atsync_model::manifest::{self, Manifest};
pub use glue::Component;
pub use notice::log;

#[doc(hidden)]
pub use serde;

/// The version of the contract that this SDK speaks, as a manifest states it.
pub use atsync_model::manifest::CONTRACT;

/// Makes the crate's `cdylib` an adapter component. Does nothing on other targets.
///
/// ```
/// use atsync_adapter::contract::{Continuation, Failure, Given, Reply, Step, Task};
/// use atsync_adapter::{Manifest, PureAdapter};
///
/// struct Mine;
///
/// const MANIFEST: &str = r#"{
///     "name": "mine", "version": "0.1.0", "title": "Mine", "contract": "ats:adapter@0.1.0",
///     "origins": [{"name": "api", "base": {"how": "fixed", "url": "https://api.example.com"}}],
///     "auth": [{"scheme": "bearer"}],
///     "kinds": []
/// }"#;
///
/// impl PureAdapter for Mine {
///     fn describe() -> Manifest {
///         serde_json::from_str(MANIFEST).expect("the manifest below has every member")
///     }
///     fn start(_: Task, _: &Given) -> Result<Step, Failure> {
///         Err(Failure::Bug("nothing here yet".into()))
///     }
///     fn resume(_: Continuation, _: &Given, _: Reply) -> Result<Step, Failure> {
///         Err(Failure::Bug("nothing here yet".into()))
///     }
/// }
///
/// atsync_adapter::export_adapter!(Mine);
/// # assert_eq!(Mine::describe().name, "mine");
/// ```
#[macro_export]
macro_rules! export_adapter {
    ($adapter:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, missing_docs, reason = "generated by wit-bindgen")]
        mod atsync_exported_component {
            use super::*;
            type Exported = $crate::Component<$adapter>;
            $crate::bindings::export!(Exported with_types_in $crate::bindings);
        }
    };
}

/// Makes a type that implements [`kit::Adapter`] an adapter: a [`PureAdapter`], and on `wasm32` the
/// crate's component.
///
/// Its data are checked here, while the adapter is compiled.
#[macro_export]
macro_rules! adapter {
    ($adapter:ty) => {
        const _: () = <$adapter as $crate::kit::Adapter>::ABOUT.check();

        impl $crate::PureAdapter for $adapter {
            fn describe() -> $crate::Manifest {
                $crate::kit::describe::<Self>()
            }
            fn start(
                task: $crate::contract::Task,
                given: &$crate::contract::Given,
            ) -> ::core::result::Result<$crate::contract::Step, $crate::contract::Failure> {
                $crate::kit::start::<Self>(task, given)
            }
            fn resume(
                state: $crate::contract::Continuation,
                given: &$crate::contract::Given,
                reply: $crate::contract::Reply,
            ) -> ::core::result::Result<$crate::contract::Step, $crate::contract::Failure> {
                $crate::kit::resume::<Self>(state, given, reply)
            }
        }

        $crate::export_adapter!($adapter);
    };
}
