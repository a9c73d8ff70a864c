//! Sessions.

use diesel::prelude::*;
use tower_warder::async_trait;
use tower_warder_accounts::{Rotation, Session, SessionStore, StoreError};

use super::DieselStore;
use super::rows::{SessionRow, micros};
use super::schema::sessions::dsl::*;

#[async_trait]
impl SessionStore for DieselStore {
    async fn open(&self, session: Session, most: u32) -> Result<(), StoreError> {
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
            let row = SessionRow::new(session)?;
            diesel::insert_into(sessions).values(row).execute(db)?;
            Ok(())
        })
    }

    async fn find(&self, session: &str) -> Result<Option<Session>, StoreError> {
        self.read(|db| {
            let row = sessions.find(session).first(db).optional()?;
            row.map(SessionRow::into_session).transpose()
        })
    }

    async fn list(&self, user: i64) -> Result<Vec<Session>, StoreError> {
        self.read(|db| {
            let rows = sessions.filter(user_id.eq(user)).load(db)?.into_iter();
            rows.map(SessionRow::into_session).collect()
        })
    }

    async fn rotate(
        &self,
        session: &str,
        expected: &[u8; 32],
        rotation: Rotation,
    ) -> Result<bool, StoreError> {
        self.write(|db| {
            let current = sessions.find(session).filter(token.eq(&expected[..]));
            let Some::<SessionRow>(row) = current.first(db).optional()? else {
                return Ok(false);
            };
            let row = SessionRow::new(row.into_session()?.rotated(&rotation))?;
            diesel::update(sessions.find(session))
                .set(row)
                .execute(db)?;
            Ok(true)
        })
    }

    async fn end(&self, session: &str, user: i64) -> Result<bool, StoreError> {
        self.write(|db| {
            let theirs = sessions.find(session).filter(user_id.eq(user));
            Ok(diesel::delete(theirs).execute(db)? > 0)
        })
    }

    async fn revoke_before(
        &self,
        user: i64,
        current: u64,
        kept: Option<&str>,
    ) -> Result<(), StoreError> {
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
