//! See the library of the same name.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tower_warder_server::main().await
}
