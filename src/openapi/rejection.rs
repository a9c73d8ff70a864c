//! Descriptions of error responses.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use http::header::{RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use serde_json::{Map, Value, json};
use utoipa::IntoResponses;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{
    ContentBuilder, Header, ObjectBuilder, RefOr, Response, ResponseBuilder, Schema,
};

use crate::error::{AuthError, AuthErrorKind};
use crate::response;

/// Error responses of a protected route: problem documents (RFC 9457) with the statuses 400, 401, 403
/// and 503.
///
/// They belong to each route with [`CurrentUser`](crate::CurrentUser), `AdminUser` or another guard.
#[derive(Clone, Copy, Debug)]
pub struct AuthErrorResponses;

impl IntoResponses for AuthErrorResponses {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let of_policies = [
            AuthErrorKind::Forbidden,
            AuthErrorKind::EmailNotVerified,
            AuthErrorKind::InsufficientUserAuthentication,
        ];
        let of_policies = of_policies.map(|kind| Rejection::from(AuthError::new(kind)));
        let rows: Vec<_> = Rejection::of_guards().chain(of_policies).collect();
        // The schema itself: a reference would need an application that adds its target.
        let problem = problem(rows.iter().map(Rejection::code));
        by_status(rows, &problem)
    }
}

/// One of the error responses that share a status.
pub struct Rejection {
    status: StatusCode,
    detail: String,
    code: &'static str,
    challenges: bool,
    clears_cookie: bool,
    members: Map<String, Value>,
}

impl Rejection {
    /// The error responses of every guard.
    pub fn of_guards() -> impl Iterator<Item = Self> {
        let kinds = [
            AuthErrorKind::InvalidRequest,
            AuthErrorKind::CrossOrigin,
            AuthErrorKind::MissingCredential,
            AuthErrorKind::InvalidToken,
            AuthErrorKind::AccountPending,
            AuthErrorKind::AccountDisabled,
            AuthErrorKind::Unavailable,
        ];
        let disclosed = kinds.map(|kind| {
            let mut error = AuthError::new(kind);
            error.set_shape(true, false, None);
            Self::from(error)
        });
        disclosed.into_iter()
    }

    /// The `code` of the problem document.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Adds members of its own to the problem document (RFC 9457, section 3.2).
    pub fn with_members(mut self, members: impl IntoIterator<Item = (String, Value)>) -> Self {
        self.members.extend(members);
        self
    }

    fn example(&self) -> Value {
        let problem = response::problem(self.status, &self.detail, self.code);
        let mut problem: Value = problem.into_body().parse().unwrap_or_default();
        if let Value::Object(problem) = &mut problem {
            problem.extend(self.members.clone());
        }
        problem
    }
}

impl From<AuthError> for Rejection {
    fn from(error: AuthError) -> Self {
        Self {
            status: error.status(),
            detail: error.detail().to_owned(),
            code: error.code(),
            challenges: error.challenge().is_some(),
            clears_cookie: error.rejects_credential(),
            members: Map::new(),
        }
    }
}

impl From<(StatusCode, &'static str, &'static str)> for Rejection {
    fn from((status, detail, code): (StatusCode, &'static str, &'static str)) -> Self {
        Self {
            status,
            detail: detail.to_owned(),
            code,
            challenges: status == StatusCode::UNAUTHORIZED,
            clears_cookie: false,
            members: Map::new(),
        }
    }
}

/// One response for each status; each error is an example in it.
pub fn by_status(
    rejections: impl IntoIterator<Item = Rejection>,
    problem: &RefOr<Schema>,
) -> BTreeMap<String, RefOr<Response>> {
    let mut statuses: BTreeMap<StatusCode, Vec<Rejection>> = BTreeMap::new();
    for row in rejections {
        statuses.entry(row.status).or_default().push(row);
    }
    statuses
        .into_iter()
        .map(|(status, rows)| {
            let response = response(status, &rows, problem.clone());
            (status.as_str().to_owned(), response.into())
        })
        .collect()
}

fn response(status: StatusCode, rows: &[Rejection], problem: RefOr<Schema>) -> Response {
    let details: Vec<_> = rows.iter().map(|row| row.detail.as_str()).collect();
    let examples = rows.iter().map(|row| {
        let example = ExampleBuilder::new().value(Some(row.example()));
        (row.detail.clone(), example)
    });
    let content = ContentBuilder::new()
        .schema(Some(problem))
        .examples_from_iter(examples);
    let mut response = ResponseBuilder::new()
        .description(details.join(" · "))
        .content("application/problem+json", content.build());
    if rows.iter().any(|row| row.challenges) {
        response = response.header(WWW_AUTHENTICATE.as_str(), text_header());
    }
    if rows.iter().any(|row| row.clears_cookie) {
        response = response.header(SET_COOKIE.as_str(), text_header());
    }
    if [
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::TOO_MANY_REQUESTS,
    ]
    .contains(&status)
    {
        response = response.header(RETRY_AFTER.as_str(), text_header());
    }
    response.build()
}

/// A header that is a string.
pub fn text_header() -> Header {
    Header::new(ObjectBuilder::new().schema_type(Type::String))
}

/// Schema of a problem document (RFC 9457) that has one of these codes.
pub fn problem(codes: impl IntoIterator<Item = &'static str>) -> RefOr<Schema> {
    let codes: BTreeSet<_> = codes.into_iter().collect();
    let mut problem = ObjectBuilder::new();
    for (name, of_type, example) in [
        ("type", Type::String, json!("about:blank")),
        ("title", Type::String, json!("Unauthorized")),
        ("status", Type::Integer, json!(401)),
        ("detail", Type::String, json!("Not authenticated")),
    ] {
        let member = ObjectBuilder::new()
            .schema_type(of_type)
            .examples([example]);
        problem = problem.property(name, member).required(name);
    }
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(codes))
        .examples([json!("not_authenticated")]);
    problem.property("code", code).required("code").into()
}
