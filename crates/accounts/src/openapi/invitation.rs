//! OpenAPI description of the routes of invitations.

use http::StatusCode;
use tower_warder::private::openapi::{BEARER, bearer};
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder};
use utoipa::openapi::security::SecurityScheme;
use utoipa::openapi::{Info, OpenApiBuilder, PathsBuilder};

use super::operation::{Describe, Invalid, Problem, reference};
use super::schema::{ONE_TIME_TOKEN, seconds, string};
use crate::answer::{EMAIL_TAKEN, INVALID_ONE_TIME_TOKEN, OPERATION_VETOED, TOO_MANY_REQUESTS};
use crate::validation_error::ValidationError;
use crate::{Invitation, OneTimePasswordReset, UserPublic};

/// OpenAPI description of [`invitation_routes`](crate::invitation_routes), to be nested under the same
/// prefix, beside [`AccountsApi`](crate::openapi::AccountsApi).
///
/// ```
/// use tower_warder_accounts::openapi::InvitationApi;
/// use utoipa::OpenApi;
///
/// let document = serde_json::to_value(InvitationApi::openapi()).unwrap();
/// let invite = &document["paths"]["/invitations"]["post"];
/// assert!(invite["responses"]["201"].is_object());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct InvitationApi;

impl OpenApi for InvitationApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let paths = PathsBuilder::new()
            .path("/invitations", PathItem::new(HttpMethod::Post, invite()))
            .path(
                "/accept-invitation",
                PathItem::new(HttpMethod::Post, accept()),
            );
        let components = ComponentsBuilder::new()
            .schema_from::<Invitation>()
            .schema_from::<OneTimePasswordReset>()
            .schema_from::<UserPublic>()
            .schema_from::<Problem>()
            .schema_from::<Invalid>()
            .schema_from::<ValidationError>()
            .security_scheme(BEARER, SecurityScheme::Http(bearer()));
        OpenApiBuilder::new()
            .info(Info::new("Invitations", env!("CARGO_PKG_VERSION")))
            .paths(paths)
            .components(Some(components.build()))
            .build()
    }
}

fn invite() -> Operation {
    let token = "For the fragment of a link. Absent if the link is sent by mail.";
    let token = string().examples([ONE_TIME_TOKEN]).description(Some(token));
    let created = ObjectBuilder::new()
        .property("user", reference::<UserPublic>())
        .required("user")
        .property("token", token)
        .property("expires_in", seconds().examples([604_800]));
    Describe::for_acting_admins("invite_user", "Invites the owner of an address")
        .description("Another invitation of the same address makes the earlier link invalid.")
        .json::<Invitation>()
        .gives(
            StatusCode::CREATED,
            "The account, without a password.",
            created,
        )
        .rejects([EMAIL_TAKEN, OPERATION_VETOED])
        .build()
}

fn accept() -> Operation {
    Describe::open(
        "accept_invitation",
        "Sets the first password of an account that was invited",
    )
    .description("Approves the account.")
    .json::<OneTimePasswordReset>()
    .gives(StatusCode::OK, "The account.", reference::<UserPublic>())
    .rejects([INVALID_ONE_TIME_TOKEN, OPERATION_VETOED, TOO_MANY_REQUESTS])
    .build()
}
