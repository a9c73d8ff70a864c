//! OpenAPI description of the routes of audit events.

use http::StatusCode;
use tower_warder::private::openapi::{BEARER, bearer};
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder};
use utoipa::openapi::security::SecurityScheme;
use utoipa::openapi::{Info, OpenApiBuilder, PathsBuilder};

use super::operation::{Describe, Invalid, Problem, reference};
use super::schema::{integer, string};
use crate::AuditEvent;
use crate::answer::USER_NOT_FOUND;
use crate::audit_parameters::{DEFAULT_EVENTS, MAX_EVENTS};
use crate::audit_routes::LastLogin;
use crate::validation_error::ValidationError;

/// OpenAPI description of [`audit_routes`](crate::audit_routes()), to be nested under the same prefix,
/// beside [`AccountsApi`](crate::openapi::AccountsApi).
///
/// ```
/// use tower_warder_accounts::openapi::AuditApi;
/// use utoipa::OpenApi;
///
/// let document = serde_json::to_value(AuditApi::openapi()).unwrap();
/// let events = &document["paths"]["/users/{id}/events"]["get"];
/// assert_eq!(events["responses"]["404"]["description"], "User not found");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AuditApi;

impl OpenApi for AuditApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let paths = PathsBuilder::new()
            .path(
                "/users/{id}/events",
                PathItem::new(HttpMethod::Get, events()),
            )
            .path(
                "/users/logins/last",
                PathItem::new(HttpMethod::Get, last_logins()),
            );
        let components = ComponentsBuilder::new()
            .schema_from::<AuditEvent>()
            .schema_from::<LastLogin>()
            .schema_from::<Problem>()
            .schema_from::<Invalid>()
            .schema_from::<ValidationError>()
            .security_scheme(BEARER, SecurityScheme::Http(bearer()));
        OpenApiBuilder::new()
            .info(Info::new("Audit events", env!("CARGO_PKG_VERSION")))
            .paths(paths)
            .components(Some(components.build()))
            .build()
    }
}

fn events() -> Operation {
    let limit = integer()
        .minimum(Some(1))
        .maximum(Some(MAX_EVENTS))
        .default(Some(DEFAULT_EVENTS.into()));
    Describe::for_admins(
        "list_user_events",
        "Lists the last audit events of an account",
    )
    .id()
    .query("limit", "Maximum number of events.", limit)
    .gives(
        StatusCode::OK,
        "The events, newest first.",
        ArrayBuilder::new().items(reference::<AuditEvent>()),
    )
    .rejects([USER_NOT_FOUND])
    .build()
}

fn last_logins() -> Operation {
    Describe::for_admins("list_last_logins", "The last log-ins of accounts")
        .query(
            "ids",
            "Ids of up to 100 accounts, with commas between them.",
            string().examples(["7,12"]).pattern(Some(IDS)),
        )
        .gives(
            StatusCode::OK,
            "The log-ins. Accounts without one are left out.",
            ArrayBuilder::new().items(reference::<LastLogin>()),
        )
        .build()
}

const IDS: &str = "^((0|-?[1-9][0-9]{0,17})(,(0|-?[1-9][0-9]{0,17})){0,99})?$";
