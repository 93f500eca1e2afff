//! The limit on a component's code, by where it is compiled.

use crate::adapter::host::compiler::Compiler;

/// How much code there may be: more where a compiler that takes too long is ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Room {
    #[default]
    Narrow,
    Wide,
}

impl Room {
    /// An interpreter of JavaScript has five times what the largest adapter in Rust has, and one
    /// function of 1 MiB.
    const WIDER: u64 = 16;

    pub(in super::super) fn of(compiler: &Compiler) -> Self {
        match compiler {
            Compiler::Here => Self::Narrow,
            Compiler::Apart(_) => Self::Wide,
        }
    }

    pub(super) fn of_code(self, narrow: u64) -> u64 {
        match self {
            Self::Narrow => narrow,
            Self::Wide => narrow.saturating_mul(Self::WIDER),
        }
    }
}
