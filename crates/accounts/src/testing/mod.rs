//! Contract tests that every store must pass (feature `testing`).

#![allow(
    clippy::expect_used,
    reason = "a store that breaks a rule fails its test"
)]

#[cfg(test)]
mod defect;
mod store_contract;
mod session_contract;
mod one_time_token_contract;
mod audit_contract;
mod throttle_contract;

pub use audit_contract::audit_store_contract;
pub use one_time_token_contract::one_time_token_store_contract;
pub use session_contract::session_store_contract;
pub use store_contract::account_store_contract;
pub use throttle_contract::throttle_store_contract;
