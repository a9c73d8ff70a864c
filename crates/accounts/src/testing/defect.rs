//! Helper that runs a contract against a broken store.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

/// Returns the message of the rule that the store breaks, if it breaks one.
pub(super) async fn broken_rule(contract: impl Future<Output = ()>) -> Option<String> {
    let panic = AssertUnwindSafe(contract).catch_unwind().await.err()?;
    Some(match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("panics have a text")).to_owned(),
    })
}
