//! Login server: registration, log-in, approval, sessions and pages, over SQLite or PostgreSQL.
//!
//! Run with `cargo run`. No setup is needed: without any variable it creates a database and a
//! secret in the working directory and prints its address. Then open <http://127.0.0.1:8000/> in a
//! browser: the first account is the admin, as long as only this machine can reach the server. Or:
//!
//! ```text
//! api=http://127.0.0.1:8000/api/auth
//! json='content-type: application/json'
//! curl -i $api/register -H "$json" -d '{"email": "ada@example.com", "password": "correct horse"}'
//! curl -i $api/login -d username=ada@example.com -d 'password=correct horse'
//! TOKEN=…    # the `access_token` of that answer
//! curl -i $api/me -H "Authorization: Bearer $TOKEN"
//! curl -i $api/cookie/login -c jar -d username=ada@example.com -d 'password=correct horse'
//! curl -i $api/me -b jar
//! curl -X POST $api/stream-ticket -b jar
//! TICKET=…    # the `ticket` of that answer, good for 30 seconds and once
//! curl -N "http://127.0.0.1:8000/api/events?token=$TICKET"
//! ```
//!
//! Each log-in by cookie opens a session, which is looked up on every request with the cookie:
//!
//! ```text
//! curl -i $api/sessions -b jar
//! curl -i -X DELETE $api/sessions/… -b jar
//! curl -i -X POST $api/sessions/end-others -b jar
//! curl -i $api/password -b jar -c jar -H "$json" \
//!     -d '{"current_password": "correct horse", "new_password": "battery staple"}'
//! curl -i -X POST $api/cookie/logout -b jar -c jar
//! curl -i -X POST $api/logout-all -b jar
//! ```
//!
//! With `SESSIONS=on` access tokens live for 15 minutes, and `/login` opens a session, too:
//!
//! ```text
//! curl -i $api/login -d username=ada@example.com -d 'password=correct horse'
//! TOKEN=…  REFRESH=…    # the `access_token` and the `refresh_token` of that answer
//! curl -i $api/refresh -H "$json" -d "{\"refresh_token\": \"$REFRESH\"}"    # keep the new one
//! curl -i $api/sessions -H "Authorization: Bearer $TOKEN"
//! curl -i $api/logout -H "$json" -d "{\"refresh_token\": \"$REFRESH\"}"
//! ```
//!
//! The forms of the pages work without JavaScript, and with curl:
//!
//! ```text
//! curl -i http://127.0.0.1:8000/login -H 'accept: text/html' -c jar \
//!     -d username=ada@example.com -d 'password=correct horse'
//! ```
//!
//! <http://127.0.0.1:8000/api/docs> describes the routes, and can call them. `/healthz` and
//! `/readyz` are for service managers and load balancers.
//!
//! Several instances can share one PostgreSQL: the first one creates the tables. Connections to
//! PostgreSQL do not use TLS.
//!
//! To be reached from other machines the server needs `PUBLIC_ORIGIN`, whatever address it listens
//! at: without it only `localhost`, `127.0.0.0/8` and `[::1]` are served, with the cookie
//! `tower_warder`, which is sent without TLS. With an `https` origin the cookie is
//! `__Host-tower_warder`, which browsers send over TLS only. Requests to other hosts are answered
//! with 421, except `/healthz` and `/readyz`.
//!
//! `--help` lists the commands and the variables; so does [`settings::VARIABLES`]. The settings can
//! also be in a TOML file, by `--config FILE`. `check-config` reports all mistakes, one line each.

#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "a program: only its own tests look inside")]

use std::error::Error;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use axum::extract::Request;
use axum::{Extension, Router};
use futures_util::FutureExt;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
use tower_http::trace::TraceLayer;
use tower_warder::BoxError;
use tower_warder::cache::UserCache;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::stream_ticket::StreamTickets;
use tower_warder::{AuthLayer, HmacSecret, JwtIssuer, JwtVerifier};
use tower_warder_accounts::throttle::Throttle;
use tower_warder_accounts::{
    self as accounts, AccountStore, Accounts, AuditRetention, AuditWriter, CommonPasswords,
    MailQueue, OneTimeTokens, Registration, Sessions, User,
};
use tower_warder_redis::RedisThrottleStore;

