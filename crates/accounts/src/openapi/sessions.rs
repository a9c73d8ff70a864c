//! The sessions of accounts.

use http::StatusCode;
use tower_warder::private::openapi::{BEARER, Problem, bearer};
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder};
use utoipa::openapi::security::SecurityScheme;
use utoipa::openapi::{Info, OpenApiBuilder, PathsBuilder};

use super::operation::{Describe, Invalid, reference};
use crate::answer::{INVALID_REFRESH_TOKEN, SESSION_NOT_FOUND, WRONG_PASSWORD};
use crate::{PasswordChange, RefreshGrant, SessionPublic, Token, ValidationError};

/// The description of [`session_routes`](crate::session_routes), to be nested
/// under the same prefix, beside [`AccountsApi`](crate::openapi::AccountsApi).
///
/// ```
/// use tower_warder_accounts::openapi::SessionsApi;
/// use utoipa::OpenApi;
///
/// let document = serde_json::to_value(SessionsApi::openapi()).unwrap();
/// let refresh = &document["paths"]["/refresh"]["post"];
/// assert_eq!(refresh["responses"]["401"]["description"], "Could not validate credentials");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SessionsApi;

impl OpenApi for SessionsApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let paths = PathsBuilder::new()
            .path("/refresh", PathItem::new(HttpMethod::Post, refresh()))
            .path("/logout", PathItem::new(HttpMethod::Post, logout()))
            .path("/logout-all", PathItem::new(HttpMethod::Post, logout_all()))
            .path("/sessions", PathItem::new(HttpMethod::Get, list()))
            .path("/sessions/{id}", PathItem::new(HttpMethod::Delete, end()))
            .path("/password", PathItem::new(HttpMethod::Post, password()));
        let components = ComponentsBuilder::new()
            .schema_from::<Token>()
            .schema_from::<RefreshGrant>()
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

fn refresh() -> Operation {
    Describe::open("refresh", "Makes the next tokens of a session")
        .description(
            "Spends the refresh token: the answer has its successor. One that was spent before \
             ends its session.",
        )
        .json::<RefreshGrant>()
        .gives(StatusCode::OK, "The next tokens.", reference::<Token>())
        .refuses([INVALID_REFRESH_TOKEN])
        .build()
}

fn logout() -> Operation {
    Describe::open("logout", "Ends a session")
        .description("Its access token lives on until it expires.")
        .json::<RefreshGrant>()
        .gives_nothing(StatusCode::NO_CONTENT, "There is no such session any more.")
        .build()
}

fn logout_all() -> Operation {
    Describe::for_users("logout_all", "Ends all sessions and tokens of who asks")
        .gives_nothing(StatusCode::NO_CONTENT, "They are over.")
        .build()
}

fn list() -> Operation {
    Describe::for_users("list_sessions", "The sessions of who asks")
        .description("The times of the last use and of the end are in whole hours.")
        .gives(
            StatusCode::OK,
            "The sessions, the one that was used last first.",
            ArrayBuilder::new().items(reference::<SessionPublic>()),
        )
        .build()
}

fn end() -> Operation {
    Describe::for_users("end_session", "Ends a session of who asks")
        .description("Its access token lives on until it expires.")
        .session_id()
        .gives_nothing(StatusCode::NO_CONTENT, "It is over.")
        .refuses([SESSION_NOT_FOUND])
        .build()
}

fn password() -> Operation {
    Describe::for_users("change_password", "Sets another password of who asks")
        .description("Ends every token that was made before, and every session but this one.")
        .json::<PasswordChange>()
        .gives(
            StatusCode::OK,
            "The next access token of this session.",
            reference::<Token>(),
        )
        .gives_nothing(
            StatusCode::NO_CONTENT,
            "Done, and there is no session to go on with: log in again.",
        )
        .refuses([WRONG_PASSWORD])
        .build()
}
