//! The crate from outside, as a client sees it.

#![allow(unreachable_pub, reason = "modules of one binary")]

mod support;
mod hyper;
mod quickstart;
mod roles;
