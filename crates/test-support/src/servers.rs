//! The servers that all tests share.

use std::io::{self, Write};
use std::{env, thread};

/// The server that `POSTGRES_URL` names. Without it there is none, and it says that the test was
/// skipped.
pub fn postgres_url() -> Option<String> {
    let server = env::var("POSTGRES_URL").ok();
    if server.is_none() {
        let test = thread::current();
        let test = test.name().unwrap_or("a test");
        // Past the harness, which keeps to itself what a test that passes has printed.
        let _ = writeln!(
            io::stderr(),
            "{test}: PostgreSQL is skipped: POSTGRES_URL names no server"
        );
    }
    server
}

/// The Redis that all tests share, if there is one.
pub fn redis_url() -> Option<String> {
    let url = env::var("REDIS_URL").ok();
    if url.is_none() {
        println!("skipped: REDIS_URL names no server");
    }
    url
}
