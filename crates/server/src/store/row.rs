//! Row of the table `users`.

use std::time::SystemTime;

use sqlx::FromRow;
use tower_warder_accounts::{StoreError, User};

/// Row with times of the type `T` of the database.
#[derive(FromRow)]
pub(super) struct UserRow<T> {
    id: i64,
    email: String,
    hashed_password: String,
    is_admin: bool,
    status: String,
    created_at: T,
    approved_at: Option<T>,
    approved_by: Option<i64>,
    token_generation: i64,
}

impl<T: Into<SystemTime>> UserRow<T> {
    pub(super) fn into_user(self) -> Result<User, StoreError> {
        Ok(User {
            id: self.id,
            email: self.email,
            hashed_password: self.hashed_password,
            is_admin: self.is_admin,
            status: self.status.parse().map_err(StoreError::unavailable)?,
            created_at: self.created_at.into(),
            approved_at: self.approved_at.map(Into::into),
            approved_by: self.approved_by,
            token_generation: u64::try_from(self.token_generation)
                .map_err(StoreError::unavailable)?,
        })
    }
}
