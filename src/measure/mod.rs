//! What is counted: one function, or one guard, for each thing that happens.
//!
//! Without the feature `metrics` all of them are empty, so that whoever tells them something does
//! not have to ask. What the numbers mean stands in [`crate::metrics`].

#[cfg(feature = "metrics")]
mod counting;
#[cfg(not(feature = "metrics"))]
mod silent;
mod outcome;

#[cfg(feature = "metrics")]
pub(crate) use counting::*;
pub(crate) use outcome::Loaded;
#[cfg(feature = "accounts")]
pub(crate) use outcome::LogIn;
#[cfg(not(feature = "metrics"))]
pub(crate) use silent::*;
