//! Whether a contract notices what it is to notice.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

/// What a contract says against a store, if it says something.
pub(super) async fn broken_rule(contract: impl Future<Output = ()>) -> Option<String> {
    let panic = AssertUnwindSafe(contract).catch_unwind().await.err()?;
    Some(match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("panics have a text")).to_owned(),
    })
}
