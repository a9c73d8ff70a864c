//! Accounts.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sqlite::Sqlite;
use tower_warder::{UserStatus, async_trait};
use tower_warder_accounts::{
    AccountStore, AdminGrant, Email, NewUser, StoreError, User, UserChange, UserFilter, UserOrder,
    UserQuery,
};

use super::DieselStore;
use super::rows::UserRow;
use super::schema::users::BoxedQuery;
use super::schema::users::dsl::*;

#[async_trait]
impl AccountStore for DieselStore {
    async fn insert(&self, new: NewUser) -> Result<User, StoreError> {
        self.write(|db| {
            let is_first = match new.admin_grant {
                AdminGrant::Never => false,
                AdminGrant::IfFirstAccount => load(users.limit(1).into_boxed(), db)?.is_empty(),
                AdminGrant::IfNoAdmin => load(admins(), db)?.is_empty(),
            };
            let mut user = new.into_user(0, is_first);
            let insert = diesel::insert_into(users).values(UserRow::new(&user)?);
            user.id = insert.returning(id).get_result(db).map_err(taken)?;
            Ok(user)
        })
    }

    async fn find(&self, user: i64) -> Result<Option<User>, StoreError> {
        let found = users.filter(id.eq(user)).into_boxed();
        self.read(|db| Ok(load(found, db)?.pop()))
    }

    async fn find_by_email(&self, address: &Email) -> Result<Option<User>, StoreError> {
        let found = users.filter(email.eq(address.as_str())).into_boxed();
        self.read(|db| Ok(load(found, db)?.pop()))
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
            load(list, db)
        })
    }

    async fn count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        let count = filtered(filter).count();
        self.read(|db| Ok(count.get_result::<i64>(db)?.try_into()?))
    }

    async fn change(&self, change: &UserChange) -> Result<Option<User>, StoreError> {
        self.write(|db| {
            let mut deciding = admins().or_filter(id.eq(change.id));
            if let Some(actor) = change.by.id() {
                deciding = deciding.or_filter(id.eq(actor));
            }
            let changed = change.apply(&load(deciding, db)?)?;
            let row = users.find(change.id);
            match &changed {
                Some(user) => diesel::update(row).set(UserRow::new(user)?).execute(db),
                None => diesel::delete(row).execute(db),
            }
            .map_err(taken)?;
            Ok(changed)
        })
    }
}

type Query<'a> = BoxedQuery<'a, Sqlite>;

fn load(query: Query<'_>, db: &mut SqliteConnection) -> Result<Vec<User>, StoreError> {
    let rows = query.load::<UserRow>(db)?.into_iter();
    rows.map(UserRow::into_user).collect()
}

fn admins<'a>() -> Query<'a> {
    let approved = status.eq(UserStatus::Approved.as_str());
    users.filter(is_admin.and(approved)).into_boxed()
}

fn filtered<'a>(filter: &UserFilter) -> Query<'a> {
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
) -> Result<Option<(i64, i64)>, StoreError> {
    let nearest = match descending {
        true => users.filter(id.le(last)).order(id.desc()).into_boxed(),
        false => users.filter(id.ge(last)).order(id.asc()).into_boxed(),
    };
    Ok(nearest.select((created_at, id)).first(db).optional()?)
}

/// The address is the only unique column besides the id.
fn taken(error: Error) -> StoreError {
    match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => StoreError::EmailTaken,
        error => error.into(),
    }
}
