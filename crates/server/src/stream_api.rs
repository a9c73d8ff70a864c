//! OpenAPI description of the streams.

use axum::http::StatusCode;
use tower_warder::private::openapi::{BEARER, Rejection, by_status, requirement};
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{
    ContentBuilder, OpenApi, Ref, RefOr, Required, ResponseBuilder, ResponsesBuilder, Schema,
};

use super::stream_limit::TOO_MANY_STREAMS;
use super::streams::{EVENTS, SOCKET};

/// Adds both streams to the document of the account routes, whose schemas they use.
pub(crate) fn describe(document: &mut OpenApi) {
    for (path, operation) in [(EVENTS, events()), (SOCKET, socket())] {
        let item = PathItem::new(HttpMethod::Get, operation);
        document.paths.paths.insert(path.to_owned(), item);
    }
}

fn events() -> Operation {
    let content = ContentBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .example(Some(EXAMPLE.into()));
    let response = ResponseBuilder::new()
        .description("The events, until the stream is closed.")
        .content("text/event-stream", content.build());
    stream("events", "Streams events to an `EventSource`")
        .description(Some(MESSAGES))
        .response(StatusCode::OK.as_str(), response)
        .build()
}

fn socket() -> Operation {
    let protocol = ParameterBuilder::new()
        .name("Sec-WebSocket-Protocol")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "`bearer`, followed by the token as a second protocol.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
    let description = format!(
        "{MESSAGES} Each is a text message, `{{\"event\": …, \"data\": …}}`. What the client sends is \
         ignored. The close code is 1008 if the client is no longer authorized, 1013 if it should \
         try again later."
    );
    stream("websocket", "Streams events to a `WebSocket`")
        .description(Some(description))
        .parameter(protocol)
        .response(
            StatusCode::SWITCHING_PROTOCOLS.as_str(),
            ResponseBuilder::new().description("The WebSocket is open."),
        )
        .build()
}

/// Starts an operation with what both have in common.
fn stream(id: &str, summary: &str) -> OperationBuilder {
    let token = ParameterBuilder::new()
        .name("token")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(
            "An access token, or better a stream ticket, for clients that cannot set headers and \
             have no cookie.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
    let rows = Rejection::of_guards().chain([TOO_MANY_STREAMS.into()]);
    let problem = RefOr::<Schema>::from(Ref::from_schema_name(PROBLEM));
    let responses = ResponsesBuilder::new().responses_from_iter(by_status(rows, &problem));
    OperationBuilder::new()
        .operation_id(Some(id))
        .summary(Some(summary))
        .tag("streams")
        .securities(Some([requirement(BEARER)]))
        .parameter(token)
        .responses(responses.build())
}

const MESSAGES: &str = "`hello` has the account of the caller. For admins, `pending` follows with the \
    number of pending accounts, and again whenever it changes.";

const EXAMPLE: &str = r#"event: hello
data: {"email":"ada@example.com","id":1,"is_admin":true,"status":"approved","created_at":"2026-03-14T09:26:53Z"}

event: pending
data: {"count":3}

"#;

/// Schema of the account routes.
pub(crate) const PROBLEM: &str = "ProblemDetails";
