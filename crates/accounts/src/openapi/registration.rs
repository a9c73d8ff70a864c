//! OpenAPI description of the route of the end of a registration by mail.

use http::StatusCode;
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::{Info, OpenApiBuilder, PathsBuilder};

use super::operation::{Describe, Invalid, Problem, reference};
use crate::answer::{INVALID_ONE_TIME_TOKEN, OPERATION_VETOED, TOO_MANY_REQUESTS};
use crate::validation_error::ValidationError;
use crate::{OneTimePasswordReset, UserPublic};

/// OpenAPI description of [`registration_routes`](crate::registration_routes), to be nested under the
/// same prefix, beside [`AccountsApi`](crate::openapi::AccountsApi).
///
/// ```
/// use tower_warder_accounts::openapi::RegistrationApi;
/// use utoipa::OpenApi;
///
/// let document = serde_json::to_value(RegistrationApi::openapi()).unwrap();
/// let complete = &document["paths"]["/complete-registration"]["post"];
/// assert!(complete["responses"]["200"].is_object());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RegistrationApi;

impl OpenApi for RegistrationApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let paths = PathsBuilder::new().path(
            "/complete-registration",
            PathItem::new(HttpMethod::Post, complete()),
        );
        let components = ComponentsBuilder::new()
            .schema_from::<OneTimePasswordReset>()
            .schema_from::<UserPublic>()
            .schema_from::<Problem>()
            .schema_from::<Invalid>()
            .schema_from::<ValidationError>();
        OpenApiBuilder::new()
            .info(Info::new("Registration by mail", env!("CARGO_PKG_VERSION")))
            .paths(paths)
            .components(Some(components.build()))
            .build()
    }
}

fn complete() -> Operation {
    Describe::open(
        "complete_registration",
        "Sets the password at the end of a registration by mail",
    )
    .description("The account then waits for approval, unless it is the first admin.")
    .json::<OneTimePasswordReset>()
    .gives(StatusCode::OK, "The account.", reference::<UserPublic>())
    .rejects([INVALID_ONE_TIME_TOKEN, OPERATION_VETOED, TOO_MANY_REQUESTS])
    .build()
}