// Each module imports only from those above it.
pub mod database;
pub mod store;
mod hasher;
pub mod origin;
pub mod accent_color;
pub mod site;
pub mod bootstrap;
pub mod channel;
pub mod keys;
mod metrics;
pub mod serve;
pub mod settings;
mod mail;
mod config;
pub mod health;
pub mod stream_limit;
pub mod streams;
mod stream_api;
mod pages;
mod api_page;
mod cli;
mod new_password;
mod import_file;
mod import;
mod commands;

use self::bootstrap::FirstAdmin;
use self::channel::Channel;
use self::cli::{Cli, Command};
use self::config::{Config, Storage};
use self::keys::HangUps;
use self::metrics::Metrics;
use self::pages::WaitingCookie;
use self::settings::Settings;
use self::site::Site;

/// Runs the command of the process: by default the server, until it is stopped. Exits with 0, with
/// 1 after a failure, and with 2 if the arguments are invalid.
pub async fn main() -> ExitCode {
    let cli = match Cli::parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), BoxError> {
    let settings = Settings::load(cli.config)?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            log_at(&settings, "info");
            let hang_ups = HangUps::listen()?;
            serve(Config::new(&settings)?, hang_ups).await
        }
        Command::CheckConfig => {
            log_at(&settings, "warn");
            Config::new(&settings)?.check(&settings)
        }
        Command::Migrate => {
            log_at(&settings, "warn");
            commands::migrate(Storage::new(&settings)?).await
        }
        Command::Accounts(command) => {
            log_at(&settings, "warn");
            commands::run(command, Storage::new(&settings)?, &settings).await
        }
    }
}

/// Logs to stderr, by default at this level.
fn log_at(settings: &Settings, level: &str) {
    // An invalid filter is reported with the other mistakes.
    let filter = config::log_filter(settings, level).unwrap_or_default();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
}

