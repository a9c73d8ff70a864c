//! Program of the login server. See the library of the same name.

#![forbid(unsafe_code)]

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tower_warder_server::main().await
}
