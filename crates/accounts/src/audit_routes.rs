//! HTTP routes of stored audit events.

use std::time::SystemTime;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde::Serialize;
use tower_warder::AdminUser;

use super::answer::{self, json_answer};
use super::audit_parameters::{AccountIds, EventLimit};
use super::error::AccountError;
use super::model::{User, to_rfc3339};
use super::request::AccountId;
use super::service::Accounts;
use super::store::AccountStore;

/// Returns the routes of stored audit events, to be merged with [`routes`](crate::routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `GET /users/{id}/events?limit=` | admins | 200 the last [events](crate::AuditEvent) of an account, newest first: 50, or as many as `limit` (1 to 500); 404; 422 |
/// | `GET /users/logins/last?ids=` | admins | 200 `[{"id", "last_login_at"}]` of up to 100 accounts, such as those of a page of the list: `ids=7,12`; 422 |
///
/// An event is `{"event", "actor", "account", "session", "reason", "address", "at"}`, with the
/// contents of the guide [`audit`](crate::docs::audit); what it does not have is `null`. Accounts without
/// a log-in, or none since events are stored, are not in the list of last log-ins.
///
/// Needs [`Accounts::audit_store`], and the layer that `routes` needs.
pub fn audit_routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let routes = Router::new()
        .route("/users/{id}/events", get(events::<S>))
        .route("/users/logins/last", get(last_logins::<S>));
    answer::finished(routes).with_state(accounts)
}

async fn events<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    _: AdminUser<User>,
    AccountId(id): AccountId,
    EventLimit(limit): EventLimit,
) -> Result<Response, AccountError> {
    let events = accounts.list_events(id, limit).await?;
    Ok(json_answer(StatusCode::OK, &events))
}

async fn last_logins<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    _: AdminUser<User>,
    AccountIds(ids): AccountIds,
) -> Result<Response, AccountError> {
    let times = accounts.last_logins(&ids).await?;
    let logins = ids.into_iter().filter_map(|id| {
        let last_login_at = *times.get(&id)?;
        Some(LastLogin { id, last_login_at })
    });
    Ok(json_answer(StatusCode::OK, &logins.collect::<Vec<_>>()))
}

/// Last log-in of an account.
#[derive(Serialize)]
pub(crate) struct LastLogin {
    id: i64,
    #[serde(serialize_with = "to_rfc3339")]
    last_login_at: SystemTime,
}