async fn serve(config: Config, hang_ups: HangUps) -> Result<(), BoxError> {
    let storage = config.storage;
    // Bind before opening the store: a start that fails here creates no files.
    let address = config.bind_addr;
    let listener = serve::listen(address).map_err(|error| {
        format!("cannot listen on {address}; choose another BIND_ADDR: {error}")
    })?;
    let metrics = match config.metrics_addr {
        Some(address) => Some(Metrics::listen(address).await?),
        None => None,
    };
    let place = storage.database.to_string();
    let store = store::open(storage.database).await?;
    let keys = config.keys.read()?;

    let mut issuer = keys.issuer();
    if let Some(lifetime) = config.token_lifetime {
        issuer = issuer.lifetime(lifetime);
    }
    let first_admin = FirstAdmin::new(config.bootstrap, || config.keys.bytes());
    let first_admin = first_admin.map_err(|error| format!("BOOTSTRAP: {error}"))?;
    let url = config::url(config.public_origin.as_ref(), listener.local_addr()?);
    if config.public_origin.is_none() && !address.ip().is_loopback() {
        tracing::warn!(
            "only localhost is served, whatever the address to listen at; \
             set PUBLIC_ORIGIN to be reached from elsewhere"
        );
    }
    let mut accounts = Accounts::new(store.clone(), issuer.clone())
        .hasher(hasher::new())
        .bootstrap(first_admin.policy()?)
        .registration(config.registration);
    if let Some(maximum) = config.max_pending {
        accounts = accounts.max_pending(maximum);
    }
    if storage.password_check {
        accounts = accounts.password_policy(CommonPasswords);
    }
    if let Some(maximum) = config.admin_login_age {
        accounts = accounts.admin_login_age(maximum);
    }
    let mut sessions = Sessions::new(store.clone()).refresh_tokens(storage.sessions);
    if let Some(lifetime) = config.token_lifetime {
        sessions = sessions.cookie_lifetime(lifetime);
    }
    let retention = AuditRetention {
        max_age: config.audit_retention,
        ..AuditRetention::default()
    };
    let audit = AuditWriter::spawn(store.clone(), retention);
    accounts = accounts
        .sessions(sessions)
        .audit_store(audit.clone())
        .trusted_proxies(config.trusted_proxies)
        .one_time_tokens(OneTimeTokens::new(store.clone()));
    accounts = match config.throttle {
        true => {
            // The same on all nodes and after a restart.
            let secret = bootstrap::derive(&config.keys.bytes()?, "throttle secret")?;
            let mut throttle = Throttle::new()
                .secret(HmacSecret::new(secret.as_bytes())?)
                .device_cookie(origin::device_cookie(config.public_origin.as_ref())?);
            if let Some(client) = config.throttle_store {
                let store = client.get_connection_info().addr();
                tracing::info!(%store, "attempts are counted in Redis");
                throttle = throttle.store(RedisThrottleStore::new(client));
            }
            accounts.throttle(throttle)
        }
        false => accounts.throttle_off(),
    };
    let mail = config.mail.map(|server| {
        let mailer = server.mailer(config.product_name.clone());
        MailQueue::new(mailer, &url)
    });
    if let Some(queue) = &mail {
        accounts = accounts.mail(queue.clone());
    }
    if let Some(verification) = config.email_verification {
        accounts = accounts.email_verification(verification);
    }
    let cache = config.user_cache_ttl.map(|ttl| {
        let channel = storage.channel.as_ref().map(Channel::to_string);
        tracing::info!(?ttl, channel, "accounts are kept in memory");
        user_cache(ttl, storage.channel)
    });
    let cookie = origin::cookie(config.public_origin.as_ref())?;
    let site = Site {
        product_name: config.product_name,
        accent_color: config.accent_color,
        public_origin: config.public_origin.clone(),
    };
    if let Some(lifetime) = config.pending_lifetime {
        let accounts = match &cache {
            Some(cache) => accounts.clone().user_cache(cache.clone()),
            None => accounts.clone(),
        };
        tokio::spawn(expire_pending(accounts, lifetime));
    }
    let app = app(accounts, issuer, keys.verifier(), cookie, cache, &site);

    let announced = first_admin.announce(store.clone(), &url).await;
    let awaits_first_admin =
        announced.map_err(|error| format!("DATABASE_URL: {place} does not answer: {error}"))?;

    // From here on a signal stops gracefully instead of killing the process.
    let published = keys.routes();
    let signal = stop_signal(hang_ups.reload(keys))?;
    let signal = signal.map(|reason| tracing::info!(reason, "stopping"));
    let signal: serve::Stop = signal.boxed().shared();
    // Meanwhile the load balancer stops sending requests: those in transit when the listener closes
    // are lost.
    let delay = config.shutdown_delay.unwrap_or_default();
    let stop = signal.clone().then(move |()| tokio::time::sleep(delay));
    let stop: serve::Stop = stop.boxed().shared();
    let app = app
        .layer(Extension(stop.clone()))
        .layer(Extension(awaits_first_admin));
    let ask = {
        let store = store.clone();
        move || {
            let store = store.clone();
            async move { store.ping().await }.boxed()
        }
    };
    // Outside of the layers: health checks come every second and need no authentication and no
    // span.
    let health = health::routes(ask, signal);
    let app = origin::guarded(app.merge(published), health, config.public_origin);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        address = %listener.local_addr()?,
        database = %place,
        keys = %config.keys,
        "started"
    );
    println!("listening on http://{}", listener.local_addr()?);
    if let Some(metrics) = metrics {
        metrics.serve()?;
    }
    let serve = serve::serve(listener, app, config.connections_per_address, stop.clone());
    tokio::select! {
        () = serve => {}
        // Time that running requests have to finish.
        () = stop.then(|()| tokio::time::sleep(GRACE)) => {}
    }
    // Within the time that service managers give: the mail server may be away.
    if let Some(queue) = mail {
        let _ = tokio::time::timeout(MAIL_FLUSH, queue.flush()).await;
    }
    // The same for the database.
    let _ = tokio::time::timeout(FLUSH, audit.flush()).await;
    store.close().await;
    Ok(())
}

