//! OpenAPI description of the session routes.

use http::StatusCode;
use tower_warder::private::openapi::{BEARER, bearer};
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder};
use utoipa::openapi::security::SecurityScheme;
use utoipa::openapi::{Info, OpenApiBuilder, PathsBuilder};

use super::operation::{Describe, Invalid, Problem, reference};
use crate::answer::{OPERATION_VETOED, SESSION_NOT_FOUND, TOO_MANY_REQUESTS, WRONG_PASSWORD};
use crate::validation_error::ValidationError;
use crate::{PasswordChange, SessionPublic, Token};

/// OpenAPI description of [`session_routes`](crate::session_routes), to be nested under the same
/// prefix, beside [`AccountsApi`](crate::openapi::AccountsApi).
///
/// ```
/// use tower_warder_accounts::openapi::SessionsApi;
/// use utoipa::OpenApi;
///
/// let document = serde_json::to_value(SessionsApi::openapi()).unwrap();
/// let end = &document["paths"]["/sessions/{id}"]["delete"];
/// assert_eq!(end["responses"]["404"]["description"], "Session not found");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SessionsApi;

impl OpenApi for SessionsApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let paths = PathsBuilder::new()
            .path("/logout-all", PathItem::new(HttpMethod::Post, logout_all()))
            .path("/sessions", PathItem::new(HttpMethod::Get, list()))
            .path("/sessions/{id}", PathItem::new(HttpMethod::Delete, end()))
            .path(
                "/sessions/end-others",
                PathItem::new(HttpMethod::Post, end_others()),
            )
            .path("/password", PathItem::new(HttpMethod::Post, password()));
        let components = ComponentsBuilder::new()
            .schema_from::<Token>()
            .schema_from::<PasswordChange>()
            .schema_from::<SessionPublic>()
            .schema_from::<Problem>()
            .schema_from::<Invalid>()
            .schema_from::<ValidationError>()
            .security_scheme(BEARER, SecurityScheme::Http(bearer()));
        OpenApiBuilder::new()
            .info(Info::new("Sessions", env!("CARGO_PKG_VERSION")))
            .paths(paths)
            .components(Some(components.build()))
            .build()
    }
}

fn logout_all() -> Operation {
    Describe::for_users("logout_all", "Ends all sessions and tokens of the caller")
        .gives_nothing(StatusCode::NO_CONTENT, "All sessions have ended.")
        .sets_cookie(StatusCode::NO_CONTENT)
        .build()
}

fn list() -> Operation {
    Describe::for_users("list_sessions", "Lists the sessions of the caller")
        .description("`last_used_at` and `expires_at` are rounded to whole hours.")
        .gives(
            StatusCode::OK,
            "The sessions, the most recently used first.",
            ArrayBuilder::new().items(reference::<SessionPublic>()),
        )
        .build()
}

fn end() -> Operation {
    Describe::for_users("end_session", "Ends a session of the caller")
        .description(
            "A session of a cookie ends at once. An access token that came with a refresh token \
             stays valid until it expires.",
        )
        .session_id()
        .gives_nothing(StatusCode::NO_CONTENT, "The session has ended.")
        .rejects([SESSION_NOT_FOUND])
        .build()
}

fn end_others() -> Operation {
    Describe::for_users(
        "end_other_sessions",
        "Ends the sessions of the caller except this one",
    )
    .gives_nothing(StatusCode::NO_CONTENT, "The other sessions have ended.")
    .build()
}

fn password() -> Operation {
    Describe::for_users("change_password", "Changes the password of the caller")
        .description(
            "Revokes every token that was issued before, and every session except this one.",
        )
        .json::<PasswordChange>()
        .gives(
            StatusCode::OK,
            "A new access token of this session.",
            reference::<Token>(),
        )
        .gives_nothing(
            StatusCode::NO_CONTENT,
            "The password was changed. Sets the new token of a cookie; otherwise the request had no \
             session to continue: log in again.",
        )
        .sets_cookie(StatusCode::OK)
        .sets_cookie(StatusCode::NO_CONTENT)
        .rejects([WRONG_PASSWORD, OPERATION_VETOED, TOO_MANY_REQUESTS])
        .build()
}
