//! The crate from outside, as a client sees it.

mod support;
mod quickstart;
