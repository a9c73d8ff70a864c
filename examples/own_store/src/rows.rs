//! Rows of the tables. Times are in microseconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diesel::prelude::*;
use tower_warder_accounts::{PreviousToken, Session, StoreError, User};

use super::schema::{sessions, users};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
pub(super) struct UserRow {
    #[diesel(skip_insertion)]
    id: i64,
    email: String,
    hashed_password: String,
    is_admin: bool,
    status: String,
    created_at: i64,
    approved_at: Option<i64>,
    approved_by: Option<i64>,
    token_generation: i64,
}

impl UserRow {
    pub(super) fn new(user: &User) -> Result<Self, StoreError> {
        Ok(Self {
            id: user.id,
            email: user.email.clone(),
            hashed_password: user.hashed_password.clone(),
            is_admin: user.is_admin,
            status: user.status.as_str().to_owned(),
            created_at: micros(user.created_at)?,
            approved_at: user.approved_at.map(micros).transpose()?,
            approved_by: user.approved_by,
            token_generation: user.token_generation.try_into()?,
        })
    }

    pub(super) fn into_user(self) -> Result<User, StoreError> {
        Ok(User {
            id: self.id,
            email: self.email,
            hashed_password: self.hashed_password,
            is_admin: self.is_admin,
            status: self.status.parse()?,
            created_at: time(self.created_at)?,
            approved_at: self.approved_at.map(time).transpose()?,
            approved_by: self.approved_by,
            token_generation: self.token_generation.try_into()?,
        })
    }
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = sessions, treat_none_as_null = true)]
pub(super) struct SessionRow {
    id: String,
    user_id: i64,
    generation: i64,
    device: String,
    created_at: i64,
    last_used_at: i64,
    expires_at: i64,
    token: Vec<u8>,
    previous_token: Option<Vec<u8>>,
    successor: Option<Vec<u8>>,
}

impl SessionRow {
    pub(super) fn new(session: Session) -> Result<Self, StoreError> {
        let previous = session.previous;
        Ok(Self {
            id: session.id,
            user_id: session.user_id,
            generation: session.generation.try_into()?,
            device: session.device,
            created_at: micros(session.created_at)?,
            last_used_at: micros(session.last_used_at)?,
            expires_at: micros(session.expires_at)?,
            token: session.token.into(),
            previous_token: previous.map(|previous| previous.digest.into()),
            successor: previous.map(|previous| previous.successor.into()),
        })
    }

    pub(super) fn into_session(self) -> Result<Session, StoreError> {
        let previous = match (self.previous_token, self.successor) {
            (Some(digest), Some(successor)) => Some(PreviousToken {
                digest: bytes(digest)?,
                successor: bytes(successor)?,
            }),
            _ => None,
        };
        Ok(Session {
            id: self.id,
            user_id: self.user_id,
            generation: self.generation.try_into()?,
            device: self.device,
            created_at: time(self.created_at)?,
            last_used_at: time(self.last_used_at)?,
            expires_at: time(self.expires_at)?,
            token: bytes(self.token)?,
            previous,
        })
    }
}

pub(super) fn micros(time: SystemTime) -> Result<i64, StoreError> {
    Ok(time.duration_since(UNIX_EPOCH)?.as_micros().try_into()?)
}

fn time(micros: i64) -> Result<SystemTime, StoreError> {
    Ok(UNIX_EPOCH + Duration::from_micros(micros.try_into()?))
}

fn bytes(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    let bytes = bytes.try_into();
    bytes.map_err(|_| StoreError::unavailable("a digest in the table does not have 32 bytes"))
}
