//! HTML pages: log-in, registration, new password, profile, and user administration.
//!
//! They are compiled into the binary and contain no user data; their scripts call the account
//! routes. No resource is loaded from another server. Log-in, registration and log-out also work
//! without JavaScript.

mod messages;
mod own_path;
mod files;
mod waiting;
mod form_posts;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap,
    HeaderName, HeaderValue, LOCATION,
};
use axum::http::{Extensions, Method, StatusCode, Uri, response};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use tokio::time::timeout;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_warder::credentials::AuthCookie;
use tower_warder::error::AuthErrorKind;
use tower_warder::policy::{Admin, Approved};
use tower_warder::{AuthError, Identity, JwtVerifier, RequireLayer};
use tower_warder_accounts::{AccountStore, Accounts, Registration, User};

use super::bootstrap::AwaitsFirstAdmin;
use super::site::Site;

pub(crate) use self::waiting::WaitingCookie;

/// Returns the routes of the pages. `api` has the routes of accounts, without their prefix.
pub(crate) fn routes<S: AccountStore>(
    site: &Site,
    api: Router,
    accounts: Accounts<S>,
    verifier: JwtVerifier,
    cookie: AuthCookie,
    waiting: WaitingCookie,
) -> Router {
    let has_mail = accounts.has_mail();
    let verifies = accounts.has_email_verification();
    let registration = accounts.registration_mode();
    let pages = Arc::new(Pages::new(site, has_mail, verifies, registration));
    let mut public = Router::new()
        .route("/login", get(log_in))
        .route("/register", get(register))
        .route("/reset-password", get(Html(pages.reset_password.clone())))
        .route(
            "/accept-invitation",
            get(Html(pages.accept_invitation.clone())),
        )
        .with_state(Arc::clone(&pages))
        .merge(waiting::routes(
            Arc::clone(&pages),
            accounts,
            verifier,
            waiting.clone(),
        ));
    if has_mail {
        let page = Html(pages.forgot_password.clone());
        public = public.route("/forgot-password", get(page));
    }
    if verifies {
        let page = Html(pages.verify_email.clone());
        let change = Html(pages.change_email.clone());
        public = public
            .route("/verify-email", get(page))
            .route("/change-email", get(change));
    }
    if registration == Registration::ByMail {
        let page = Html(password_link(site, &COMPLETE_REGISTRATION));
        public = public.route("/complete-registration", get(page));
    }
    let approved = Router::new()
        .route("/", get(Redirect::to("/profile")))
        .route("/profile", get(Html(pages.profile.clone())))
        .route_layer(RequireLayer::<User>::approved());
    let admins = Router::new()
        .route("/users", get(Html(pages.users.clone())))
        .route_layer(RequireLayer::<User>::new(Admin));
    let with_slash = [
        "/login/",
        "/register/",
        "/forgot-password/",
        "/reset-password/",
        "/verify-email/",
        "/change-email/",
        "/accept-invitation/",
        "/complete-registration/",
        "/waiting/",
        "/profile/",
        "/users/",
    ]
    .into_iter()
    .fold(Router::new(), |router, path| {
        router.route(path, get(without_slash))
    });
    let read = public
        .merge(approved)
        .merge(admins)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&pages),
            show_errors,
        ))
        .merge(with_slash)
        .merge(files::routes(site.accent_color));
    let page = pages.not_found.clone();
    // Posts are answered with cookies, and with text of the request in the page: not compressed.
    let posts = form_posts::routes(pages, api, cookie, waiting);
    compressed(read)
        .merge(posts)
        .fallback(async move |headers: HeaderMap| not_found(page, &headers))
        // After a log-out the back button must reload the page, which redirects to the log-in.
        .layer(SetResponseHeaderLayer::if_not_present(
            CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .layer(header(CONTENT_SECURITY_POLICY, POLICY))
}

/// Compresses the responses of routes that have no secrets: an attacker who adds text of their own
/// to a compressed response could guess the rest by its length (BREACH).
pub(crate) fn compressed(routes: Router) -> Router {
    routes.layer(CompressionLayer::new())
}

/// The pages, with the name of the application.
struct Pages {
    site: Site,
    profile: String,
    users: String,
    reset_password: String,
    accept_invitation: String,
    forgot_password: String,
    verify_email: String,
    change_email: String,
    has_mail: bool,
    verifies: bool,
    registration: Registration,
    forbidden: String,
    refused: String,
    unavailable: String,
    not_found: String,
}

impl Pages {
    fn new(site: &Site, has_mail: bool, verifies: bool, registration: Registration) -> Self {
        let page = |text| site.fill(text, &[]);
        let verification = if verifies { "on" } else { "off" };
        let with_verification = |text| site.fill(text, &[("verification", verification)]);
        Self {
            site: site.clone(),
            profile: with_verification(include_str!("pages/profile.html")),
            users: with_verification(include_str!("pages/users.html")),
            reset_password: password_link(site, &RESET_PASSWORD),
            accept_invitation: password_link(site, &ACCEPT_INVITATION),
            forgot_password: page(include_str!("pages/forgot_password.html")),
            verify_email: page(include_str!("pages/verify_email.html")),
            change_email: page(include_str!("pages/change_email.html")),
            has_mail,
            verifies,
            registration,
            forbidden: page(include_str!("pages/forbidden.html")),
            refused: page(include_str!("pages/refused.html")),
            unavailable: page(include_str!("pages/unavailable.html")),
            not_found: page(include_str!("pages/not_found.html")),
        }
    }

    /// The query says why the user has to log in.
    fn log_in(&self, query: Option<&str>, email: &str, error: &str) -> String {
        let registers = self.registration != Registration::Closed;
        let note = |reason| shown(own_path::has(query, reason));
        let values = [
            ("ended", note("ended")),
            ("again", note(AGAIN)),
            ("email", email),
            ("error", error),
            ("by_mail", shown(self.has_mail)),
            ("by_admin", shown(!self.has_mail)),
            ("registers", shown(registers)),
        ];
        self.site.fill(include_str!("pages/login.html"), &values)
    }

    fn register(&self, first_admin: FirstAdmin, email: &str, error: &str) -> String {
        let is_closed =
            self.registration == Registration::Closed && first_admin == FirstAdmin::Exists;
        self.register_page(!is_closed, is_closed, first_admin, email, error)
    }

    /// The answer to a registration by mail.
    fn mailed(&self) -> String {
        self.register_page(false, false, FirstAdmin::Exists, "", "")
    }

    fn register_page(
        &self,
        has_form: bool,
        is_closed: bool,
        first_admin: FirstAdmin,
        email: &str,
        error: &str,
    ) -> String {
        let by_mail = self.registration == Registration::ByMail;
        let values = [
            ("form", shown(has_form)),
            ("closed", shown(is_closed)),
            ("mailed", shown(!has_form && !is_closed)),
            ("by_mail", shown(by_mail)),
            ("with_password", enabled(!by_mail)),
            ("first_admin", enabled(first_admin == FirstAdmin::BySecret)),
            ("email", email),
            ("error", error),
        ];
        self.site.fill(include_str!("pages/register.html"), &values)
    }

    fn waiting(&self, is_rejected: bool) -> String {
        let values = [
            ("waiting", shown(!is_rejected)),
            ("rejected", shown(is_rejected)),
            ("verification", shown(self.verifies)),
        ];
        self.site.fill(include_str!("pages/waiting.html"), &values)
    }

    /// Returns how a registration can create the first admin.
    async fn first_admin(&self, extensions: &Extensions) -> FirstAdmin {
        let Some(awaits) = extensions.get::<AwaitsFirstAdmin>() else {
            return FirstAdmin::Exists;
        };
        // Only a closed registration depends on it.
        if !awaits.is_by_secret() && self.registration != Registration::Closed {
            return FirstAdmin::Exists;
        }
        match in_time(awaits.ask()).await {
            Some(true) if awaits.is_by_secret() => FirstAdmin::BySecret,
            Some(true) => FirstAdmin::FirstAccount,
            _ => FirstAdmin::Exists,
        }
    }
}

/// How a registration can create the first admin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FirstAdmin {
    Exists,
    FirstAccount,
    BySecret,
}

