# What contributors run, and what `.ci/run` runs. Before a pull request: `just check test`.
# A recipe installs what it needs; those below "whole gate" take minutes each.

set shell := ["bash", "-euo", "pipefail", "-c"]

export RUST_BACKTRACE := env("RUST_BACKTRACE", "0")

_list:
    @just --list --unsorted

# Format and clippy, with the default features and with all; and with optimizations: the compiler evaluates
# constants in another order then, and may find a cycle
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    cargo check --release --package tower-warder-server

# Tests that need no set-up; arguments go to `cargo test`: `just test -p tower-warder-accounts`
test *ARGS:
    cargo test {{ ARGS }}

# All tests, with PostgreSQL, Redis and Python, in each database, and the compiler's messages
test-services:
    .ci/with-services just _test-services

_test-services:
    UI_TESTS=1 cargo test
    cargo test --package tower-warder-fuzz
    cargo test --package tower-warder-example-own-store
    ACCOUNTS_STORE=sqlite cargo test --package tower-warder-accounts --test it
    ACCOUNTS_STORE=sqlite cargo test --package tower-warder-server --test it -- app::streams
    env -u SERVICES ACCOUNTS_STORE=postgres cargo test --package tower-warder-accounts --package tower-warder-server --test it

# Instructions of each benchmark against `benches/counts.txt`; Linux only
bench:
    cargo fmt --check --manifest-path benches/peers/Cargo.toml
    cargo clippy --manifest-path benches/peers/Cargo.toml --target-dir target/peers -- -D warnings
    .ci/figures

# Random input for all targets of `fuzz/`, or those named: `FUZZ_SECONDS=3600 just fuzz token`; Linux only
fuzz *TARGETS:
    .ci/fuzz {{ TARGETS }}

# The documentation; a warning is an error
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --all-features

# ---- whole gate

# Each feature alone, and none
features: (_tool "cargo-hack")
    RUSTFLAGS="-D warnings" CARGO_TARGET_DIR=target/each-feature cargo hack check --workspace --ignore-private --each-feature --no-dev-deps --exclude-features testing
    cargo test --package tower-warder --no-default-features --lib

# The signature backends: each alone, both, and beside the backends of `jsonwebtoken`: each, both, none
backends:
    cargo test --package tower-warder --package tower-warder-server --features aws-lc-rs --lib --test it token
    cargo test --package tower-warder --package tower-warder-server --features rust-crypto --lib --test it token
    .ci/with-services env -u SERVICES cargo test --all-features
    for backends in rust_crypto aws_lc_rs rust_crypto,aws_lc_rs ""; do CARGO_TARGET_DIR=target/neighbours cargo test --manifest-path tests/neighbours/Cargo.toml --no-default-features --features "$backends"; done

# Each published crate builds from its package; removes what an earlier run unpacked, which cargo would reuse
package:
    rm -rf "${CARGO_HOME:-$HOME/.cargo}"/registry/src/-*/tower-warder*
    cargo package --allow-dirty --package tower-warder --package tower-warder-accounts --package tower-warder-sqlx --package tower-warder-redis --package tower-warder-server

# The server from outside: its API description, its pages in a browser, how it is deployed
server:
    .ci/openapi
    .ci/deploy
    .ci/browser

# Licences, sources, advisories, and the dependencies of the default build
dependencies: (_tool "cargo-deny")
    cargo deny check --hide-inclusion-graph bans licenses sources
    .ci/default-tree
    if timeout 60 cargo deny fetch db >/dev/null 2>&1; then cargo deny check --hide-inclusion-graph advisories; else echo "the advisory database cannot be reached: not checked"; fi

# Changes the code that admits or rejects, in one place at a time: a test has to fail. A build for each
mutants *FILES="src/identity/** src/policy.rs src/credentials/** crates/accounts/src/{session,throttle}_service.rs crates/accounts/src/{session,throttle,one_time_token}/**": (_tool "cargo-mutants")
    cargo mutants --package tower-warder --package tower-warder-accounts {{ prepend("--file=", FILES) }} --output target -- --lib --test it

# Accepts the present instruction counts; say in the commit why they changed
bench-update:
    cargo bench --locked --bench counts -- --update

# Accepts the present public names
names-update:
    UPDATE=1 cargo test --test public_names

_tool NAME:
    @command -v {{ NAME }} >/dev/null || cargo install --locked {{ NAME }}
