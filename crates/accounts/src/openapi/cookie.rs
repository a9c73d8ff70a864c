//! OpenAPI description of the cookie routes.

use http::StatusCode;
use tower_warder::private::{DISABLED, PENDING, WRONG_CREDENTIALS};
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::{Info, OpenApiBuilder, PathsBuilder};

use super::operation::{Describe, Invalid, Problem, reference};
use crate::answer::{OPERATION_VETOED, TOO_MANY_REQUESTS};
use crate::validation_error::ValidationError;
use crate::{UserLogin, UserPublic};

/// OpenAPI description of [`cookie_routes`](crate::cookie_routes), to be nested under the same
/// prefix, beside [`AccountsApi`](crate::openapi::AccountsApi).
///
/// [`SecuritySchemes::cookie`](tower_warder::openapi::SecuritySchemes::cookie) describes the cookie
/// as a security scheme.
///
/// ```
/// use tower_warder_accounts::openapi::CookieApi;
/// use utoipa::OpenApi;
///
/// let document = serde_json::to_value(CookieApi::openapi()).unwrap();
/// let login = &document["paths"]["/cookie/login"]["post"];
/// assert!(login["responses"]["200"]["headers"]["set-cookie"].is_object());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CookieApi;

impl OpenApi for CookieApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let paths = PathsBuilder::new()
            .path("/cookie/login", PathItem::new(HttpMethod::Post, login()))
            .path("/cookie/logout", PathItem::new(HttpMethod::Post, logout()));
        let components = ComponentsBuilder::new()
            .schema_from::<UserPublic>()
            .schema_from::<UserLogin>()
            .schema_from::<Problem>()
            .schema_from::<Invalid>()
            .schema_from::<ValidationError>();
        OpenApiBuilder::new()
            .info(Info::new("Cookie", env!("CARGO_PKG_VERSION")))
            .paths(paths)
            .components(Some(components.build()))
            .build()
    }
}

fn login() -> Operation {
    Describe::open("cookie_login", "Logs a browser in")
        .description(
            "Opens a session, and sets its token as an HttpOnly cookie. Ends the session of the \
             cookie that was sent.",
        )
        .form::<UserLogin>()
        .gives(StatusCode::OK, "The account.", reference::<UserPublic>())
        .sets_cookie(StatusCode::OK)
        .rejects([
            WRONG_CREDENTIALS,
            PENDING,
            DISABLED,
            OPERATION_VETOED,
            TOO_MANY_REQUESTS,
        ])
        .rejects_challenged()
        .rejects_cross_origin()
        .build()
}

fn logout() -> Operation {
    Describe::open("cookie_logout", "Logs a browser out")
        .description(
            "Ends the session of the cookie, if there is one, and clears the cookie. Responds 400 \
             if it was sent more than eight times.",
        )
        .gives_nothing(StatusCode::NO_CONTENT, "The cookie was cleared.")
        .sets_cookie(StatusCode::NO_CONTENT)
        .rejects_several_credentials()
        .rejects_cross_origin()
        .build()
}
