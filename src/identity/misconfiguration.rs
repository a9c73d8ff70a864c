//! Log lines about missing or misplaced layers.

use std::any::type_name;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(feature = "axum")]
use http::request::Parts;
use http::{Method, Request, Uri};

use crate::error::{AuthError, AuthErrorKind, Misconfiguration};
use crate::metrics::record;
use crate::util::log_limit::{LogLimits, log_limited};

/// Place where an identity is needed, named by the log if there is none.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    request: Option<(&'a Method, &'a Uri)>,
    guarded: fn() -> &'static str,
}

impl<'a> Place<'a> {
    /// An axum handler.
    #[cfg(feature = "axum")]
    pub(crate) const fn handler(parts: &'a Parts) -> Self {
        Self {
            request: Some((&parts.method, &parts.uri)),
            guarded: nothing,
        }
    }

    /// A guard around the service `S`.
    pub(crate) fn guard_of<S, B>(request: &'a Request<B>) -> Self {
        Self {
            request: Some((request.method(), request.uri())),
            guarded: type_name::<S>,
        }
    }
}

impl Place<'static> {
    /// Only the extensions of the request are known.
    pub(crate) const UNKNOWN: Self = Self {
        request: None,
        guarded: nothing,
    };
}

/// Records that a layer was applied: then one that is missing was probably misplaced.
pub(super) fn layer_applied() {
    // Read first, to keep the cache line shared: some stacks build services per connection.
    if !APPLIED.load(Ordering::Relaxed) {
        APPLIED.store(true, Ordering::Relaxed);
    }
}

/// Error of a request that did not pass through an `AuthLayer`.
pub(super) fn no_layer(needed: &'static str, place: Place<'_>) -> AuthError {
    let applied = APPLIED.load(Ordering::Relaxed);
    misconfigured(hint(needed, (place.guarded)(), applied), place)
}

/// Tells a missing layer from a misplaced one. The type of a plain tower stack names all its services;
/// a router hides them.
fn hint(needed: &'static str, guarded: &str, applied_elsewhere: bool) -> Misconfiguration {
    if guarded.contains(AUTH_SERVICE) {
        return Misconfiguration::LayerInside { needed };
    }
    Misconfiguration::NoLayer {
        needed,
        applied_elsewhere,
    }
}

/// Error with this hint, logged at once, rate-limited per hint, with the path and without the query,
/// which may hold a token.
pub(super) fn misconfigured(hint: Misconfiguration, place: Place<'_>) -> AuthError {
    // Static, because there is no layer that could hold the limits.
    static LIMITS: LogLimits = LogLimits::new();

    let limit = LIMITS.of(hint);
    let error = AuthError::new(AuthErrorKind::Misconfigured).with_source(hint);
    record::rejected(&error);
    let (method, uri) = place.request.unzip();
    let method = method.map(|method| tracing::field::debug(cut(method.as_str())));
    let path = uri.map(|uri| tracing::field::debug(cut(uri.path())));
    let (code, reason) = (error.reason(), error.source().map(tracing::field::display));
    log_limited!(limit, error, method, path, code, reason, "{error}");
    error
}

/// Text of a client for the log, shortened. It is logged with `Debug`, which escapes line breaks.
fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_CHARS).map(|(end, _)| end);
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

const fn nothing() -> &'static str {
    ""
}

static APPLIED: AtomicBool = AtomicBool::new(false);

/// Type name of a service with an `AuthLayer`, up to its parameters.
const AUTH_SERVICE: &str = "tower_warder::layer::AuthService<";

const MAX_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_tells_a_missing_layer_from_a_misplaced_one() {
        let inside = "tower::util::Boxed<tower_warder::layer::AuthService<app::Hello, app::User>>";
        for (guarded, applied, expected) in [
            (inside, true, "layer_inside"),
            ("axum::routing::route::Route", true, "elsewhere"),
            ("axum::routing::route::Route", false, "nowhere"),
            ("other::AuthService<app::Hello>", false, "nowhere"),
            ("", true, "elsewhere"),
        ] {
            let found = match hint("app::User", guarded, applied) {
                Misconfiguration::LayerInside { .. } => "layer_inside",
                Misconfiguration::NoLayer {
                    applied_elsewhere: true,
                    ..
                } => "elsewhere",
                Misconfiguration::NoLayer { .. } => "nowhere",
                _ => "something else",
            };
            assert_eq!(found, expected, "{guarded}");
        }
    }

    #[test]
    fn text_of_a_client_is_cut() {
        assert_eq!(cut("/orders"), "/orders");
        assert_eq!(cut(&"ä".repeat(300)).chars().count(), MAX_CHARS);
    }
}
