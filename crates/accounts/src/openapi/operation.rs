//! Builder of OpenAPI operations.

use std::borrow::Cow;

use http::StatusCode;
use http::header::{HeaderName, SET_COOKIE};
use serde_json::json;
use tower_warder::AuthError;
use tower_warder::error::AuthErrorKind;
use tower_warder::private::openapi::{
    BEARER, Rejection, by_status, problem, requirement, text_header,
};
use tower_warder::private::{Row, admin_required};
use utoipa::openapi::path::{
    Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder};
use utoipa::openapi::{ContentBuilder, Header, RefOr, Required, Response, ResponseBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

pub(super) use super::schema::reference;
use super::schema::{ONE_TIME_TOKEN, SESSION_ID, integer, seconds, string};
use crate::answer::{
    BODY_TIMEOUT, BROKEN_BODY, NO_FORM, NOT_JSON, PASSWORD_CHANGE_REQUIRED, ROWS, TOO_LARGE,
};
use crate::validation_error::ValidationError;

/// Builder of one operation.
pub(super) struct Describe {
    operation: OperationBuilder,
    errors: Vec<Rejection>,
    // Headers of the responses with a status.
    headers: Vec<(StatusCode, HeaderName, Header)>,
}

impl Describe {
    /// Starts an operation without authentication that may answer 503.
    pub(super) fn open(id: &str, summary: &str) -> Self {
        let mut described = Self::always(id, summary);
        let unavailable = AuthError::new(AuthErrorKind::Unavailable);
        described.errors.push(unavailable.into());
        described
    }

    /// Starts an operation without authentication that calls no store.
    pub(super) fn always(id: &str, summary: &str) -> Self {
        let operation = OperationBuilder::new()
            .operation_id(Some(id))
            .summary(Some(summary))
            .tag(TAG);
        Self {
            // An empty list overrides a security requirement of the whole document.
            operation: operation.securities(Some([])),
            errors: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Starts an operation that requires an approved user.
    pub(super) fn for_users(id: &str, summary: &str) -> Self {
        let mut described = Self::always(id, summary);
        let bearer = [requirement(BEARER)];
        described.operation = described.operation.securities(Some(bearer));
        described.errors.extend(Rejection::of_guards());
        described
    }

    /// Starts an operation that requires an approved admin.
    pub(super) fn for_admins(id: &str, summary: &str) -> Self {
        let mut described = Self::for_users(id, summary);
        described.errors.push(admin_required().into());
        described
    }

    /// Starts an operation that requires an approved admin, and a recent log-in if that is configured.
    pub(super) fn for_acting_admins(id: &str, summary: &str) -> Self {
        let mut described = Self::for_admins(id, summary);
        described.errors.push(login_required().into());
        described
    }

    pub(super) fn description(mut self, text: &str) -> Self {
        self.operation = self.operation.description(Some(text));
        self
    }

    /// Adds the path parameter `id` of an account.
    pub(super) fn id(self) -> Self {
        let id = ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(integer().minimum(Some(1))))
            .example(Some(json!(2)));
        self.parameter(id)
    }

    /// Adds the path parameter `id` of a session: any string.
    pub(super) fn session_id(mut self) -> Self {
        let id = ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(string()))
            .example(Some(json!(SESSION_ID)));
        self.operation = self.operation.parameter(id);
        self
    }

    pub(super) fn query(self, name: &str, description: &str, schema: ObjectBuilder) -> Self {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(schema));
        self.parameter(parameter)
    }

    /// Adds a JSON request body.
    pub(super) fn json<T: ToSchema>(self) -> Self {
        self.body::<T>("application/json", NOT_JSON)
    }

    /// Adds a form as request body.
    pub(super) fn form<T: ToSchema>(self) -> Self {
        self.body::<T>("application/x-www-form-urlencoded", NO_FORM)
    }

    /// Adds a successful JSON response.
    pub(super) fn gives(
        mut self,
        status: StatusCode,
        description: &str,
        schema: impl Into<RefOr<Schema>>,
    ) -> Self {
        let response = json_response(description, schema.into());
        self.operation = self.operation.response(status.as_str(), response);
        self
    }

    /// Adds a successful response without a body.
    pub(super) fn gives_nothing(mut self, status: StatusCode, description: &str) -> Self {
        let response = Response::new(description);
        self.operation = self.operation.response(status.as_str(), response);
        self
    }

    /// Adds the 422 response with the list of validation errors.
    pub(super) fn checks(mut self) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let response = json_response("The request is not valid.", reference::<Invalid>());
        self.operation = self.operation.response(status.as_str(), response);
        self
    }

    /// Adds error responses.
    pub(super) fn rejects(mut self, rows: impl IntoIterator<Item = Row>) -> Self {
        self.errors.extend(rows.into_iter().map(Rejection::from));
        self
    }

    /// Adds the response to log-ins that need another step.
    pub(super) fn rejects_challenged(mut self) -> Self {
        let members = [
            ("token".to_owned(), json!(ONE_TIME_TOKEN)),
            ("expires_in".to_owned(), json!(600)),
        ];
        let challenged = Rejection::from(PASSWORD_CHANGE_REQUIRED).with_members(members);
        self.errors.push(challenged);
        self
    }

    /// Adds the response to requests with too many credentials.
    pub(super) fn rejects_several_credentials(mut self) -> Self {
        let several = AuthError::new(AuthErrorKind::InvalidRequest);
        self.errors.push(several.into());
        self
    }

    /// Adds the response to cross-origin requests.
    pub(super) fn rejects_cross_origin(mut self) -> Self {
        let cross_origin = AuthError::new(AuthErrorKind::CrossOrigin);
        self.errors.push(cross_origin.into());
        self
    }

    /// Adds `Set-Cookie` to the response with this status.
    pub(super) fn sets_cookie(mut self, status: StatusCode) -> Self {
        self.headers.push((status, SET_COOKIE, text_header()));
        self
    }

    /// Adds a header to the response with this status.
    pub(super) fn header(
        mut self,
        status: StatusCode,
        name: HeaderName,
        description: &str,
        schema: ObjectBuilder,
    ) -> Self {
        let mut header = Header::new(schema);
        header.description = Some(description.to_owned());
        self.headers.push((status, name, header));
        self
    }

    pub(super) fn build(self) -> Operation {
        let mut operation = self.operation.build();
        let responses = &mut operation.responses.responses;
        for (status, name, header) in self.headers {
            if let Some(RefOr::T(response)) = responses.get_mut(status.as_str()) {
                response.headers.insert(name.to_string(), header.into());
            }
        }
        let errors = by_status(self.errors, &reference::<Problem>());
        operation.responses.responses.extend(errors);
        operation
    }

    fn parameter(mut self, parameter: impl Into<Parameter>) -> Self {
        self.operation = self.operation.parameter(parameter);
        self.checks()
    }

    fn body<T: ToSchema>(mut self, media_type: &str, other_type: Row) -> Self {
        let content = ContentBuilder::new().schema(Some(reference::<T>()));
        let body = RequestBodyBuilder::new()
            .content(media_type, content.build())
            .required(Some(Required::True));
        self.operation = self.operation.request_body(Some(body.build()));
        self.rejects([BROKEN_BODY, BODY_TIMEOUT, TOO_LARGE, other_type])
            .checks()
    }
}

