//! Converts between wit-bindgen's types and the contract's.
//!
//! Both describe the same items, field by field, so the conversions are tables. Vectors are
//! converted in place: a page of items costs moves, no copies of text.

use crate::bindings::exports::ats::adapter::adapter as wit;
use crate::{PureAdapter, contract as plain, notice};
use std::marker::PhantomData;

/// The component export of a [`PureAdapter`].
#[derive(Debug)]
pub struct Component<A>(PhantomData<A>);

impl<A: PureAdapter + 'static> wit::Guest for Component<A> {
    fn describe() -> String {
        notice::report_panics();
        // A manifest consists of text, numbers and lists, so it always serialises. The engine would
        // refuse an empty text at load.
        crate::json::write(&A::describe(), 16 * 1024).unwrap_or_default()
    }

    fn start(task: wit::Task, given: wit::Given) -> Result<wit::Step, wit::Failure> {
        notice::report_panics();
        let given: plain::Given = given.convert();
        A::start(task.convert(), &given).map(Convert::convert).map_err(Convert::convert)
    }

    fn resume(
        state: Vec<u8>,
        given: wit::Given,
        reply: wit::Reply,
    ) -> Result<wit::Step, wit::Failure> {
        notice::report_panics();
        let given: plain::Given = given.convert();
        A::resume(state, &given, reply.convert()).map(Convert::convert).map_err(Convert::convert)
    }
}

/// Conversion into the other set of types.
trait Convert<T> {
    fn convert(self) -> T;
}

macro_rules! same {
    ($($kind:ty),*) => { $(impl Convert<$kind> for $kind { fn convert(self) -> $kind { self } })* };
}
same!(String, bool, u8, u16, u32, u64);

impl<A: Convert<B>, B> Convert<Vec<B>> for Vec<A> {
    fn convert(self) -> Vec<B> {
        self.into_iter().map(Convert::convert).collect()
    }
}

impl<A: Convert<B>, B> Convert<Option<B>> for Option<A> {
    fn convert(self) -> Option<B> {
        self.map(Convert::convert)
    }
}

impl<A: Convert<B>, B, C: Convert<D>, D> Convert<(B, D)> for (A, C) {
    fn convert(self) -> (B, D) {
        (self.0.convert(), self.1.convert())
    }
}

macro_rules! records {
    ($($name:ident { $($field:ident),* })*) => { $(
        impl Convert<plain::$name> for wit::$name {
            fn convert(self) -> plain::$name { plain::$name { $($field: self.$field.convert()),* } }
        }
        impl Convert<wit::$name> for plain::$name {
            fn convert(self) -> wit::$name { wit::$name { $($field: self.$field.convert()),* } }
        }
    )* };
}

macro_rules! variants {
    ($($name:ident { $($case:ident $(($value:ident))?),* })*) => { $(
        impl Convert<plain::$name> for wit::$name {
            fn convert(self) -> plain::$name {
                match self { $(wit::$name::$case $(($value))? => plain::$name::$case $(($value.convert()))?),* }
            }
        }
        impl Convert<wit::$name> for plain::$name {
            fn convert(self) -> wit::$name {
                match self { $(plain::$name::$case $(($value))? => wit::$name::$case $(($value.convert()))?),* }
            }
        }
    )* };
}

records! {
    RemoteRef { kind, id }
    Mark { text, time_ms }
    Grant { scopes, actor }
    Given { now_ms, settings, tenant, mark, grant }
    Window { from, to }
    Scan { kind, parent, since, cursor, page_size }
    Fetch { kind, ids }
    Operation { name, target, input }
    Probe { operation, first_sent_ms }
    Write { operation, observed }
    Field { name, value }
    Hook { headers, body }
    Webhook { event, url }
    Registered { id, event, url, active }
    WebhookChange { id, webhook }
    Path { path, query }
    Part { name, file_name, content_type, blob, bytes }
    Request { origin, method, target, headers, body }
    ReplySecret { pointer, secret_name }
    Send { request, state, effect, secrets }
    Verify { secret_name, algorithm, message, candidates, encoding, state }
    Transfer { url_pointer, blob, direction, state }
    Response { status, headers, body }
    Span { offset, length }
    Item { kind, id, version, mask, body, raw }
    Page { items, masks, next, checkpoint, complete }
    Fetched { items, masks, missing }
    Problem { kind, id, field, message }
    Link { role, kind, id }
    Applied { links, deduplicated, warnings }
    Found { links, certainty }
    Checked { verdict, detail }
    Hooked { answer, hints, signed_at_ms }
    Tenant { fingerprint, catalogue }
    FieldError { field, message }
    Denied { permission, message }
    Misread { message, reading }
}

variants! {
    Since { Everything, Window(value), Token(value) }
    Task { Scan(value), Fetch(value), Probe(value), Write(value), Check(value), Hook(value),
        DescribeTenant, Register(value) }
    Registering { List, Create(value), Change(value), Remove(value) }
    Registration { Listed(value), Unlisted, Kept(value), Removed, Refused(value), Unclear(value) }
    Effect { Safe, Scratch, Unsafe, Consuming }
    Target { Path(value), Link(value) }
    Body { None, Json(value), Form(value), Bytes(value), Multipart(value) }
    Algorithm { HmacSha256, HmacSha1, HmacSha512, Plain }
    Encoding { Hex, Base64 }
    Direction { Download, Upload }
    Step { Send(value), Verify(value), Transfer(value), Done(value) }
    Reply { Response(value), Verified(value), Transferred(value) }
    Written { Applied(value), Refused(value), Pending(value), Unclear(value), Unneeded(value) }
    Certainty { Marked, Matched }
    Probed { Found(value), Absent(value), Ambiguous(value), Blind(value) }
    Verdict { Granted, Missing, Actor, Refused, Unknown }
    Hint { Changed(value), Deleted(value), Merged(value), Erased(value) }
    Outcome {
        Page(value), Fetched(value), Probed(value), Written(value), Checked(value), Hooked(value),
            Tenant(value), FlawedPage(value),
        FlawedFetched(value), Registration(value)
    }
    Restart { Pass, Everything }
    Failure {
        Auth(value), Denied(value), NotFound(value), Gone(value), Moved(value), Conflict(value),
            Misread(value), Invalid(value), Misconfigured(value),
        Restart(value), Throttled(value), Quota(value), Unavailable(value), Protocol(value),
            Bug(value)
    }
}
