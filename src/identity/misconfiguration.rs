//! Hints in the log about layers and guards in the wrong place.

use std::any::type_name;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(feature = "axum")]
use http::request::Parts;
use http::{Method, Request, Uri};

use crate::error::{AuthError, AuthErrorKind, Misconfiguration};
use crate::metrics::record;
use crate::util::log_limit::{LogLimits, log_limited};

/// Where an identity is needed: what the log names if there is none.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    request: Option<(&'a Method, &'a Uri)>,
    guarded: fn() -> &'static str,
}

impl<'a> Place<'a> {
    /// A handler.
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
    /// Where nothing of the request is known but its extensions.
    pub(super) const UNKNOWN: Self = Self {
        request: None,
        guarded: nothing,
    };
}

/// Remembers that a layer was applied, for the hint about one that is not where it is needed.
pub(super) fn layer_applied() {
    // Read first: services are built on many threads, for each connection in some stacks.
    if !APPLIED.load(Ordering::Relaxed) {
        APPLIED.store(true, Ordering::Relaxed);
    }
}

/// No layer has seen the request.
pub(super) fn no_layer(asked: &'static str, place: Place<'_>) -> AuthError {
    let applied = APPLIED.load(Ordering::Relaxed);
    misconfigured(hint(asked, (place.guarded)(), applied), place)
}

/// What is wrong where no layer has seen the request. A router hides the types of its services; a
/// plain tower stack names them all.
fn hint(asked: &'static str, guarded: &str, applied_elsewhere: bool) -> Misconfiguration {
    if guarded.contains(AUTH_SERVICE) {
        return Misconfiguration::LayerInside { asked };
    }
    Misconfiguration::NoLayer {
        asked,
        applied_elsewhere,
    }
}

/// An error with this hint, which goes to the log at once, within a limit for each hint, with the
/// path and never the query.
pub(super) fn misconfigured(hint: Misconfiguration, place: Place<'_>) -> AuthError {
    // Where the layer is missing, nothing else could hold them.
    static LIMITS: LogLimits = LogLimits::new();

    let limit = LIMITS.of(hint);
    let error = AuthError::new(AuthErrorKind::Misconfigured).with_source(hint);
    record::refused(&error);
    let (method, uri) = place.request.unzip();
    let method = method.map(|method| tracing::field::debug(cut(method.as_str())));
    let path = uri.map(|uri| tracing::field::debug(cut(uri.path())));
    let (code, reason) = (error.reason(), error.source().map(tracing::field::display));
    log_limited!(limit, error, method, path, code, reason, "{error}");
    error
}

/// What a client may write into a line of the log. Quoted there, so that it cannot begin another.
fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_CHARS).map(|(end, _)| end);
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

const fn nothing() -> &'static str {
    ""
}

static APPLIED: AtomicBool = AtomicBool::new(false);

/// How the type of a service that has a layer begins.
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
