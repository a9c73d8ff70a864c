//! The pages for people: log in, wait, look at the account, and for admins the users.
//!
//! They are in the binary and the same for everybody; the rest their scripts ask of the account
//! routes. Nothing is loaded from elsewhere.

use axum::http::StatusCode;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue,
};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_warder::error::AuthErrorKind;
use tower_warder::policy::Admin;
use tower_warder::response::{MakeErrorResponse, ProblemJson};
use tower_warder::{AuthError, RequireLayer};
use tower_warder_accounts::User;

use super::bootstrap::AwaitsSecret;

pub(crate) fn routes() -> Router {
    let public = Router::new()
        .route("/login", get(Html(include_str!("pages/login.html"))))
        .route("/register", get(register))
        .route("/waiting", get(Html(include_str!("pages/waiting.html"))));
    let approved = Router::new()
        .route("/", get(Redirect::to("/profile")))
        .route("/profile", get(Html(include_str!("pages/profile.html"))))
        .route_layer(RequireLayer::<User>::approved().on_rejection(turn_away));
    let admins = Router::new()
        .route("/users", get(Html(include_str!("pages/users.html"))))
        .route_layer(RequireLayer::<User>::new(Admin).on_rejection(turn_away));
    let pages = public.merge(approved).merge(admins);
    pages
        // After a log-out the back button asks the server, and comes to the log-in.
        .layer(header(CACHE_CONTROL, "no-store"))
        .merge(files())
        .layer(header(CONTENT_SECURITY_POLICY, POLICY))
}

/// Asks for the bootstrap secret as long as it makes an admin.
async fn register(awaits_secret: Option<Extension<AwaitsSecret>>) -> Html<String> {
    let page = include_str!("pages/register.html");
    let asks = match awaits_secret {
        Some(Extension(awaits_secret)) => awaits_secret.ask().await,
        None => false,
    };
    Html(if asks {
        page.replacen(" hidden disabled>", ">", 1)
    } else {
        page.to_owned()
    })
}

/// People are sent to the log-in or read why not; programs get what the API would say. The layer
/// adds the `Set-Cookie` that clears a rejected cookie.
fn turn_away(error: &AuthError, headers: &HeaderMap) -> Response {
    if !wants_page(headers) {
        return ProblemJson.response(error, headers);
    }
    let page = match error.kind() {
        AuthErrorKind::MissingCredential => return Redirect::to("/login").into_response(),
        _ if error.status() == StatusCode::UNAUTHORIZED => {
            return Redirect::to("/login?ended").into_response();
        }
        AuthErrorKind::Forbidden => include_str!("pages/forbidden.html"),
        // No redirect: an outage must not look like a log-out.
        AuthErrorKind::Unavailable => include_str!("pages/unavailable.html"),
        _ => return ProblemJson.response(error, headers),
    };
    (error.status(), Html(page)).into_response()
}

/// Whether `Accept` names `text/html` (RFC 9110, section 12.5.1). `*/*` does not: scripts send it.
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

/// Whether this means anything but what stands before it.
fn is_zero_weight(parameter: &[u8]) -> bool {
    match parameter {
        [b'q' | b'Q', b'=', weight @ ..] => weight.iter().all(|digit| b"0.".contains(digit)),
        _ => false,
    }
}

/// What the pages load.
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

const FILES: [(&str, &str, &str); 12] = [
    ("actions.js", SCRIPT, include_str!("pages/actions.js")),
    ("api.js", SCRIPT, include_str!("pages/api.js")),
    ("dialogs.js", SCRIPT, include_str!("pages/dialogs.js")),
    ("form.js", SCRIPT, include_str!("pages/form.js")),
    ("icon.svg", SVG, include_str!("pages/icon.svg")),
    ("login.js", SCRIPT, include_str!("pages/login.js")),
    ("member.js", SCRIPT, include_str!("pages/member.js")),
    ("profile.js", SCRIPT, include_str!("pages/profile.js")),
    ("register.js", SCRIPT, include_str!("pages/register.js")),
    ("show.js", SCRIPT, include_str!("pages/show.js")),
    ("style.css", CSS, include_str!("pages/style.css")),
    ("users.js", SCRIPT, include_str!("pages/users.js")),
];

const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Everything comes from this server. No form is sent without a script, and no script can make HTML
/// of a text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";
