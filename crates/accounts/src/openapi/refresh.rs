//! OpenAPI description of the routes of refresh tokens.

use http::StatusCode;
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::{Info, OpenApiBuilder, PathsBuilder};

use super::operation::{Describe, Invalid, Problem, reference};
use crate::Token;
use crate::answer::{INVALID_REFRESH_TOKEN, TOO_MANY_REQUESTS};
use crate::session::RefreshGrant;
use crate::validation_error::ValidationError;

/// OpenAPI description of [`refresh_routes`](crate::refresh_routes), to be nested under the same
/// prefix, beside [`AccountsApi`](crate::openapi::AccountsApi).
///
/// ```
/// use tower_warder_accounts::openapi::RefreshApi;
/// use utoipa::OpenApi;
///
/// let document = serde_json::to_value(RefreshApi::openapi()).unwrap();
/// let refresh = &document["paths"]["/refresh"]["post"];
/// assert_eq!(refresh["responses"]["401"]["description"], "Could not validate credentials");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RefreshApi;

impl OpenApi for RefreshApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let paths = PathsBuilder::new()
            .path("/refresh", PathItem::new(HttpMethod::Post, refresh()))
            .path("/logout", PathItem::new(HttpMethod::Post, logout()));
        let components = ComponentsBuilder::new()
            .schema_from::<Token>()
            .schema_from::<RefreshGrant>()
            .schema_from::<Problem>()
            .schema_from::<Invalid>()
            .schema_from::<ValidationError>();
        OpenApiBuilder::new()
            .info(Info::new("Refresh tokens", env!("CARGO_PKG_VERSION")))
            .paths(paths)
            .components(Some(components.build()))
            .build()
    }
}

fn refresh() -> Operation {
    Describe::open("refresh", "Renews the tokens of a session")
        .description(
            "Rotates the refresh token: the response has its successor. Reusing a rotated \
             token ends its session.",
        )
        .json::<RefreshGrant>()
        .gives(StatusCode::OK, "The new tokens.", reference::<Token>())
        .rejects([INVALID_REFRESH_TOKEN, TOO_MANY_REQUESTS])
        .build()
}

fn logout() -> Operation {
    Describe::open("logout", "Ends a session")
        .description("Its access token stays valid until it expires.")
        .json::<RefreshGrant>()
        .gives_nothing(StatusCode::NO_CONTENT, "The session has ended.")
        .build()
}
