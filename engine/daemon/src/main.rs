//! The `atsync` binary; everything is in the library beside it, where it can be tested.

fn main() -> std::process::ExitCode {
    atsync_daemon::main()
}
