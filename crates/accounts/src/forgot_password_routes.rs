//! HTTP route of requests for a mail with which a new password can be set.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;
use http::header::{ACCEPT_LANGUAGE, HeaderMap};
use serde_json::json;

use super::answer::{self, json_answer};
use super::error::AccountError;
use super::one_time_token::ForgotPassword;
use super::request::JsonBody;
use super::service::Accounts;
use super::store::AccountStore;
use super::throttle::Client;

/// Returns the route with which users that cannot log in ask for a mail, to be merged with
/// [`password_reset_routes`](crate::password_reset_routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `POST /forgot-password` | anyone: `{"email"}` | 202; 422; 429 |
///
/// Needs [`Accounts::mail`] and [`Accounts::one_time_tokens`]. The response is 202 for every address,
/// and takes equally long: whether there is an approved account is looked up afterwards. Its owner gets
/// a link, at most one in 5 minutes. Requests are limited by client address, as registrations are.
#[doc(alias = "recovery")]
pub fn forgot_password_routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let routes = Router::new().route("/forgot-password", post(forgot_password::<S>));
    answer::finished(routes).with_state(accounts)
}

async fn forgot_password<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    client: Client,
    headers: HeaderMap,
    JsonBody(request): JsonBody<ForgotPassword>,
) -> Result<Response, AccountError> {
    let languages = headers.get(ACCEPT_LANGUAGE);
    let locale = languages
        .and_then(|languages| languages.to_str().ok())
        .and_then(first_language);
    let request = request.client(client).locale(locale);
    accounts.forgot_password(request).await?;
    let message = json!({"message": "If there is an approved account, its owner gets a mail"});
    Ok(json_answer(StatusCode::ACCEPTED, &message))
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
