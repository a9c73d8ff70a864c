//! The store fulfills the contract, and the guide shows its code.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails"
)]

use tempfile::TempDir;
use tower_warder_accounts::testing::{account_store_contract, session_store_contract};
use tower_warder_example_own_store::DieselStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn diesel_store_passes_the_account_contract() {
    let directory = TempDir::new().unwrap();
    account_store_contract(async || open(&directory)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn diesel_store_passes_the_session_contract() {
    let directory = TempDir::new().unwrap();
    session_store_contract(async || open(&directory)).await;
}

/// An empty store, configured as in production: a file, and a pool of connections.
fn open(directory: &TempDir) -> DieselStore {
    let (_, path) = tempfile::NamedTempFile::new_in(directory)
        .unwrap()
        .keep()
        .unwrap();
    DieselStore::open(path.to_str().unwrap()).unwrap()
}

#[test]
fn account_store_has_at_most_200_lines_of_code() {
    let files = [
        include_str!("../src/lib.rs"),
        include_str!("../src/accounts.rs"),
    ];
    let lines = files.iter().flat_map(|file| file.lines()).map(str::trim);
    let code = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    let code = code.count();
    assert!(code <= 200, "{code}");
}

#[test]
fn guide_shows_the_code_of_the_store() {
    let sources = [
        include_str!("../src/lib.rs"),
        include_str!("../src/accounts.rs"),
        include_str!("../src/schema.sql"),
        include_str!("it.rs"),
    ];
    let guide = include_str!("../../../crates/accounts/src/docs/own_store.md");
    let mut blocks = 0;
    for start in ["```rust,ignore\n", "```sql\n"] {
        for block in guide.split(start).skip(1) {
            let code = block.split("```").next().unwrap();
            let is_shown = sources.iter().any(|source| source.contains(code));
            assert!(is_shown, "not in the code:\n{code}");
            blocks += 1;
        }
    }
    assert!(blocks > 5, "{blocks}");
}