/// Body of every other error response: a problem document (RFC 9457).
pub(super) struct Problem;

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        "ProblemDetails".into()
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        let of_admins = [admin_required(), login_required()].map(Rejection::from);
        let of_guards = Rejection::of_guards().chain(of_admins);
        let of_routes = ROWS.into_iter().map(|(_, _, code)| code);
        let schema = problem(of_guards.map(|row| row.code()).chain(of_routes));
        let RefOr::T(Schema::Object(mut problem)) = schema else {
            return schema;
        };
        let token =
            string().description(Some("One-time token of a log-in that needs another step."));
        let token = token.examples([ONE_TIME_TOKEN]);
        let expires_in = seconds().description(Some("Lifetime of the token in seconds."));
        let expires_in = expires_in.examples([600]);
        for (name, member) in [("token", token), ("expires_in", expires_in)] {
            problem
                .properties
                .insert(name.to_owned(), member.build().into());
        }
        problem.into()
    }
}

/// Body of a 422 response.
pub(super) struct Invalid;

impl ToSchema for Invalid {
    /// The name that FastAPI uses.
    fn name() -> Cow<'static, str> {
        "HTTPValidationError".into()
    }
}

impl PartialSchema for Invalid {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .property(
                "detail",
                ArrayBuilder::new().items(reference::<ValidationError>()),
            )
            .required("detail")
            .into()
    }
}

fn login_required() -> AuthError {
    AuthError::new(AuthErrorKind::InsufficientUserAuthentication)
}

fn json_response(description: &str, schema: RefOr<Schema>) -> Response {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description(description)
        .content("application/json", content)
        .build()
}

pub(super) const TAG: &str = "accounts";