/// Texts of a page that sets a password by a link, and the route that it calls.
struct PasswordLink {
    title: &'static str,
    label: &'static str,
    route: &'static str,
    done: &'static str,
}

const RESET_PASSWORD: PasswordLink = PasswordLink {
    title: "New password",
    label: "New password",
    route: "reset-password",
    done: "Your new password is set, and every log-in of your account has ended.",
};

const ACCEPT_INVITATION: PasswordLink = PasswordLink {
    title: "Welcome",
    label: "Password",
    route: "accept-invitation",
    done: "Your password is set: log in with it and your e-mail.",
};

const COMPLETE_REGISTRATION: PasswordLink = PasswordLink {
    title: "Register",
    label: "Password",
    route: "complete-registration",
    done: "Your password is set: log in with it and your e-mail.",
};

fn password_link(site: &Site, link: &PasswordLink) -> String {
    let values = [
        ("title", link.title),
        ("label", link.label),
        ("route", link.route),
        ("done", link.done),
    ];
    site.fill(include_str!("pages/password_link.html"), &values)
}

/// Leads on if the user is logged in already, unless a more recent log-in is required.
async fn log_in(
    State(pages): State<Arc<Pages>>,
    identity: Identity<User>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.as_deref();
    if !own_path::has(query, AGAIN) && is_logged_in(&identity).await {
        return Redirect::to(&own_path::wanted(query)).into_response();
    }
    Html(pages.log_in(query, "", "")).into_response()
}

