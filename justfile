# The one entry point: `just` lists the recipes; `.ci/run` calls the same recipes.
# `cargo install just --locked`, or read the commands here and type them.

export CARGO_INCREMENTAL := "0"

# Lists the recipes.
default:
    @just --list --unsorted

# Checks what a change needs before it is committed: format, lints, tests.
check: format-check lint test

# Formats the code.
format:
    cargo fmt --all

# Refuses code that is not formatted.
format-check:
    cargo fmt --all --check

# Runs every test, or some: `just test --test keys`, `just test --lib journal`.
test *ARGS:
    cargo test --locked --workspace {{ARGS}}

# Runs clippy over everything, warnings fatal.
lint:
    cargo clippy --locked --workspace --all-targets -- -D warnings

# Runs clippy over the library as a host with linked adapters builds it. 70 seconds of CPU.
lint-without-components:
    cargo clippy --locked -p atsync --no-default-features -- -D warnings

# Builds the documentation, warnings fatal.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

# Builds the embedded component twice, with different homes, and compares the bytes.
same-bytes:
    .ci/same-bytes

# Freezes the version of the contract that wit/adapter.wit names: at a release (wit/README.md).
freeze-contract:
    .ci/freeze-contract

# Verifies that each published package compiles from its own contents. 2 minutes.
packages:
    .ci/packages

# Runs every fuzz target under libFuzzer, SECONDS each. 10 minutes of CPU to build.
fuzz SECONDS="5":
    .ci/fuzz {{SECONDS}}

# Unpacks the archived inputs of the fuzz targets into fuzz/unpacked/.
corpus-unpack:
    cargo run --locked --quiet --package atsync-fuzz-corpus -- unpack

# Packs fuzz/unpacked/ into the archives of fuzz/corpus/ again.
corpus-pack:
    cargo run --locked --quiet --package atsync-fuzz-corpus -- pack

# Runs the demo with the features of `just test`, so that no dependency is compiled a second time.
demo:
    cargo build --locked --quiet --workspace --bin atsync
    "${CARGO_TARGET_DIR:-target}/debug/atsync" demo

# Tests the HTTP API with schemathesis, promtool and a generated client. Three minutes.
api:
    .ci/api

# Kills `atsync serve` KILLS times while everything happens. About two seconds a kill.
soak KILLS="200":
    ATSYNC_KILLS={{KILLS}} cargo test --locked --workspace --test killed_serving -- --nocapture

# Tests the console and the connect page in Chromium, with axe-core; screenshots in target/screenshots. A minute.
browser:
    .ci/browser

# Builds the adapter in TypeScript with npm and runs it in the engine, then a fresh one. Four minutes.
adapter-js:
    .ci/adapter-js

# Checks the unit of systemd, its exposure, and the package for Debian. Installs what it needs.
packaging:
    .ci/packaging

# Checks licences, bans and sources of the dependencies, and advisories where a copy lies here.
licences:
    .ci/licences

# Runs the simulation over SEEDS seeds. About a second each.
simulate SEEDS="300":
    ATSYNC_SIM_SEEDS={{SEEDS}} cargo test --locked --workspace --test simulation \
        whatever_befalls -- --nocapture

# Plants faults with cargo-mutants in FILES. Minutes to days.
mutants FILES="engine/src/journal/**":
    .ci/mutants '{{FILES}}'

# Runs every benchmark and prints one table of figures and goals. 20 to 30 minutes and 3 GB below
# target/; `just costs small` some minutes; `just costs full pull page` these two alone.
costs SIZE="full" *BENCHES:
    cargo bench --locked --workspace --bench costs -- {{SIZE}} {{BENCHES}}

# Runs the benchmarks.
bench:
    cargo bench -p atsync-tests
    cargo bench -p atsync

# Runs what a clean clone must pass. 40 to 60 minutes on two cores.
ci:
    .ci/run
