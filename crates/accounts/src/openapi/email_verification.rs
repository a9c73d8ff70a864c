//! OpenAPI description of the routes of the verification of addresses.

use http::StatusCode;
use tower_warder::UserStatus;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder};
use utoipa::openapi::{Info, OpenApiBuilder, PathsBuilder};
use utoipa::{OpenApi, PartialSchema};

use super::operation::{Describe, Invalid, Problem};
use super::schema::{message, string};
use crate::answer::{INVALID_ONE_TIME_TOKEN, TOO_MANY_REQUESTS};
use crate::validation_error::ValidationError;
use crate::{EmailConfirmation, MailRequest};

/// OpenAPI description of [`email_verification_routes`](crate::email_verification_routes), to be nested
/// under the same prefix, beside [`AccountsApi`](crate::openapi::AccountsApi).
///
/// ```
/// use tower_warder_accounts::openapi::EmailVerificationApi;
/// use utoipa::OpenApi;
///
/// let document = serde_json::to_value(EmailVerificationApi::openapi()).unwrap();
/// let responses = &document["paths"]["/verify-email"]["post"]["responses"];
/// assert!(responses["400"].is_object());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EmailVerificationApi;

impl OpenApi for EmailVerificationApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let paths = PathsBuilder::new()
            .path(
                "/verify-email",
                PathItem::new(HttpMethod::Post, verify_email()),
            )
            .path(
                "/verify-email/request",
                PathItem::new(HttpMethod::Post, request_mail()),
            );
        let components = ComponentsBuilder::new()
            .schema_from::<EmailConfirmation>()
            .schema_from::<MailRequest>()
            .schema_from::<Problem>()
            .schema_from::<Invalid>()
            .schema_from::<ValidationError>();
        OpenApiBuilder::new()
            .info(Info::new(
                "Verification of addresses",
                env!("CARGO_PKG_VERSION"),
            ))
            .paths(paths)
            .components(Some(components.build()))
            .build()
    }
}

fn verify_email() -> Operation {
    let verified = ObjectBuilder::new()
        .property("message", string().examples(["E-mail address verified"]))
        .required("message")
        .property("status", UserStatus::schema())
        .required("status");
    Describe::open("verify_email", "Verifies an address by a one-time token")
        .description("Gives no access: a pending account still waits for approval.")
        .json::<EmailConfirmation>()
        .gives(StatusCode::OK, "The address is verified.", verified)
        .rejects([INVALID_ONE_TIME_TOKEN, TOO_MANY_REQUESTS])
        .build()
}

fn request_mail() -> Operation {
    let accepted =
        message("If there is an account whose address is not verified, its owner gets a mail");
    Describe::always(
        "request_email_verification",
        "Sends a mail with a link that verifies the address",
    )
    .description("The response is the same for every address.")
    .json::<MailRequest>()
    .gives(StatusCode::ACCEPTED, "The request was accepted.", accepted)
    .rejects([TOO_MANY_REQUESTS])
    .build()
}
