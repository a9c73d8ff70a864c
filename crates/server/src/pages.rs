//! HTML pages: log-in, registration, profile, and user administration.
//!
//! They are compiled into the binary and contain no user data; their scripts call the account
//! routes. No resource is loaded from another server.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue,
};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::get;
use axum::{Extension, Router};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_warder::error::AuthErrorKind;
use tower_warder::policy::Admin;
use tower_warder::response::{MakeErrorResponse, ProblemJson};
use tower_warder::{AuthError, RequireLayer};
use tower_warder_accounts::User;

use super::bootstrap::AwaitsSecret;
use super::site::Site;

pub(crate) fn routes(site: &Site) -> Router {
    let page = |text| get(Html(site.fill(text)));
    let register_page = site.fill(include_str!("pages/register.html"));
    let register = move |awaits_secret| register(register_page, awaits_secret);
    let public = Router::new()
        .route("/login", page(include_str!("pages/login.html")))
        .route("/register", get(register))
        .route("/waiting", page(include_str!("pages/waiting.html")));
    let approved = Router::new()
        .route("/", get(Redirect::to("/profile")))
        .route("/profile", page(include_str!("pages/profile.html")))
        .route_layer(RequireLayer::<User>::approved().on_rejection(rejection(site)));
    let admins = Router::new()
        .route("/users", page(include_str!("pages/users.html")))
        .route_layer(RequireLayer::<User>::new(Admin).on_rejection(rejection(site)));
    let pages = public.merge(approved).merge(admins);
    pages
        // After a log-out the back button must reload the page, which redirects to the log-in.
        .layer(header(CACHE_CONTROL, "no-store"))
        .merge(files())
        .layer(header(CONTENT_SECURITY_POLICY, POLICY))
}

/// Shows the field for the bootstrap secret as long as it creates an admin.
async fn register(page: String, awaits_secret: Option<Extension<AwaitsSecret>>) -> Html<String> {
    let asks = match awaits_secret {
        Some(Extension(awaits_secret)) => awaits_secret.ask().await,
        None => false,
    };
    Html(if asks {
        page.replacen(" hidden disabled>", ">", 1)
    } else {
        page
    })
}

/// Redirects browsers to the log-in or shows an error page; other clients get the response of the
/// API. The layer adds the `Set-Cookie` that clears a rejected cookie.
fn rejection(site: &Site) -> impl MakeErrorResponse<Body> + Clone + use<> {
    let forbidden = site.fill(include_str!("pages/forbidden.html"));
    let unavailable = site.fill(include_str!("pages/unavailable.html"));
    move |error: &AuthError, headers: &HeaderMap| {
        if !wants_page(headers) {
            return ProblemJson.response(error, headers);
        }
        let page = match error.kind() {
            AuthErrorKind::MissingCredential => return Redirect::to("/login").into_response(),
            _ if error.status() == StatusCode::UNAUTHORIZED => {
                return Redirect::to("/login?ended").into_response();
            }
            AuthErrorKind::Forbidden => &forbidden,
            // No redirect: an outage must not look like a log-out.
            AuthErrorKind::Unavailable => &unavailable,
            _ => return ProblemJson.response(error, headers),
        };
        (error.status(), Html(page.clone())).into_response()
    }
}

/// Returns `true` if `Accept` contains `text/html` (RFC 9110, section 12.5.1). `*/*` does not
/// count: scripts send it.
fn wants_page(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter();
    let mut ranges = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    ranges.any(|range| {
        let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(b"text/html"));
        named && !parts.any(is_zero_weight)
    })
}

/// Returns `true` for the weight 0, which excludes the range (RFC 9110, section 12.4.2).
fn is_zero_weight(parameter: &[u8]) -> bool {
    match parameter {
        [b'q' | b'Q', b'=', weight @ ..] => weight.iter().all(|digit| b"0.".contains(digit)),
        _ => false,
    }
}

/// Routes of scripts, styles and icons.
fn files() -> Router {
    let route = |router: Router, (name, content_type, text)| {
        let file = get(([(CONTENT_TYPE, content_type)], text));
        router.route(&format!("/pages/{name}"), file)
    };
    FILES
        .into_iter()
        .fold(Router::new(), route)
        .layer(header(CACHE_CONTROL, "max-age=60"))
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

const FILES: [(&str, &str, &str); 16] = [
    ("actions.js", SCRIPT, include_str!("pages/actions.js")),
    ("api.js", SCRIPT, include_str!("pages/api.js")),
    ("dialogs.js", SCRIPT, include_str!("pages/dialogs.js")),
    ("events.js", SCRIPT, include_str!("pages/events.js")),
    ("form.js", SCRIPT, include_str!("pages/form.js")),
    ("icon.svg", SVG, include_str!("pages/icon.svg")),
    ("login.js", SCRIPT, include_str!("pages/login.js")),
    ("member.js", SCRIPT, include_str!("pages/member.js")),
    ("menu.js", SCRIPT, include_str!("pages/menu.js")),
    ("profile.js", SCRIPT, include_str!("pages/profile.js")),
    ("register.js", SCRIPT, include_str!("pages/register.js")),
    ("show.js", SCRIPT, include_str!("pages/show.js")),
    ("style.css", CSS, include_str!("pages/style.css")),
    ("user_pages.js", SCRIPT, include_str!("pages/user_pages.js")),
    ("user_row.js", SCRIPT, include_str!("pages/user_row.js")),
    ("users.js", SCRIPT, include_str!("pages/users.js")),
];

const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Allows only this server as source, no form submission without a script, and no HTML from text in
/// scripts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";
