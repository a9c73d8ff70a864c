//! OpenAPI document and API page.

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_warder::credentials::AuthCookie;
use tower_warder::openapi::SecuritySchemes;
use tower_warder_accounts::openapi::{
    AccountsApi, AuditApi, CookieApi, EmailChangeApi, EmailVerificationApi, ForgotPasswordApi,
    InvitationApi, OwnAccountApi, PasswordResetApi, RefreshApi, RegistrationApi, SessionsApi,
    TicketApi,
};
use utoipa::openapi::{RefOr, Schema, Server};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::site::Site;
use super::stream_limit::TOO_MANY_STREAMS;
use super::{origin, stream_api};

/// Routes of the document at `/api/openapi.json` and the page at `/api/docs`, whose "Authorize"
/// logs in.
pub(crate) fn routes(site: &Site, cookie: &AuthCookie, parts: Parts) -> Router {
    let document = document(site, cookie, parts);
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

/// Optional routes of the accounts, by whether they exist.
#[derive(Clone, Copy)]
pub(crate) struct Parts {
    pub(crate) sessions: bool,
    pub(crate) refresh: bool,
    pub(crate) resets: bool,
    pub(crate) mail: bool,
    pub(crate) verification: bool,
    pub(crate) by_mail: bool,
    pub(crate) events: bool,
}

fn document(site: &Site, cookie: &AuthCookie, parts: Parts) -> utoipa::openapi::OpenApi {
    let mut document = Api::openapi();
    if parts.sessions {
        document = document.nest("/api/auth", SessionsApi::openapi());
    }
    if parts.refresh {
        document = document.nest("/api/auth", RefreshApi::openapi());
    }
    if parts.resets {
        document = document.nest("/api/auth", PasswordResetApi::openapi());
        document = document.nest("/api/auth", InvitationApi::openapi());
    }
    if parts.mail {
        document = document.nest("/api/auth", ForgotPasswordApi::openapi());
    }
    if parts.verification {
        document = document.nest("/api/auth", EmailVerificationApi::openapi());
        document = document.nest("/api/auth", EmailChangeApi::openapi());
    }
    if parts.by_mail {
        document = document.nest("/api/auth", RegistrationApi::openapi());
    }
    if parts.events {
        document = document.nest("/api/auth", AuditApi::openapi());
    }
    stream_api::describe(&mut document);
    add_codes(&mut document);
    SECURITY.cookie(cookie.name()).modify(&mut document);
    document.info.title = site.product_name.to_string();
    // That of this crate says nothing about the application.
    document.info.license = None;
    // Without an origin, paths are relative to the server of the document (OpenAPI, section 4.8.1).
    let origin = site.public_origin.as_ref();
    document.servers = origin.map(|origin| vec![Server::new(origin.to_string())]);
    document
}

/// Adds the codes that the account routes do not have.
fn add_codes(document: &mut utoipa::openapi::OpenApi) {
    let schemas = document.components.as_mut().map(|it| &mut it.schemas);
    let problem = schemas.and_then(|it| it.get_mut(stream_api::PROBLEM));
    if let Some(RefOr::T(Schema::Object(problem))) = problem
        && let Some(RefOr::T(Schema::Object(code))) = problem.properties.get_mut("code")
    {
        let own = [TOO_MANY_STREAMS.2].into_iter().chain(origin::CODES);
        let codes = code.enum_values.get_or_insert_default();
        codes.extend(own.map(Into::into));
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        description = "Accounts, log-in and events. Authorize with e-mail and password: \
            client id and secret stay empty.",
    ),
    nest(
        (path = "/api/auth", api = AccountsApi),
        (path = "/api/auth", api = CookieApi),
        (path = "/api/auth", api = OwnAccountApi),
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
