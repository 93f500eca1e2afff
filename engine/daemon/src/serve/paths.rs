//! Paths of the console that others than its pages know.

/// Where a user signs in.
pub(super) const SIGN_IN: &str = "/console/sign-in";
/// Where a user signs out.
pub(super) const SIGN_OUT: &str = "/console/sign-out";
