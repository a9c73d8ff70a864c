//! HTTP route that issues tickets for WebSockets and server-sent events.

use axum::Router;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;
use serde_json::json;
use tower_warder::{AuthError, CurrentUser, Identity};

use super::answer::{self, json_answer};
use super::model::User;

/// Returns the route that issues [tickets](tower_warder::stream_ticket::StreamTickets), to be merged with
/// [`routes`](crate::routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `POST /stream-ticket` | approved users | 200 `{"ticket": …, "expires_in": …}`, in seconds; 401 |
///
/// The layer stores the tickets, and accepts them on the paths of its
/// [`CredentialSource`](tower_warder::credentials::CredentialSource):
///
/// ```
/// use axum::Router;
/// use tower_warder_accounts::{self as accounts, Accounts, InMemoryAccountStore};
/// use tower_warder::{AuthLayer, HmacSecret, JwtIssuer, JwtVerifier};
/// use tower_warder::credentials::CredentialSource;
/// use tower_warder::stream_ticket::StreamTickets;
///
/// let secret = HmacSecret::generate();
/// let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret));
/// let routes = accounts::routes(accounts.clone()).merge(accounts::ticket_routes());
/// let auth = AuthLayer::new(JwtVerifier::hs256(&secret), accounts)
///     .credentials(CredentialSource::header().with_query_token("/api/events")?)
///     .stream_tickets(StreamTickets::new(10_000));
/// let app: Router = Router::new().nest("/api/auth", routes).layer(auth);
/// # Ok::<(), tower_warder::error::ConfigError>(())
/// ```
#[doc(alias = "websocket")]
#[doc(alias = "sse")]
pub fn ticket_routes() -> Router {
    answer::finished(Router::new().route("/stream-ticket", post(stream_ticket)))
}

async fn stream_ticket(
    _: CurrentUser<User>,
    identity: Identity<User>,
) -> Result<Response, AuthError> {
    let ticket = identity.issue_stream_ticket().await?;
    let body = json!({
        "ticket": ticket.as_str(),
        "expires_in": ticket.expires_in().as_secs(),
    });
    Ok(json_answer(StatusCode::OK, &body))
}
