//! Servers that all tests share.

use std::io::{self, Write};
use std::{env, thread};

/// Returns the server of `POSTGRES_URL`. Without it, prints that the test is skipped.
pub fn postgres_url() -> Option<String> {
    let server = env::var("POSTGRES_URL").ok();
    if server.is_none() {
        let test = thread::current();
        let test = test.name().unwrap_or("a test");
        // Bypasses the harness, which hides the output of tests that pass.
        let _ = writeln!(
            io::stderr(),
            "{test}: PostgreSQL is skipped: POSTGRES_URL names no server"
        );
    }
    server
}

/// Returns the server of `REDIS_URL`, if there is one.
pub fn redis_url() -> Option<String> {
    let url = env::var("REDIS_URL").ok();
    if url.is_none() {
        println!("skipped: REDIS_URL names no server");
    }
    url
}
