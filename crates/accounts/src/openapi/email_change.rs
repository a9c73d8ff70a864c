//! OpenAPI description of the routes of the change of the own address.

use http::StatusCode;
use tower_warder::private::openapi::{BEARER, bearer};
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::security::SecurityScheme;
use utoipa::openapi::{Info, OpenApiBuilder, PathsBuilder};

use super::operation::{Describe, Invalid, Problem};
use super::schema::message;
use crate::answer::{INVALID_ONE_TIME_TOKEN, TOO_MANY_REQUESTS, WRONG_PASSWORD};
use crate::validation_error::ValidationError;
use crate::{EmailChange, EmailConfirmation};

/// OpenAPI description of [`email_change_routes`](crate::email_change_routes), to be nested under the
/// same prefix, beside [`AccountsApi`](crate::openapi::AccountsApi).
///
/// ```
/// use tower_warder_accounts::openapi::EmailChangeApi;
/// use utoipa::OpenApi;
///
/// let document = serde_json::to_value(EmailChangeApi::openapi()).unwrap();
/// let responses = &document["paths"]["/me/email"]["post"]["responses"];
/// assert!(responses["202"].is_object());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EmailChangeApi;

impl OpenApi for EmailChangeApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let paths = PathsBuilder::new()
            .path(
                "/me/email",
                PathItem::new(HttpMethod::Post, request_change()),
            )
            .path(
                "/change-email",
                PathItem::new(HttpMethod::Post, change_email()),
            );
        let components = ComponentsBuilder::new()
            .schema_from::<EmailChange>()
            .schema_from::<EmailConfirmation>()
            .schema_from::<Problem>()
            .schema_from::<Invalid>()
            .schema_from::<ValidationError>()
            .security_scheme(BEARER, SecurityScheme::Http(bearer()));
        OpenApiBuilder::new()
            .info(Info::new(
                "Change of the address",
                env!("CARGO_PKG_VERSION"),
            ))
            .paths(paths)
            .components(Some(components.build()))
            .build()
    }
}

fn request_change() -> Operation {
    let text = "If no other account has the address, it gets a mail";
    Describe::for_users(
        "request_email_change",
        "Sends a mail with a link that changes the address of the caller",
    )
    .description("The response is the same whether another account has the address or not.")
    .json::<EmailChange>()
    .gives(
        StatusCode::ACCEPTED,
        "The request was accepted.",
        message(text),
    )
    .rejects([WRONG_PASSWORD, TOO_MANY_REQUESTS])
    .build()
}

fn change_email() -> Operation {
    let text = "E-mail address changed";
    Describe::open(
        "change_email_by_token",
        "Changes an address by a one-time token",
    )
    .description("Revokes every token and session of the account.")
    .json::<EmailConfirmation>()
    .gives(StatusCode::OK, "The address was changed.", message(text))
    .rejects([INVALID_ONE_TIME_TOKEN, TOO_MANY_REQUESTS])
    .build()
}
