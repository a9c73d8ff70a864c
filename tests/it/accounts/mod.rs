//! The account routes, as a client of them sees it.

mod actor;
mod answers;
mod bodies;
mod cached;
mod described;
mod direction;
mod cookie;
mod ends;
mod issuers;
mod last_admin;
mod listing;
mod login;
mod outage;
mod parallel;
mod password_policy;
mod paths;
mod registration;
mod secrecy;
pub mod server;
mod sessions;
mod shown;
pub mod staged;
mod ticket;
mod tokens;
