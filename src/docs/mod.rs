//! Guides: a page for each question, compiled as tests.

#[doc = include_str!("own_users.md")]
pub mod own_users {}
#[doc = include_str!("policies.md")]
pub mod policies {}
#[doc = include_str!("credentials.md")]
pub mod credentials {}
#[doc = include_str!("cookies.md")]
pub mod cookies {}
#[doc = include_str!("cors.md")]
pub mod cors {}
#[doc = include_str!("streams.md")]
pub mod streams {}
#[doc = include_str!("external_issuers.md")]
pub mod external_issuers {}
#[doc = include_str!("api_keys.md")]
pub mod api_keys {}
#[doc = include_str!("errors.md")]
pub mod errors {}
#[doc = include_str!("testing.md")]
pub mod testing {}
#[doc = include_str!("caching.md")]
pub mod caching {}
#[doc = include_str!("several_instances.md")]
pub mod several_instances {}
#[doc = include_str!("metrics.md")]
pub mod metrics {}
#[doc = include_str!("performance.md")]
pub mod performance {}
#[doc = include_str!("failure_modes.md")]
pub mod failure_modes {}
#[doc = include_str!("from_jsonwebtoken.md")]
pub mod from_jsonwebtoken {}
#[doc = include_str!("from_axum_login.md")]
pub mod from_axum_login {}
#[doc = include_str!("from_jwt_authorizer.md")]
pub mod from_jwt_authorizer {}
