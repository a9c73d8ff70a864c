//! A login server: register, log in, approve, disable, reset, over SQLite.
//!
//! Run with `cargo run --example accounts`. Nothing needs to be set up: without any variable it
//! makes a database and a secret in the working directory and says where it listens. Then:
//!
//! ```text
//! api=http://127.0.0.1:8000/api/auth
//! curl -i $api/register --json '{"email": "ada@example.com", "password": "correct horse"}'
//! curl -i $api/login -d username=ada@example.com -d 'password=correct horse'
//! curl -i $api/me -H "Authorization: Bearer $TOKEN"
//! ```
//!
//! | variable | meaning |
//! |---|---|
//! | `BIND_ADDR`, or `HOST` and `PORT` | where to listen; defaults to `127.0.0.1:8000` |
//! | `DATABASE_URL` | `sqlite://PATH` or `sqlite::memory:`; defaults to `sqlite://tower-warder.sqlite` |
//! | `JWT_SECRET` | the secret of the tokens; defaults to one made beside the database |
//! | `JWT_LIFETIME` | how long tokens live, such as `15m` or `7d` |
//! | `RUST_LOG` | what to log; defaults to `info` |

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use tokio::net::TcpListener;
use tokio::signal;
use tower_http::trace::TraceLayer;
use tower_warder::accounts::{self, AccountStore, Accounts};
use tower_warder::{AuthLayer, Secret, TokenIssuer, TokenVerifier};
use tracing_subscriber::EnvFilter;

mod config;
pub(crate) mod store;

use self::config::Config;
use self::store::SqliteStore;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    let store = SqliteStore::open(config.database).await.map_err(|error| {
        format!("the database cannot be opened; check DATABASE_URL and its rights: {error}")
    })?;
    let mut issuer = TokenIssuer::hs256(&config.secret);
    if let Some(lifetime) = config.token_lifetime {
        issuer = issuer.lifetime(lifetime);
    }
    let app = app(Accounts::new(store.clone(), issuer), &config.secret);

    let listener = TcpListener::bind(config.bind_addr).await.map_err(|error| {
        format!(
            "cannot listen on {}; choose another BIND_ADDR: {error}",
            config.bind_addr
        )
    })?;
    println!("listening on http://{}", listener.local_addr()?);

    let serve = axum::serve(listener, app).with_graceful_shutdown(stop_signal());
    tokio::select! {
        served = serve => served?,
        // Whoever is still being served has this long to finish.
        () = async { stop_signal().await; tokio::time::sleep(GRACE).await } => {}
    }
    store.close().await;
    Ok(())
}

pub(crate) fn app<S: AccountStore>(accounts: Accounts<S>, secret: &Secret) -> Router {
    let auth = AuthLayer::new(TokenVerifier::hs256(secret), accounts.clone())
        .loader_timeout(Duration::from_secs(5), tokio::time::sleep);
    // The path and never the query: a span is read by more people than a request.
    let trace = TraceLayer::new_for_http().make_span_with(|request: &Request| {
        tracing::info_span!("request", method = %request.method(), path = request.uri().path())
    });
    Router::new()
        .nest("/api/auth", accounts::routes(accounts))
        .fallback(StatusCode::NOT_FOUND)
        .layer(auth)
        .layer(trace)
}

/// Ctrl-C, or what a service manager sends.
async fn stop_signal() {
    let interrupt = async {
        let _ = signal::ctrl_c().await;
    };
    #[cfg(unix)]
    let terminate = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

const GRACE: Duration = Duration::from_secs(5);
