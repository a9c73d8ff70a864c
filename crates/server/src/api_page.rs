//! OpenAPI document and API page.

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_warder::credentials::AuthCookie;
use tower_warder::openapi::SecuritySchemes;
use tower_warder_accounts::openapi::{AccountsApi, CookieApi, RefreshApi, SessionsApi, TicketApi};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Routes of the document at `/api/openapi.json` and the page at `/api/docs`, whose "Authorize"
/// logs in.
pub(crate) fn routes(cookie: &AuthCookie, sessions: bool, refresh: bool) -> Router {
    let mut document = Api::openapi();
    if sessions {
        document = document.nest("/api/auth", SessionsApi::openapi());
    }
    if refresh {
        document = document.nest("/api/auth", RefreshApi::openapi());
    }
    SECURITY.cookie(cookie.name()).modify(&mut document);
    // Without the validator badge, which an external server draws, and without the top bar, whose
    // logo has an inline style.
    let config = Config::from(DOCUMENT)
        .validator_url("none")
        .use_base_layout();
    let page = SwaggerUi::new("/api/docs").url(DOCUMENT, document);
    let policy = HeaderValue::from_static(POLICY);
    let policy = SetResponseHeaderLayer::overriding(CONTENT_SECURITY_POLICY, policy);
    Router::from(page.config(config)).layer(policy)
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Accounts",
        description = "The login server of tower-warder. Authorize with e-mail and password: \
            client id and secret stay empty.",
    ),
    nest(
        (path = "/api/auth", api = AccountsApi),
        (path = "/api/auth", api = CookieApi),
        (path = "/api/auth", api = TicketApi),
    ),
)]
struct Api;

const SECURITY: SecuritySchemes<'static> = SecuritySchemes::new()
    .bearer()
    .password_flow("/api/auth/login");

const DOCUMENT: &str = "/api/openapi.json";

/// Allows only this server as source, except icons that are in the style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";
