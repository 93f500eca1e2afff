//! The sender of a request: its name, scope and connections.

use crate::config::serve::Scope;

/// The sender of a request, as far as it counts here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// The token's name, or `local` for the unix socket and for a loopback address without tokens.
    pub(super) name: String,
    scope: Scope,
    connections: Option<Vec<String>>,
    has_token: bool,
}

impl Caller {
    /// A caller of this machine without a token.
    pub(super) fn local() -> Self {
        Self { name: "local".to_owned(), scope: Scope::Admin, connections: None, has_token: false }
    }

    /// The sender with a token of this name.
    pub(super) fn new(name: &str, scope: Scope, connections: Option<Vec<String>>) -> Self {
        Self { name: name.to_owned(), scope, connections, has_token: true }
    }

    /// Whether the caller's token has this scope.
    pub(super) fn has(&self, scope: Scope) -> bool {
        self.scope >= scope
    }

    /// The name of its token; none where it has none.
    pub(super) fn token(&self) -> Option<&str> {
        self.has_token.then_some(self.name.as_str())
    }

    /// What it may do.
    pub(super) fn scope(&self) -> Scope {
        self.scope
    }

    /// Whether it may use some connections alone.
    pub(super) fn is_limited(&self) -> bool {
        self.connections.is_some()
    }

    /// The sender of a webhook.
    pub(super) fn stranger() -> Self {
        Self {
            name: "webhook".to_owned(),
            scope: Scope::Read,
            connections: Some(Vec::new()),
            has_token: false,
        }
    }

    /// Whether the caller may use a connection.
    pub(super) fn may_use(&self, connection: &str) -> bool {
        self.connections.as_ref().is_none_or(|names| names.iter().any(|name| name == connection))
    }
}
