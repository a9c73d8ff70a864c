//! Form posts of the pages: log-in, registration and log-out.
//!
//! Each calls the route of the API in this process. A browser without JavaScript gets a redirect or
//! the page with a message; the scripts, which ask for JSON, get the answer of the API.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::{self, Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use axum::http::request;
use axum::http::response;
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_warder::credentials::AuthCookie;
use tower_warder_accounts::private::{FormFields, read_form};

use super::waiting::WaitingCookie;
use super::{Pages, messages, own_path, redirected, wants_page, with_page};

/// Returns the routes. `api` has the routes of accounts, without their prefix.
pub(super) fn routes(
    pages: Arc<Pages>,
    api: Router,
    cookie: AuthCookie,
    waiting: WaitingCookie,
) -> Router {
    Router::new()
        .route("/login", post(log_in))
        .route("/register", post(register))
        .route("/logout", post(log_out))
        .with_state(Arc::new(FormPosts {
            pages,
            api,
            cookie,
            waiting,
        }))
}

struct FormPosts {
    pages: Arc<Pages>,
    api: Router,
    cookie: AuthCookie,
    waiting: WaitingCookie,
}

async fn log_in(State(posts): State<Arc<FormPosts>>, request: Request<Body>) -> Response {
    let page = |answer: &Answer, email: &str| posts.pages.log_in(None, email, &answer.message());
    let (head, form) = match posts.read(request).await {
        Ok(read) => read,
        Err((head, answer)) => {
            let page = page(&answer, "");
            return answer.show(&head, page);
        }
    };
    let email = field(&form, "username");
    let mut answer = posts.log_in(&head, email, field(&form, "password")).await;
    if answer.head.status.is_success() {
        posts.waiting.remove_from(&mut answer.head.headers);
        return answer.redirect(&head, &own_path::wanted(head.uri.query()));
    }
    if answer.code() == Some("account_pending") {
        posts.waiting.add_to(&mut answer.head.headers, email);
        return answer.redirect(&head, "/waiting");
    }
    if answer.code() == Some("password_change_required") {
        let token = answer.json.get("token").and_then(Value::as_str);
        // In the fragment, which the browser sends to no server.
        let path = format!("/reset-password?temporary#{}", token.unwrap_or_default());
        return answer.redirect(&head, &path);
    }
    let page = page(&answer, email);
    answer.show(&head, page)
}

async fn register(State(posts): State<Arc<FormPosts>>, request: Request<Body>) -> Response {
    let first_admin = posts.pages.first_admin(request.extensions()).await;
    let page = |answer: &Answer, email: &str| {
        let message = answer.message();
        posts.pages.register(first_admin, email, &message)
    };
    let (head, form) = match posts.read(request).await {
        Ok(read) => read,
        Err((head, answer)) => {
            let page = page(&answer, "");
            return answer.show(&head, page);
        }
    };
    let (email, password) = (field(&form, "email"), field(&form, "password"));
    let body = match field(&form, "bootstrap_secret").trim() {
        "" => json!({"email": email, "password": password}),
        secret => json!({"email": email, "password": password, "bootstrap_secret": secret}),
    };
    let mut answer = posts.ask(&head, "/register", JSON, body.to_string()).await;
    if !answer.head.status.is_success() {
        let page = page(&answer, email);
        return answer.show(&head, page);
    }
    if answer.head.status == StatusCode::ACCEPTED {
        let page = posts.pages.mailed();
        return answer.show(&head, page);
    }
    if answer.json.get("status").and_then(Value::as_str) == Some("approved") {
        if !wants_page(&head.headers) {
            return answer.into_response();
        }
        let answer = posts.log_in(&head, email, password).await;
        let is_in = answer.head.status.is_success();
        return answer.redirect(&head, if is_in { "/profile" } else { "/login" });
    }
    posts.waiting.add_to(&mut answer.head.headers, email);
    answer.redirect(&head, "/waiting")
}

async fn log_out(State(posts): State<Arc<FormPosts>>, request: Request<Body>) -> Response {
    let (head, _) = request.into_parts();
    let answer = posts
        .ask(&head, "/cookie/logout", FORM, String::new())
        .await;
    if answer.head.status.is_success() {
        return answer.redirect(&head, "/login");
    }
    let page = posts.pages.refused.clone();
    answer.show(&head, page)
}

impl FormPosts {
    /// Reads the form, unless a page of another origin sent it: it could log a user in to another
    /// account.
    async fn read(
        &self,
        request: Request<Body>,
    ) -> Result<(request::Parts, FormFields), (request::Parts, Answer)> {
        let checked = self.cookie.check_csrf(&request);
        let (head, body) = request.into_parts();
        let form = match checked {
            Ok(()) => read_form(Request::from_parts(head.clone(), body)).await,
            Err(error) => Err(error.into_response()),
        };
        match form {
            Ok(form) => Ok((head, form)),
            Err(response) => Err((head, Answer::read(response).await)),
        }
    }

    async fn log_in(&self, head: &request::Parts, email: &str, password: &str) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("username", email)
            .append_pair("password", password)
            .finish();
        self.ask(head, "/cookie/login", FORM, form).await
    }

    /// Calls a route of the API, with the headers and extensions of this request.
    async fn ask(
        &self,
        head: &request::Parts,
        path: &'static str,
        content_type: &'static str,
        body: String,
    ) -> Answer {
        let mut head = head.clone();
        let mut uri = head.uri.into_parts();
        uri.path_and_query = Some(PathAndQuery::from_static(path));
        // Only the path was replaced.
        head.uri = Uri::from_parts(uri).unwrap_or_else(|_| Uri::from_static(path));
        for name in [CONTENT_LENGTH, TRANSFER_ENCODING] {
            head.headers.remove(name);
        }
        let content_type = HeaderValue::from_static(content_type);
        head.headers.insert(CONTENT_TYPE, content_type);
        let request = Request::from_parts(head, Body::from(body));
        let answered: Result<Response, Infallible> = self.api.clone().oneshot(request).await;
        match answered {
            Ok(response) => Answer::read(response).await,
            Err(never) => match never {},
        }
    }
}

/// Whole answer of the API.
struct Answer {
    head: response::Parts,
    body: Bytes,
    json: Value,
}

impl Answer {
    async fn read(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let body = body::to_bytes(body, MAX_ANSWER_BYTES).await;
        let body = body.unwrap_or_default();
        let json = serde_json::from_slice(&body).unwrap_or_default();
        Self { head, body, json }
    }

    fn code(&self) -> Option<&str> {
        self.json.get("code").and_then(Value::as_str)
    }

    fn message(&self) -> String {
        messages::for_error(&self.head.headers, &self.json)
    }

    /// Shows the page in place of the JSON.
    fn show(self, request: &request::Parts, page: String) -> Response {
        if wants_page(&request.headers) {
            with_page(self.head, page)
        } else {
            self.into_response()
        }
    }

    fn redirect(self, request: &request::Parts, path: &str) -> Response {
        if wants_page(&request.headers) {
            redirected(self.head, path)
        } else {
            self.into_response()
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        Response::from_parts(self.head, Body::from(self.body))
    }
}

/// Returns the field, or the empty text, which the API rejects as missing.
fn field<'a>(form: &'a FormFields, name: &str) -> &'a str {
    let field = form.iter().find(|(given, _)| given == name);
    field.map_or("", |(_, value)| value.as_str())
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// An account, or a problem.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
