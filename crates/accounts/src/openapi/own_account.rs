//! OpenAPI description of the routes for the owner of an account.

use http::StatusCode;
use http::header::CONTENT_DISPOSITION;
use tower_warder::private::openapi::{BEARER, bearer};
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::security::SecurityScheme;
use utoipa::openapi::{Info, OpenApiBuilder, PathsBuilder};

use super::operation::{Describe, Invalid, Problem, reference};
use super::schema::string;
use crate::answer::{LAST_ADMIN_LEAVES, OPERATION_VETOED, TOO_MANY_REQUESTS, WRONG_PASSWORD};
use crate::own_account_input::{NewDisplayName, OwnPassword};
use crate::validation_error::ValidationError;
use crate::{AccountExport, AuditEvent, SessionPublic, UserPublic};

/// OpenAPI description of [`own_account_routes`](crate::own_account_routes()), to be nested under the
/// same prefix, beside [`AccountsApi`](crate::openapi::AccountsApi).
///
/// ```
/// use tower_warder_accounts::openapi::OwnAccountApi;
/// use utoipa::OpenApi;
///
/// let document = serde_json::to_value(OwnAccountApi::openapi()).unwrap();
/// let responses = &document["paths"]["/me/delete"]["post"]["responses"];
/// assert!(responses["409"].is_object());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OwnAccountApi;

impl OpenApi for OwnAccountApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let paths = PathsBuilder::new()
            .path(
                "/me/display-name",
                PathItem::new(HttpMethod::Put, set_display_name()),
            )
            .path("/me/delete", PathItem::new(HttpMethod::Post, delete()))
            .path("/me/export", PathItem::new(HttpMethod::Post, export()));
        let components = ComponentsBuilder::new()
            .schema_from::<NewDisplayName>()
            .schema_from::<OwnPassword>()
            .schema_from::<AccountExport>()
            .schema_from::<UserPublic>()
            .schema_from::<SessionPublic>()
            .schema_from::<AuditEvent>()
            .schema_from::<Problem>()
            .schema_from::<Invalid>()
            .schema_from::<ValidationError>()
            .security_scheme(BEARER, SecurityScheme::Http(bearer()));
        OpenApiBuilder::new()
            .info(Info::new("Own account", env!("CARGO_PKG_VERSION")))
            .paths(paths)
            .components(Some(components.build()))
            .build()
    }
}

fn set_display_name() -> Operation {
    Describe::for_users("set_display_name", "Sets the display name of the caller")
        .json::<NewDisplayName>()
        .gives(
            StatusCode::OK,
            "The account after the change.",
            reference::<UserPublic>(),
        )
        .rejects([TOO_MANY_REQUESTS])
        .build()
}

fn delete() -> Operation {
    Describe::for_users("delete_own_account", "Deletes the account of the caller")
        .description("Ends every session, and clears the cookie if it was sent.")
        .json::<OwnPassword>()
        .gives_nothing(StatusCode::NO_CONTENT, "The account was deleted.")
        .sets_cookie(StatusCode::NO_CONTENT)
        .rejects([WRONG_PASSWORD, LAST_ADMIN_LEAVES])
        .rejects([OPERATION_VETOED, TOO_MANY_REQUESTS])
        .build()
}

fn export() -> Operation {
    Describe::for_users(
        "export_own_account",
        "Exports what is stored about the account",
    )
    .json::<OwnPassword>()
    .gives(StatusCode::OK, "The data.", reference::<AccountExport>())
    .header(
        StatusCode::OK,
        CONTENT_DISPOSITION,
        "Name of the file.",
        string(),
    )
    .rejects([WRONG_PASSWORD, TOO_MANY_REQUESTS])
    .build()
}
