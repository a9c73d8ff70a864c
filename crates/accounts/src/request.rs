//! Extractors of the account routes.

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::response::Response;
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap, USER_AGENT};
use http::request::Parts;
use zeroize::Zeroizing;

use super::answer;
use super::body::FromJson;
use super::form;
use super::input::UserLogin;
use super::json;
use super::list_parameters::integer;
use super::request_body::read;
use super::user_query::UserQuery;
use super::validation_error::{Location, ValidationError};

/// Extractor of a JSON body. Its limits are documented at [`routes`](crate::routes).
pub(super) struct JsonBody<T>(pub(super) T);

/// Extractor of a log-in form, with the limits of [`JsonBody`].
pub(super) struct LoginForm(pub(super) UserLogin);

/// Decoded fields of a form, in the order in which they were sent.
pub type FormFields = Vec<(String, Zeroizing<String>)>;

/// Extractor of an account's id from the path parameter `{id}`. Responds 422 if it is not an
/// integer.
pub(super) struct AccountId(pub(super) i64);

impl<S: Send + Sync, T: FromJson> FromRequest<S> for JsonBody<T> {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let media_type = media_type(&request);
        let is_json = media_type == "application/json"
            // RFC 6839, section 3.1.
            || media_type.starts_with("application/") && media_type.ends_with("+json");
        if !is_json {
            return Err(answer::problem(answer::NOT_JSON));
        }
        let body = read(request).await?;
        let body = json::read(&body).map_err(|error| answer::invalid(&[error]))?;
        match T::from_json(body) {
            Ok(value) => Ok(Self(value)),
            Err(errors) => Err(answer::invalid(&errors)),
        }
    }
}

/// Reads a form of any fields, with the limits of the [account routes](crate::routes).
///
/// # Errors
///
/// The response for an invalid form, as the account routes give it.
pub async fn read_form(request: Request) -> Result<FormFields, Response> {
    let body = form_body(request).await?;
    let mut fields = Vec::new();
    form::read(&body, Location::Body, |name, value| {
        fields.push((name.to_owned(), value));
    })
    .map_err(|error| answer::invalid(&[error]))?;
    Ok(fields)
}

async fn form_body(request: Request) -> Result<Zeroizing<Vec<u8>>, Response> {
    if media_type(&request) != "application/x-www-form-urlencoded" {
        return Err(answer::problem(answer::NO_FORM));
    }
    read(request).await
}

impl<S: Send + Sync> FromRequest<S> for LoginForm {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let body = form_body(request).await?;
        UserLogin::parse(&body)
            .map(Self)
            .map_err(|errors| answer::invalid(&errors))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AccountId {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let text = id_in_path(parts, state).await.unwrap_or_default();
        integer(&text).map(Self).map_err(|(kind, message)| {
            answer::invalid(&[ValidationError::new(kind, Location::Path, "id", message)])
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for UserQuery {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let query = parts.uri.query().unwrap_or_default();
        Self::parse(query).map_err(|errors| answer::invalid(&errors))
    }
}

/// Returns the path parameter `{id}`, by name: the prefix may have parameters of its own.
pub(super) async fn id_in_path<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<String> {
    let path = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let id = path.iter().find(|(name, _)| *name == "id");
    id.map(|(_, text)| text.to_owned())
}

/// Returns the name of the device that a log-in comes from.
pub(super) fn device(headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).map_or(&[][..], |it| it.as_bytes());
    String::from_utf8_lossy(agent).into_owned()
}

/// Returns the first language that the client accepts, for mail.
pub(super) fn locale(headers: &HeaderMap) -> Option<&str> {
    let languages = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    first_language(languages)
}

/// Returns the first language of `Accept-Language` (RFC 9110, section 12.5.4), if it has the form of
/// one (RFC 5646, section 2.1).
fn first_language(languages: &str) -> Option<&str> {
    let language = languages.split([',', ';']).next()?.trim();
    let is_subtag = |subtag: &str| {
        (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let is_language = language.len() <= MAX_LANGUAGE_BYTES
        && language.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && language.split('-').all(is_subtag);
    is_language.then_some(language)
}

/// Returns the media type in lower case, without its parameters (RFC 9110, section 8.3.1).
fn media_type(request: &Request) -> String {
    let value = request.headers().get(CONTENT_TYPE);
    let text = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// RFC 5646, section 4.4.1.
const MAX_LANGUAGE_BYTES: usize = 35;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_language_has_the_form_of_one() {
        for (languages, first) in [
            ("de", Some("de")),
            ("de-AT,de;q=0.8, en", Some("de-AT")),
            ("en;q=0.5", Some("en")),
            (" zh-Hant-TW ", Some("zh-Hant-TW")),
            ("*", None),
            ("", None),
            ("de\u{202e}", None),
            ("de--AT", None),
            ("1a", None),
            ("../etc", None),
            ("abcdefghi", None),
            ("a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r-s", None),
        ] {
            assert_eq!(first_language(languages), first, "{languages:?}");
        }
    }
}
