//! Fuzz targets. Each takes any bytes, and panics if what it calls breaks a promise of its
//! documentation. A target that needs several texts splits its input at line ends.

#![forbid(unsafe_code)]
#![allow(clippy::missing_panics_doc, reason = "a panic is how a target reports")]

mod claims;
mod credentials;
mod email;
mod jwk;
mod jwks;
mod keys;
mod phc;
mod routes;
mod runtime;
mod token;

/// One target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folders in `seeds` and `regressions`.
    pub name: &'static str,
    run: fn(&[u8]),
}

impl Target {
    const fn new(name: &'static str, run: fn(&[u8])) -> Self {
        Self { name, run }
    }

    /// Returns the target of this name.
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// Runs the target with one input.
    pub fn run(&self, input: &[u8]) {
        (self.run)(input);
    }
}

/// All targets.
pub const TARGETS: [Target; 11] = [
    Target::new("authorization", credentials::authorization),
    Target::new("claims", claims::run),
    Target::new("cookie", credentials::cookie),
    Target::new("email", email::run),
    Target::new("jwk", jwk::run),
    Target::new("jwks", jwks::run),
    Target::new("keys", keys::run),
    Target::new("phc", phc::run),
    Target::new("query", credentials::query),
    Target::new("routes", routes::run),
    Target::new("token", token::run),
];
