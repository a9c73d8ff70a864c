//! Accounts.

use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{Bool, Untyped};
use diesel::{dsl::sql, prelude::*, sqlite::Sqlite};
use tower_warder::{UserStatus, async_trait};
use tower_warder_accounts::{
    AccountStore, AdminGrant, Email, NewUser, StoreError, User, UserChange, UserFilter, UserOrder,
    UserQuery,
};

use self::users::{BoxedQuery, dsl::*};
use super::{DieselStore, Result, micros, time};

#[async_trait]
impl AccountStore for DieselStore {
    async fn insert(&self, new: NewUser) -> Result<User> {
        self.write(|db| {
            let is_first = match new.admin_grant {
                AdminGrant::Never => false,
                AdminGrant::IfFirstAccount => load(users.limit(1).into_boxed(), db)?.is_empty(),
                AdminGrant::IfNoAdmin => load(admins(), db)?.is_empty(),
            };
            let mut user = new.into_user(0, is_first);
            let insert = diesel::insert_into(users).values(Row::new(&user)?);
            user.id = insert.returning(id).get_result(db).map_err(taken)?;
            Ok(user)
        })
    }

    async fn find(&self, user: i64) -> Result<Option<User>> {
        self.run(|db| Ok(load(users.filter(id.eq(user)).into_boxed(), db)?.pop()))
    }

    async fn find_by_email(&self, address: &Email) -> Result<Option<User>> {
        self.run(|db| Ok(load(users.filter(email.eq(address.as_str())).into_boxed(), db)?.pop()))
    }

    async fn list(&self, query: &UserQuery) -> Result<Vec<User>> {
        let mut list = filtered(&query.filter).limit(query.limit.map_or(i64::MAX, i64::from));
        list = match &query.order {
            UserOrder::CreatedAt { descending, after } => {
                let is_from = if *descending { "<=" } else { ">=" };
                let order = if *descending { "DESC" } else { "ASC" };
                if let Some(last) = *after {
                    // The position of the account or, if it was deleted, of the next one.
                    let ids = format!("WHERE id {is_from} {last} ORDER BY id {order} LIMIT 1");
                    let row = format!("(SELECT created_at, id FROM users {ids})");
                    let position = format!("(created_at, id) {is_from} {row}");
                    list = list.filter(sql::<Bool>(&position)).filter(id.ne(last));
                }
                list.order(sql::<Untyped>(&format!("created_at {order}, id {order}")))
            }
            UserOrder::Email { descending, after } => match (*descending, after.clone()) {
                (true, Some(last)) => list.filter(email.lt(last)).order(email.desc()),
                (true, None) => list.order(email.desc()),
                (false, Some(last)) => list.filter(email.gt(last)).order(email),
                (false, None) => list.order(email),
            },
        };
        self.run(|db| load(list, db))
    }

    async fn count(&self, filter: &UserFilter) -> Result<u64> {
        self.run(|db| Ok(filtered(filter).count().get_result::<i64>(db)?.try_into()?))
    }

    async fn change(&self, change: &UserChange) -> Result<Option<User>> {
        self.write(|db| {
            let is_named = id.eq(change.id).or(id.nullable().eq(change.by.id()));
            let changed = change.apply(&load(admins().or_filter(is_named), db)?)?;
            let row = users.find(change.id);
            match &changed {
                Some(user) => diesel::update(row).set(Row::new(user)?).execute(db),
                None => diesel::delete(row).execute(db),
            }
            .map_err(taken)?;
            Ok(changed)
        })
    }
}

type Query<'a> = BoxedQuery<'a, Sqlite>;

fn load(query: Query<'_>, db: &mut SqliteConnection) -> Result<Vec<User>> {
    query.load(db)?.into_iter().map(Row::into_user).collect()
}

fn admins<'a>() -> Query<'a> {
    let approved = status.eq(UserStatus::Approved.as_str());
    users.filter(is_admin.eq(true).and(approved)).into_boxed()
}

fn filtered<'a>(filter: &UserFilter) -> Query<'a> {
    let mut list = users.into_boxed();
    if let Some(prefix) = &filter.search {
        list = list.filter(email.ge(prefix.as_str().to_owned()));
        if let Some(bound) = prefix.upper_bound() {
            list = list.filter(email.lt(bound));
        }
    }
    if filter.hides_unverified {
        let shown =
            "status <> 'pending' OR email_verified_at IS NOT NULL OR approved_at IS NOT NULL";
        list = list.filter(sql::<Bool>(shown).or(hashed_password.eq(User::NO_PASSWORD)));
    }
    if let Some(has_password) = filter.has_password {
        list = list.filter(hashed_password.ne(User::NO_PASSWORD).eq(has_password));
    }
    match filter.status {
        Some(only) => list.filter(status.eq(only.as_str())),
        None => list,
    }
}

/// The address is the only unique column besides the id.
fn taken(error: Error) -> StoreError {
    match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => StoreError::EmailTaken,
        error => error.into(),
    }
}

diesel::table! {
    users {
        id -> BigInt, email -> Text, hashed_password -> Text, is_admin -> Bool, status -> Text,
        created_at -> BigInt, approved_at -> Nullable<BigInt>, approved_by -> Nullable<BigInt>,
        token_generation -> BigInt, email_verified_at -> Nullable<BigInt>,
        display_name -> Nullable<Text>, must_change_password -> Bool,
    }
}

/// Times are in microseconds.
#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
struct Row {
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
    email_verified_at: Option<i64>,
    display_name: Option<String>,
    must_change_password: bool,
}

impl Row {
    fn new(user: &User) -> Result<Self> {
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
            email_verified_at: user.email_verified_at.map(micros).transpose()?,
            display_name: user.display_name.clone(),
            must_change_password: user.must_change_password,
        })
    }

    fn into_user(self) -> Result<User> {
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
            email_verified_at: self.email_verified_at.map(time).transpose()?,
            display_name: self.display_name,
            must_change_password: self.must_change_password,
        })
    }
}
