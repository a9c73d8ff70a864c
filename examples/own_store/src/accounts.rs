//! Accounts.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sqlite::Sqlite;
use tower_warder::{UserStatus, async_trait};
use tower_warder_accounts::{
    AccountStore, Actor, AdminGrant, Email, NewUser, StoreError, User, UserChange, UserFilter,
    UserOrder, UserQuery,
};

use super::rows::UserRow;
use super::schema::users::BoxedQuery;
use super::schema::users::dsl::*;
use super::{DieselStore, Failure};

#[async_trait]
impl AccountStore for DieselStore {
    async fn insert(&self, new: NewUser) -> Result<User, StoreError> {
        self.write(|db| {
            let grant = match new.admin_grant {
                AdminGrant::Never => false,
                AdminGrant::IfFirstAccount => users.count().get_result::<i64>(db)? == 0,
                AdminGrant::IfNoAdmin => other_admins(db, 0)? == 0,
            };
            let mut user = new.into_user(0, grant);
            let insert = diesel::insert_into(users).values(UserRow::new(user.clone())?);
            user.id = insert.returning(id).get_result(db).map_err(taken)?;
            Ok(user)
        })
    }

    async fn find(&self, user: i64) -> Result<Option<User>, StoreError> {
        self.read(|db| get(db, user))
    }

    async fn find_by_email(&self, address: &Email) -> Result<Option<User>, StoreError> {
        self.read(|db| {
            let row = users.filter(email.eq(address.as_str())).first(db);
            row.optional()?.map(UserRow::into_user).transpose()
        })
    }

    async fn list(&self, query: &UserQuery) -> Result<Vec<User>, StoreError> {
        self.read(|db| {
            let mut list = filtered(&query.filter);
            match &query.order {
                UserOrder::CreatedAt { descending, after } => {
                    if let Some(last) = *after {
                        let Some((at, nearest)) = position(db, last, *descending)? else {
                            return Ok(Vec::new());
                        };
                        let ties = created_at.eq(at).and(id.ne(last));
                        list = match descending {
                            true => list.filter(created_at.lt(at).or(ties.and(id.le(nearest)))),
                            false => list.filter(created_at.gt(at).or(ties.and(id.ge(nearest)))),
                        };
                    }
                    list = match descending {
                        true => list.order((created_at.desc(), id.desc())),
                        false => list.order((created_at, id)),
                    };
                }
                UserOrder::Email { descending, after } => {
                    list = match (after.clone(), descending) {
                        (Some(last), true) => list.filter(email.lt(last)),
                        (Some(last), false) => list.filter(email.gt(last)),
                        (None, _) => list,
                    };
                    list = match descending {
                        true => list.order(email.desc()),
                        false => list.order(email),
                    };
                }
            }
            if let Some(limit) = query.limit {
                list = list.limit(limit.into());
            }
            let rows = list.load(db)?.into_iter();
            rows.map(UserRow::into_user).collect()
        })
    }

    async fn count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        let count = filtered(filter).count();
        self.read(|db| Ok(count.get_result::<i64>(db)?.try_into()?))
    }

    async fn update(&self, user: i64, change: UserChange) -> Result<User, StoreError> {
        self.write(|db| {
            let before = get_for(db, user, change.by)?;
            let after = before.apply(&change, other_admins(db, user)?);
            save(db, after.map_err(StoreError::from)?)
        })
    }

    async fn delete(&self, user: i64, by: Actor) -> Result<(), StoreError> {
        self.write(|db| {
            let allowed = get_for(db, user, by)?.check_deletion(other_admins(db, user)?);
            allowed.map_err(StoreError::from)?;
            diesel::delete(users.find(user)).execute(db)?;
            Ok(())
        })
    }

    async fn reset_password(&self, user: i64, hash: &str, by: Actor) -> Result<(), StoreError> {
        self.write(|db| {
            let mut user = get_for(db, user, by)?;
            user.hashed_password = hash.to_owned();
            user.token_generation += 1;
            save(db, user).map(drop)
        })
    }

    async fn update_hash_if(&self, user: i64, old: &str, new: &str) -> Result<bool, StoreError> {
        self.write(|db| {
            let unchanged = users.find(user).filter(hashed_password.eq(old));
            let update = diesel::update(unchanged).set(hashed_password.eq(new));
            Ok(update.execute(db)? > 0)
        })
    }

    async fn revoke_tokens(
        &self,
        user: i64,
        generation: u64,
        hash: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.write(|db| {
            let user = get(db, user)?.filter(|user| {
                user.status == UserStatus::Approved && user.token_generation == generation
            });
            let Some(mut user) = user else {
                return Ok(false);
            };
            user.token_generation += 1;
            user.hashed_password = hash.map_or(user.hashed_password, str::to_owned);
            save(db, user).map(|_| true)
        })
    }
}

fn get(db: &mut SqliteConnection, user: i64) -> Result<Option<User>, Failure> {
    let row = users.find(user).first(db);
    row.optional()?.map(UserRow::into_user).transpose()
}

/// Returns the account that `by` is going to change.
fn get_for(db: &mut SqliteConnection, user: i64, by: Actor) -> Result<User, Failure> {
    let actor = by.id().map(|actor| get(db, actor)).transpose()?.flatten();
    by.check(actor.as_ref()).map_err(StoreError::from)?;
    Ok(get(db, user)?.ok_or(StoreError::NotFound)?)
}

fn filtered<'a>(filter: &UserFilter) -> BoxedQuery<'a, Sqlite> {
    let mut list = users.into_boxed();
    if let Some(prefix) = &filter.search {
        list = list.filter(email.ge(prefix.as_str().to_owned()));
        if let Some(bound) = prefix.upper_bound() {
            list = list.filter(email.lt(bound));
        }
    }
    match filter.status {
        Some(only) => list.filter(status.eq(only.as_str())),
        None => list,
    }
}

/// Returns age and id of the account, or of the next one in this direction if it was deleted.
fn position(
    db: &mut SqliteConnection,
    last: i64,
    descending: bool,
) -> Result<Option<(i64, i64)>, Failure> {
    let nearest = match descending {
        true => users.filter(id.le(last)).order(id.desc()).into_boxed(),
        false => users.filter(id.ge(last)).order(id.asc()).into_boxed(),
    };
    Ok(nearest.select((created_at, id)).first(db).optional()?)
}

fn save(db: &mut SqliteConnection, user: User) -> Result<User, Failure> {
    let update = diesel::update(users.find(user.id)).set(UserRow::new(user.clone())?);
    update.execute(db).map_err(taken)?;
    Ok(user)
}

fn other_admins(db: &mut SqliteConnection, user: i64) -> Result<u64, Failure> {
    let approved = users.filter(status.eq(UserStatus::Approved.as_str()));
    let others = approved.filter(is_admin).filter(id.ne(user)).count();
    Ok(others.get_result::<i64>(db)?.try_into()?)
}

/// The address is the only unique column besides the id.
fn taken(error: Error) -> StoreError {
    match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => StoreError::EmailTaken,
        error => StoreError::unavailable(error),
    }
}
