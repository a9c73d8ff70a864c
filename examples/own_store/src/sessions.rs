//! Sessions.

use diesel::prelude::*;
use tower_warder::async_trait;
use tower_warder_accounts::{PreviousToken, Rotation, Session, SessionStore, StoreError};

use self::sessions::dsl::*;
use super::{DieselStore, Result, micros, time};

#[async_trait]
impl SessionStore for DieselStore {
    async fn open(&self, session: Session, most: u32) -> Result<()> {
        self.write(|db| {
            let expired = sessions.filter(expires_at.le(micros(session.created_at)?));
            diesel::delete(expired).execute(db)?;
            let theirs = sessions.filter(user_id.eq(session.user_id));
            let revoked = theirs.filter(generation.lt(i64::try_from(session.generation)?));
            diesel::delete(revoked).execute(db)?;
            let too_many = theirs
                .order(last_used_at.desc())
                .offset(i64::from(most) - 1);
            let too_many: Vec<String> = too_many.limit(i64::MAX).select(id).load(db)?;
            diesel::delete(sessions.filter(id.eq_any(too_many))).execute(db)?;
            let row = Row::new(session)?;
            diesel::insert_into(sessions).values(row).execute(db)?;
            Ok(())
        })
    }

    async fn find(&self, session: &str) -> Result<Option<Session>> {
        self.run(|db| {
            let row = sessions.find(session).first(db).optional()?;
            row.map(Row::into_session).transpose()
        })
    }

    async fn list(&self, user: i64) -> Result<Vec<Session>> {
        self.run(|db| {
            let rows = sessions.filter(user_id.eq(user)).load(db)?.into_iter();
            rows.map(Row::into_session).collect()
        })
    }

    async fn rotate(&self, session: &str, expected: &[u8; 32], rotation: Rotation) -> Result<bool> {
        self.write(|db| {
            let current = sessions.find(session).filter(token.eq(&expected[..]));
            let Some::<Row>(row) = current.first(db).optional()? else {
                return Ok(false);
            };
            let row = Row::new(row.into_session()?.rotated(&rotation))?;
            diesel::update(sessions.find(session))
                .set(row)
                .execute(db)?;
            Ok(true)
        })
    }

    async fn end(&self, session: &str, user: i64) -> Result<bool> {
        self.write(|db| {
            let theirs = sessions.find(session).filter(user_id.eq(user));
            Ok(diesel::delete(theirs).execute(db)? > 0)
        })
    }

    async fn revoke_before(&self, user: i64, current: u64, kept: Option<&str>) -> Result<()> {
        self.write(|db| {
            let current = i64::try_from(current)?;
            let theirs = sessions.filter(user_id.eq(user));
            let kept = theirs.filter(id.nullable().eq(kept));
            let kept = kept.filter(generation.eq(current - 1));
            diesel::update(kept)
                .set(generation.eq(current))
                .execute(db)?;
            diesel::delete(theirs.filter(generation.lt(current))).execute(db)?;
            Ok(())
        })
    }
}

diesel::table! {
    sessions {
        id -> Text,
        user_id -> BigInt,
        generation -> BigInt,
        device -> Text,
        created_at -> BigInt,
        last_used_at -> BigInt,
        expires_at -> BigInt,
        token -> Binary,
        previous_token -> Nullable<Binary>,
        successor -> Nullable<Binary>,
    }
}

/// Times are in microseconds.
#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = sessions, treat_none_as_null = true)]
struct Row {
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

impl Row {
    fn new(session: Session) -> Result<Self> {
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

    fn into_session(self) -> Result<Session> {
        let previous = match (self.previous_token, self.successor) {
            (Some(digest), Some(secret)) => Some(PreviousToken {
                digest: bytes(digest)?,
                successor: bytes(secret)?,
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

fn bytes(bytes: Vec<u8>) -> Result<[u8; 32]> {
    let bytes = bytes.try_into();
    bytes.map_err(|_| StoreError::unavailable("a digest in the table does not have 32 bytes"))
}
