//! Check of responses against the OpenAPI document.

use std::sync::LazyLock;

use http::{Method, Uri};
use serde_json::{Map, Value};
use tower_warder_accounts::openapi::{
    AccountsApi, AuditApi, CookieApi, EmailChangeApi, EmailVerificationApi, ForgotPasswordApi,
    InvitationApi, OwnAccountApi, PasswordResetApi, RefreshApi, RegistrationApi, SessionsApi,
    TicketApi,
};
use utoipa::OpenApi;

use crate::Answer;

/// Asserts that a response is one of the documented ones, including its `detail`. Called for every
/// response in the tests of the routes.
pub fn check(method: &Method, uri: &Uri, answer: &Answer) {
    let path = uri.path().strip_prefix("/api/auth").unwrap();
    let method = match method.as_str() {
        "HEAD" => "get".to_owned(),
        method => method.to_lowercase(),
    };
    let Some(operation) = template(path).and_then(|path| paths()[path].get(method)) else {
        assert!(matches!(answer.status.as_u16(), 404 | 405), "{answer:?}");
        return;
    };
    let response = &operation["responses"][answer.status.as_str()];
    assert!(response.is_object(), "{uri}: not described: {answer:?}");
    for header in [
        "www-authenticate",
        "retry-after",
        "set-cookie",
        "link",
        "x-total-count",
        "content-disposition",
    ] {
        let described = response["headers"].get(header).is_some();
        assert!(described || answer.header(header).is_none(), "{answer:?}");
    }
    let Some(media_type) = answer.header("content-type") else {
        assert_eq!(response.get("content"), None, "{uri}: {answer:?}");
        return;
    };
    let content = &response["content"][media_type];
    assert!(content.is_object(), "{uri}: not described: {answer:?}");
    if media_type == "application/problem+json" {
        let mut problem = answer.json();
        if problem["code"] == "operation_vetoed" {
            problem["detail"] = "Rejected by the application".into();
        }
        let example = &content["examples"][problem["detail"].as_str().unwrap()]["value"];
        if let (Some(token), Some(described)) = (problem.get_mut("token"), example.get("token")) {
            // Random.
            *token = described.clone();
        }
        assert_eq!(*example, problem, "{uri}");
    }
}

/// Returns the documented path template.
fn template(path: &str) -> Option<&'static str> {
    let paths = || paths().keys().map(String::as_str);
    let literal = paths().find(|it| *it == path);
    literal.or_else(|| paths().find(|it| matches(it, path)))
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(it, segment)| it == segment || it == "{id}")
}

pub fn paths() -> &'static Map<String, Value> {
    DOCUMENT["paths"].as_object().unwrap()
}

pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = AccountsApi::openapi();
    document.merge(CookieApi::openapi());
    document.merge(TicketApi::openapi());
    document.merge(SessionsApi::openapi());
    document.merge(RefreshApi::openapi());
    document.merge(PasswordResetApi::openapi());
    document.merge(ForgotPasswordApi::openapi());
    document.merge(OwnAccountApi::openapi());
    document.merge(EmailVerificationApi::openapi());
    document.merge(EmailChangeApi::openapi());
    document.merge(InvitationApi::openapi());
    document.merge(RegistrationApi::openapi());
    document.merge(AuditApi::openapi());
    serde_json::to_value(document).unwrap()
});
