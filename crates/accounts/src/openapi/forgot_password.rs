//! OpenAPI description of the route of requests for a mail.

use http::StatusCode;
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::{Info, OpenApiBuilder, PathsBuilder};

use super::operation::{Describe, Invalid, Problem};
use super::schema::message;
use crate::MailRequest;
use crate::answer::TOO_MANY_REQUESTS;
use crate::validation_error::ValidationError;

/// OpenAPI description of [`forgot_password_routes`](crate::forgot_password_routes), to be nested under
/// the same prefix, beside [`PasswordResetApi`](crate::openapi::PasswordResetApi).
///
/// ```
/// use tower_warder_accounts::openapi::ForgotPasswordApi;
/// use utoipa::OpenApi;
///
/// let document = serde_json::to_value(ForgotPasswordApi::openapi()).unwrap();
/// let request = &document["paths"]["/forgot-password"]["post"];
/// assert!(request["responses"]["202"].is_object());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ForgotPasswordApi;

impl OpenApi for ForgotPasswordApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let paths = PathsBuilder::new().path(
            "/forgot-password",
            PathItem::new(HttpMethod::Post, forgot_password()),
        );
        let components = ComponentsBuilder::new()
            .schema_from::<MailRequest>()
            .schema_from::<Problem>()
            .schema_from::<Invalid>()
            .schema_from::<ValidationError>();
        OpenApiBuilder::new()
            .info(Info::new(
                "Mail for a new password",
                env!("CARGO_PKG_VERSION"),
            ))
            .paths(paths)
            .components(Some(components.build()))
            .build()
    }
}

fn forgot_password() -> Operation {
    let accepted = message("If there is an approved account, its owner gets a mail");
    Describe::always(
        "request_password_reset",
        "Sends a mail with a link for a new password",
    )
    .description("The response is the same for every address.")
    .json::<MailRequest>()
    .gives(StatusCode::ACCEPTED, "The request was accepted.", accepted)
    .rejects([TOO_MANY_REQUESTS])
    .build()
}
