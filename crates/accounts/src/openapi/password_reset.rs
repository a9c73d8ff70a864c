//! OpenAPI description of the routes of password resets by a one-time token.

use http::StatusCode;
use tower_warder::private::openapi::{BEARER, bearer};
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder};
use utoipa::openapi::security::SecurityScheme;
use utoipa::openapi::{Info, OpenApiBuilder, PathsBuilder};

use super::operation::{Describe, Invalid, Problem};
use super::schema::{ONE_TIME_TOKEN, reset_message, seconds, string};
use crate::OneTimePasswordReset;
use crate::answer::{
    ACCOUNT_NOT_APPROVED, INVALID_ONE_TIME_TOKEN, OPERATION_VETOED, TOO_MANY_REQUESTS,
    USER_NOT_FOUND,
};
use crate::validation_error::ValidationError;

/// OpenAPI description of [`password_reset_routes`](crate::password_reset_routes), to be nested under
/// the same prefix, beside [`AccountsApi`](crate::openapi::AccountsApi).
///
/// ```
/// use tower_warder_accounts::openapi::PasswordResetApi;
/// use utoipa::OpenApi;
///
/// let document = serde_json::to_value(PasswordResetApi::openapi()).unwrap();
/// let responses = &document["paths"]["/reset-password"]["post"]["responses"];
/// assert!(responses["400"].is_object());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PasswordResetApi;

impl OpenApi for PasswordResetApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let paths = PathsBuilder::new()
            .path(
                "/users/{id}/password-reset-token",
                PathItem::new(HttpMethod::Post, create_token()),
            )
            .path(
                "/reset-password",
                PathItem::new(HttpMethod::Post, reset_password()),
            );
        let components = ComponentsBuilder::new()
            .schema_from::<OneTimePasswordReset>()
            .schema_from::<Problem>()
            .schema_from::<Invalid>()
            .schema_from::<ValidationError>()
            .security_scheme(BEARER, SecurityScheme::Http(bearer()));
        OpenApiBuilder::new()
            .info(Info::new("Password resets", env!("CARGO_PKG_VERSION")))
            .paths(paths)
            .components(Some(components.build()))
            .build()
    }
}

fn create_token() -> Operation {
    let created = ObjectBuilder::new()
        .property("token", string().examples([ONE_TIME_TOKEN]))
        .required("token")
        .property("expires_in", seconds().examples([1800]))
        .required("expires_in");
    Describe::for_acting_admins(
        "create_password_reset_token",
        "Creates a one-time token for a new password of an account",
    )
    .description("To be handed over to the owner of the account, in the fragment of a link.")
    .id()
    .gives(StatusCode::CREATED, "The token.", created)
    .rejects([USER_NOT_FOUND, ACCOUNT_NOT_APPROVED])
    .build()
}

fn reset_password() -> Operation {
    Describe::open(
        "reset_password_by_token",
        "Sets a new password by a one-time token",
    )
    .description("Revokes every token and session of the account.")
    .json::<OneTimePasswordReset>()
    .gives(StatusCode::OK, "The password was changed.", reset_message())
    .rejects([INVALID_ONE_TIME_TOKEN, OPERATION_VETOED, TOO_MANY_REQUESTS])
    .build()
}
