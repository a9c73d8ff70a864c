//! Security schemes.

use utoipa::Modify;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Flow, Http, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes,
    SecurityScheme,
};
use utoipa::openapi::{OpenApi, SecurityRequirement};

/// Security schemes that an [`AuthLayer`](crate::AuthLayer) accepts, as a modifier of the document.
///
/// Name the schemes that your layer accepts. An operation that requires `bearer` is a route behind the
/// layer, where each of them is accepted: the modifier adds the others as alternatives. An operation
/// without a requirement stays public. A route behind another layer, which accepts fewer schemes,
/// needs a scheme of another name.
///
/// ```
/// use tower_warder::openapi::SecuritySchemes;
/// use utoipa::Modify;
/// use utoipa::openapi::OpenApi;
///
/// let mut document = OpenApi::default();
/// SecuritySchemes::new()
///     .bearer()
///     .password_flow("/api/auth/login")
///     .modify(&mut document);
/// let document = serde_json::to_value(&document).unwrap();
/// let schemes = &document["components"]["securitySchemes"];
/// assert_eq!(schemes["bearer"]["bearerFormat"], "JWT");
/// assert_eq!(schemes["password"]["flows"]["password"]["tokenUrl"], "/api/auth/login");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct SecuritySchemes<'a> {
    bearer: bool,
    password_flow: Option<&'a str>,
    cookie: Option<&'a str>,
}

impl<'a> SecuritySchemes<'a> {
    /// Creates a modifier without schemes.
    pub const fn new() -> Self {
        Self {
            bearer: false,
            password_flow: None,
            cookie: None,
        }
    }

    /// `bearer`: a token in the `Authorization` header (RFC 6750, section 2.1).
    pub const fn bearer(mut self) -> Self {
        self.bearer = true;
        self
    }

    /// `password`: the same token, which the client gets from this URL by the password grant (RFC
    /// 6749, section 4.3). A path is relative to the server.
    pub const fn password_flow(mut self, token_url: &'a str) -> Self {
        self.password_flow = Some(token_url);
        self
    }

    /// `cookie`: a token in the cookie with this name.
    pub const fn cookie(mut self, name: &'a str) -> Self {
        self.cookie = Some(name);
        self
    }

    fn schemes(&self) -> Vec<(&'static str, SecurityScheme)> {
        let mut schemes = Vec::new();
        if self.bearer {
            schemes.push((BEARER, SecurityScheme::Http(bearer())));
        }
        if let Some(token_url) = self.password_flow {
            let flow = Flow::Password(Password::new(token_url, Scopes::new()));
            schemes.push(("password", SecurityScheme::OAuth2(OAuth2::new([flow]))));
        }
        if let Some(name) = self.cookie {
            let cookie = ApiKey::Cookie(ApiKeyValue::new(name));
            schemes.push(("cookie", SecurityScheme::ApiKey(cookie)));
        }
        schemes
    }
}

impl Modify for SecuritySchemes<'_> {
    fn modify(&self, document: &mut OpenApi) {
        let schemes = self.schemes();
        if schemes.is_empty() {
            return;
        }
        let alternatives: Vec<_> = schemes.iter().map(|(name, _)| requirement(name)).collect();
        let described = document.components.get_or_insert_default();
        described.security_schemes.remove(BEARER);
        described.add_security_schemes_from_iter(schemes);

        let items = document.paths.paths.values_mut();
        let requirements = items
            .flat_map(operations)
            .filter_map(|operation| operation.security.as_mut());
        for required in requirements.chain(&mut document.security) {
            if let Some(at) = required.iter().position(|it| *it == requirement(BEARER)) {
                required.splice(at..=at, alternatives.iter().cloned());
            }
        }
    }
}

/// Requirement of the scheme `name`, without scopes.
pub fn requirement(name: &str) -> SecurityRequirement {
    SecurityRequirement::new::<_, _, String>(name, [])
}

/// Scheme of a token in the `Authorization` header.
pub fn bearer() -> Http {
    let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    http.bearer_format("JWT").build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.options,
        &mut item.head,
        &mut item.patch,
        &mut item.trace,
    ]
    .into_iter()
    .flatten()
}

/// Name of the scheme that operations require.
pub const BEARER: &str = "bearer";
