//! Randomness, as a trait: marks and jitter come from here, and a simulation seeds it.

use std::fmt::Debug;

/// The source of the engine's randomness.
pub trait Entropy: Debug + Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);

    /// A number below `bound`; 0 when `bound` is 0. Slightly biased for large bounds, which is good
    /// enough for jitter.
    fn below(&self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes).checked_rem(bound).unwrap_or(0)
    }

    /// Sixteen random bytes in hexadecimal.
    fn id(&self) -> String {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where the engine asks the system for randomness"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        // The system has no randomness. Marks also have a unique millisecond, so a failure here
        // weakens only the spread of jitter, and a reader need not stop.
        if getrandom::fill(buffer).is_err() {
            tracing::error!("the system gives no randomness");
        }
    }
}
