//! Misconfigured routes.

use std::error::Error;

/// Why a route responds with 500. The message, for the log, says how to fix it.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) enum Misconfiguration {
    /// The request did not pass through an `AuthLayer`.
    NoLayer {
        needed: &'static str,
        /// `true` if one was applied to another service of this process.
        applied_elsewhere: bool,
    },
    /// The guard is outside of the `AuthLayer` that it needs.
    LayerInside { needed: &'static str },
    /// The `AuthLayer` has another user type.
    OtherUser {
        needed: &'static str,
        layer: &'static str,
    },
    /// The `AuthLayer` has no stream tickets.
    NoTickets,
}

impl Misconfiguration {
    /// Stable name of the reason.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::NoLayer { .. } => "no_layer",
            Self::LayerInside { .. } => "layer_inside",
            Self::OtherUser { .. } => "other_user_type",
            Self::NoTickets => "no_tickets",
        }
    }
}

impl_display! { Misconfiguration:
    Self::NoLayer { needed, applied_elsewhere: false, } =>
        "no AuthLayer in this application, and this route needs `{needed}`: add \
         `.layer(AuthLayer::new(verifier, loader))` to the router, after its routes";
    Self::NoLayer { needed, .. } =>
        "no AuthLayer outside of what needs `{needed}` on this route: the one that was \
         applied is inside of it, or on other routes; add it after its routes and after \
         its guards (in axum the last layer is the outermost, in a `ServiceBuilder` the \
         first)";
    Self::LayerInside { needed } =>
        "the AuthLayer is inside of the RequireLayer that needs `{needed}`: swap the \
         two (in axum the last layer is the outermost, in a `ServiceBuilder` the first)";
    Self::OtherUser { needed, layer } =>
        "the AuthLayer on this route loads `{layer}`, but this route needs `{needed}`: \
         use the same user type in both";
    Self::NoTickets =>
        "this route issues stream tickets, and its AuthLayer has none: add \
         `.stream_tickets(StreamTickets::new(10_000))` to the layer";
}

impl Error for Misconfiguration {}