async fn register(
    State(pages): State<Arc<Pages>>,
    identity: Identity<User>,
    request: Request,
) -> Response {
    if is_logged_in(&identity).await {
        return Redirect::to(&own_path::wanted(request.uri().query())).into_response();
    }
    let first_admin = pages.first_admin(request.extensions()).await;
    Html(pages.register(first_admin, "", "")).into_response()
}

/// Returns `false` for a dead cookie, and during an outage: the page is needed then.
async fn is_logged_in(identity: &Identity<User>) -> bool {
    !identity.is_anonymous() && matches!(in_time(identity.require(&Approved)).await, Some(Ok(_)))
}

/// Returns `None` after half a second: a public page does not wait for a store that is away.
async fn in_time<T>(answer: impl Future<Output = T>) -> Option<T> {
    timeout(MAX_WAIT, answer).await.ok()
}

/// Redirects a path with a slash at its end, as people type it, to the page.
async fn without_slash(uri: Uri) -> Redirect {
    let path = uri.path().trim_end_matches('/');
    match uri.query() {
        Some(query) => Redirect::permanent(&format!("{path}?{query}")),
        None => Redirect::permanent(path),
    }
}

fn not_found(page: String, headers: &HeaderMap) -> Response {
    if wants_page(headers) {
        (StatusCode::NOT_FOUND, Html(page)).into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

/// Redirects browsers to the log-in, or shows an error page in place of the JSON; other clients get
/// the response as it is. Other headers stay, such as the `Set-Cookie` that clears a rejected cookie.
async fn show_errors(State(pages): State<Arc<Pages>>, request: Request, next: Next) -> Response {
    if !wants_page(request.headers()) {
        return next.run(request).await;
    }
    let wanted = match *request.method() {
        Method::GET => request.uri().clone(),
        _ => Uri::from_static("/"),
    };
    let response = next.run(request).await;
    let error = response.extensions().get::<AuthError>();
    let page = match error.map(AuthError::kind) {
        Some(AuthErrorKind::MissingCredential) => {
            return redirected(
                response.into_parts().0,
                &own_path::log_in_for(&wanted, false),
            );
        }
        Some(_) if response.status() == StatusCode::UNAUTHORIZED => {
            return redirected(
                response.into_parts().0,
                &own_path::log_in_for(&wanted, true),
            );
        }
        Some(AuthErrorKind::Forbidden) => &pages.forbidden,
        Some(AuthErrorKind::CrossOrigin) => &pages.refused,
        // No redirect: an outage must not look like a log-out.
        Some(AuthErrorKind::Unavailable) => &pages.unavailable,
        _ => return response,
    };
    with_page(response.into_parts().0, page.clone())
}

/// Returns a page in place of the JSON, with the same status and headers.
fn with_page(mut head: response::Parts, page: String) -> Response {
    head.headers.remove(CONTENT_LENGTH);
    let html = HeaderValue::from_static(HTML);
    head.headers.insert(CONTENT_TYPE, html);
    Response::from_parts(head, Body::from(page))
}

/// Redirects to a path of this server (RFC 9110, section 15.4.4), with the same cookies.
fn redirected(mut head: response::Parts, path: &str) -> Response {
    head.status = StatusCode::SEE_OTHER;
    for name in [CONTENT_LENGTH, CONTENT_TYPE] {
        head.headers.remove(name);
    }
    if let Ok(path) = HeaderValue::try_from(path) {
        head.headers.insert(LOCATION, path);
    }
    Response::from_parts(head, Body::empty())
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

/// Returns the attribute that hides an element unless it is shown.
const fn shown(is_shown: bool) -> &'static str {
    if is_shown { "" } else { "hidden" }
}

/// Returns the attributes of a group of fields that is sent only if it is enabled.
const fn enabled(is_enabled: bool) -> &'static str {
    if is_enabled { "" } else { "hidden disabled" }
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// Query parameter of the log-in page for users who are logged in.
const AGAIN: &str = "again";

const MAX_WAIT: Duration = Duration::from_millis(500);

const HTML: &str = "text/html; charset=utf-8";

/// Allows only this server as source and as target of forms, and no HTML from text in scripts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";
