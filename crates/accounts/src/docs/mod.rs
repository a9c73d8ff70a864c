//! Guides: a page for each question, compiled as tests.

#[doc = include_str!("audit.md")]
pub mod audit {}

#[doc = include_str!("from_fastapi.md")]
pub mod from_fastapi {}

#[doc = include_str!("own_store.md")]
pub mod own_store {}