pub fn app<S: AccountStore>(
    mut accounts: Accounts<S>,
    issuer: JwtIssuer,
    verifier: JwtVerifier,
    cookie: AuthCookie,
    cache: Option<UserCache<User>>,
    site: &Site,
) -> Router {
    let mut auth = AuthLayer::new(verifier.clone(), accounts.clone())
        .credentials(streams::source(
            CredentialSource::header().with_cookie(cookie.clone()),
        ))
        .stream_tickets(StreamTickets::new(10_000))
        .timeout(Duration::from_secs(5));
    if let Some(cache) = cache {
        accounts = accounts.user_cache(cache.clone());
        auth = auth.user_cache(cache);
    }
    // The path without the query, which may contain a token: logs have more readers than requests.
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request| {
            tracing::info_span!("request", method = %request.method(), path = request.uri().path())
        })
        // Otherwise each 503 is a line at ERROR, at the rate of the requests. Causes are logged
        // where they occur; the status of each response is logged at DEBUG.
        .on_failure(());
    let parts = api_page::Parts {
        sessions: accounts.has_sessions(),
        refresh: accounts.has_refresh_tokens(),
        resets: accounts.has_one_time_tokens(),
        mail: accounts.has_mail(),
        verification: accounts.has_email_verification(),
        by_mail: accounts.registration_mode() == Registration::ByMail,
        events: accounts.has_audit_store(),
    };
    let mut routes = accounts::routes(accounts.clone())
        .merge(accounts::cookie_routes(accounts.clone(), cookie.clone()))
        .merge(accounts::own_account_routes(accounts.clone()))
        .merge(accounts::ticket_routes());
    if parts.sessions {
        routes = routes.merge(accounts::session_routes(accounts.clone()));
    }
    if parts.refresh {
        routes = routes.merge(accounts::refresh_routes(accounts.clone()));
    }
    if parts.resets {
        routes = routes
            .merge(accounts::password_reset_routes(accounts.clone()))
            .merge(accounts::invitation_routes(accounts.clone()));
    }
    if parts.mail {
        routes = routes.merge(accounts::forgot_password_routes(accounts.clone()));
    }
    if parts.verification {
        routes = routes
            .merge(accounts::email_verification_routes(accounts.clone()))
            .merge(accounts::email_change_routes(accounts.clone()));
    }
    if parts.by_mail {
        routes = routes.merge(accounts::registration_routes(accounts.clone()));
    }
    if parts.events {
        routes = routes.merge(accounts::audit_routes(accounts.clone()));
    }
    #[expect(
        clippy::expect_used,
        reason = "the name is a constant, the origin was parsed"
    )]
    let waiting = origin::waiting_cookie(site.public_origin.as_ref()).expect("a cookie");
    let waiting = WaitingCookie::new(issuer, waiting);
    let api_page = api_page::routes(site, &cookie, parts);
    let pages = pages::routes(
        site,
        routes.clone(),
        accounts.clone(),
        verifier,
        cookie,
        waiting,
    );
    Router::new()
        .nest("/api/auth", routes)
        .merge(pages)
        .merge(pages::compressed(api_page))
        .merge(streams::routes(accounts))
        .layer(auth)
        .layer(trace)
}

/// Deletes accounts that were never approved, at once and then each hour. Several nodes may do so.
async fn expire_pending<S: AccountStore>(accounts: Accounts<S>, lifetime: Duration) {
    loop {
        match accounts.delete_pending(lifetime).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "accounts that were never approved are deleted"),
            Err(error) => tracing::warn!(
                error = error.source().map(tracing::field::display),
                "accounts that were never approved are not deleted; it is tried again in an hour"
            ),
        }
        tokio::time::sleep(EXPIRY_INTERVAL).await;
    }
}

/// Creates the cache of accounts, with the time to live and the invalidation channel.
pub fn user_cache(ttl: Duration, channel: Option<Channel>) -> UserCache<User> {
    let cache = UserCache::new(10_000).ttl(ttl);
    let Some(channel) = channel else {
        return cache;
    };
    let cache = match channel.publisher() {
        Some(publish) => cache.on_invalidate(publish),
        None => cache,
    };
    tokio::spawn(cache.subscribe(channel.listen()));
    cache
}

/// Resolves at SIGINT, SIGTERM, or when the terminal closes, to the reason. Listens from the call on.
#[cfg(unix)]
fn stop_signal(
    terminal: impl Future<Output = ()>,
) -> io::Result<impl Future<Output = &'static str>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
            () = terminal => "SIGHUP: the terminal was closed",
        }
    })
}

#[cfg(not(unix))]
fn stop_signal(_: impl Future<Output = ()>) -> io::Result<impl Future<Output = &'static str>> {
    Ok(tokio::signal::ctrl_c().map(|_| "Ctrl-C"))
}

const EXPIRY_INTERVAL: Duration = Duration::from_secs(3600);

const GRACE: Duration = Duration::from_secs(5);

/// Time for the last mails to be sent.
const MAIL_FLUSH: Duration = Duration::from_secs(2);

/// Time for the last audit events to be written.
const FLUSH: Duration = Duration::from_secs(1);
