//! OpenAPI description of the stream ticket route.

use http::StatusCode;
use tower_warder::private::openapi::{BEARER, bearer};
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder};
use utoipa::openapi::security::SecurityScheme;
use utoipa::openapi::{Info, OpenApiBuilder, PathsBuilder};

use super::operation::{Describe, Problem};
use super::schema::{seconds, string};

/// OpenAPI description of [`ticket_routes`](crate::ticket_routes), to be nested under the same
/// prefix, beside [`AccountsApi`](crate::openapi::AccountsApi).
///
/// ```
/// use tower_warder_accounts::openapi::TicketApi;
/// use utoipa::OpenApi;
///
/// let document = serde_json::to_value(TicketApi::openapi()).unwrap();
/// let issue = &document["paths"]["/stream-ticket"]["post"];
/// assert_eq!(issue["security"][0]["bearer"], serde_json::json!([]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TicketApi;

impl OpenApi for TicketApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let issue = PathItem::new(HttpMethod::Post, issue());
        let components = ComponentsBuilder::new()
            .schema_from::<Problem>()
            .security_scheme(BEARER, SecurityScheme::Http(bearer()));
        OpenApiBuilder::new()
            .info(Info::new("Tickets", env!("CARGO_PKG_VERSION")))
            .paths(PathsBuilder::new().path("/stream-ticket", issue))
            .components(Some(components.build()))
            .build()
    }
}

fn issue() -> Operation {
    let ticket = ObjectBuilder::new()
        .property("ticket", string().examples(["dGlja2V0LW9mLTMwLXNlY29uZHM"]))
        .required("ticket")
        .property("expires_in", seconds().examples([30]))
        .required("expires_in");
    Describe::for_users("stream_ticket", "Issues a stream ticket")
        .description(
            "Replaces the caller's token once, as `?token=` of an `EventSource` or a `WebSocket`.",
        )
        .gives(StatusCode::OK, "The ticket.", ticket)
        .build()
}
