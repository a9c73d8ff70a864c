//! SQL of the list of accounts, for both databases.

use sqlx::{Database, Encode, QueryBuilder, Type};
use tower_warder_accounts::{EmailPrefix, User, UserFilter, UserOrder, UserQuery};

use crate::prefix::Prefix;
use crate::users::users;

/// Database in which accounts can be listed.
pub(crate) trait Dialect: Database {
    /// The address, in byte order.
    const EMAIL: &str;

    /// The time of registration, where the index by address has to be used and not the one by time.
    const UNINDEXED_CREATED_AT: &str;
}

/// Returns the query of a list.
///
/// Its text depends on which parts of `query` are given, not on their values, so that the database
/// prepares few texts.
pub(crate) fn list<DB: Dialect>(prefix: &Prefix, query: &UserQuery) -> QueryBuilder<DB>
where
    i64: for<'q> Encode<'q, DB> + Type<DB>,
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    let is_searched = query.filter.search.is_some();
    match &query.order {
        // No index has the matches in this order. The one by address has all that it takes to sort
        // them, so that only the rows of the page are read.
        UserOrder::CreatedAt { descending, after } if is_searched && query.limit.is_some() => {
            let mut sql = start(
                prefix,
                users!("WHERE id IN (SELECT id FROM users WHERE TRUE"),
            );
            let age = DB::UNINDEXED_CREATED_AT;
            push_filter(&mut sql, &query.filter, Bounds::default());
            push_by_age(&mut sql, prefix, age, *descending, *after);
            push_limit(&mut sql, query.limit);
            sql.push(")");
            push_by_age(&mut sql, prefix, "created_at", *descending, None);
            sql
        }
        UserOrder::CreatedAt { descending, after } => {
            let mut sql = start(prefix, users!("WHERE TRUE"));
            push_filter(&mut sql, &query.filter, Bounds::default());
            push_by_age(&mut sql, prefix, "created_at", *descending, *after);
            push_limit(&mut sql, query.limit);
            sql
        }
        UserOrder::Email { descending, after } => {
            let mut sql = start(prefix, users!("WHERE TRUE"));
            let bounds = Bounds::after(after.as_deref(), *descending);
            push_filter(&mut sql, &query.filter, bounds);
            sql.push(" ORDER BY ")
                .push(DB::EMAIL)
                .push(direction(*descending));
            push_limit(&mut sql, query.limit);
            sql
        }
    }
}

/// Returns the query of the number of accounts.
pub(crate) fn count<DB: Dialect>(prefix: &Prefix, filter: &UserFilter) -> QueryBuilder<DB>
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    let mut sql = start(prefix, "SELECT COUNT(*) FROM users WHERE TRUE");
    push_filter(&mut sql, filter, Bounds::default());
    sql
}

fn start<DB: Database>(prefix: &Prefix, statement: &'static str) -> QueryBuilder<DB> {
    QueryBuilder::new(prefix.apply(statement).as_str())
}

/// Bounds of the address, each with its operator.
#[derive(Default)]
struct Bounds {
    lower: Option<(&'static str, String)>,
    upper: Option<(&'static str, String)>,
}

impl Bounds {
    fn after(email: Option<&str>, descending: bool) -> Self {
        let email = email.map(str::to_owned);
        if descending {
            Self {
                lower: None,
                upper: email.map(|email| (" < ", email)),
            }
        } else {
            Self {
                lower: email.map(|email| (" > ", email)),
                upper: None,
            }
        }
    }

    /// Adds those of the search. An index has one range, so the narrower bounds count.
    fn within(self, search: &EmailPrefix) -> Self {
        let lower = search.as_str();
        let lower = self
            .lower
            .filter(|(_, after)| **after >= *lower)
            .unwrap_or_else(|| (" >= ", lower.to_owned()));
        let upper = match (self.upper, search.upper_bound()) {
            (Some((_, after)), Some(upper)) if after > upper => Some((" < ", upper)),
            (None, upper) => upper.map(|upper| (" < ", upper)),
            (after, _) => after,
        };
        Self {
            lower: Some(lower),
            upper,
        }
    }
}

fn push_filter<DB: Dialect>(sql: &mut QueryBuilder<DB>, filter: &UserFilter, bounds: Bounds)
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    if let Some(status) = filter.status {
        let status = status.as_str().to_owned();
        sql.push(" AND status = ").push_bind(status);
    }
    if filter.hides_unverified {
        sql.push(
            " AND (status <> 'pending' OR email_verified_at IS NOT NULL OR approved_at IS NOT NULL \
              OR hashed_password = ",
        );
        sql.push_bind(User::NO_PASSWORD.to_owned()).push(")");
    }
    if let Some(has_password) = filter.has_password {
        let operator = if has_password { " <> " } else { " = " };
        sql.push(" AND hashed_password").push(operator);
        sql.push_bind(User::NO_PASSWORD.to_owned());
    }
    let bounds = match &filter.search {
        Some(search) => bounds.within(search),
        None => bounds,
    };
    for (operator, bound) in [bounds.lower, bounds.upper].into_iter().flatten() {
        sql.push(" AND ")
            .push(DB::EMAIL)
            .push(operator)
            .push_bind(bound);
    }
}

/// Pushes the position, if there is one, and the order.
fn push_by_age<DB: Dialect>(
    sql: &mut QueryBuilder<DB>,
    prefix: &Prefix,
    created_at: &str,
    descending: bool,
    after: Option<i64>,
) where
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    let direction = direction(descending);
    let is_from = if descending { " <= " } else { " >= " };
    if let Some(id) = after {
        // The position of the account or, if it was deleted, of the next one.
        sql.push(" AND (")
            .push(created_at)
            .push(", id)")
            .push(is_from);
        sql.push(
            prefix
                .apply("(SELECT created_at, id FROM users WHERE id")
                .as_str(),
        );
        sql.push(is_from).push_bind(id);
        sql.push(" ORDER BY id").push(direction);
        sql.push(" LIMIT 1) AND id <> ").push_bind(id);
    }
    sql.push(" ORDER BY ").push(created_at).push(direction);
    sql.push(", id").push(direction);
}

fn push_limit<DB: Dialect>(sql: &mut QueryBuilder<DB>, limit: Option<u32>)
where
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    if let Some(limit) = limit {
        sql.push(" LIMIT ").push_bind(i64::from(limit));
    }
}

const fn direction(descending: bool) -> &'static str {
    if descending { " DESC" } else { " ASC" }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]
mod tests {
    use sqlx::postgres::{PgConnection, Postgres};
    use sqlx::sqlite::{Sqlite, SqliteConnectOptions};
    use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Execute, Executor, Row};
    use tower_warder::UserStatus;
    use tower_warder_test_support::Place;

    use super::*;

    /// Every combination of parameters, in pages.
    fn queries() -> Vec<UserQuery> {
        let mut queries = Vec::new();
        let search = EmailPrefix::new("user1").ok();
        for search in [None, search] {
            for status in [None, Some(UserStatus::Pending)] {
                for descending in [false, true] {
                    for (id, email) in [(None, None), (Some(500), Some("user15".to_owned()))] {
                        let orders = [
                            UserOrder::CreatedAt {
                                descending,
                                after: id,
                            },
                            UserOrder::Email {
                                descending,
                                after: email,
                            },
                        ];
                        queries.extend(orders.map(|order| UserQuery {
                            filter: UserFilter {
                                search: search.clone(),
                                status,
                                ..UserFilter::default()
                            },
                            order,
                            limit: Some(51),
                        }));
                    }
                }
            }
        }
        queries
    }

    const fn is_by_age(query: &UserQuery) -> bool {
        matches!(query.order, UserOrder::CreatedAt { .. })
    }

    /// The index that has the accounts of the query in its order, or has at least the accounts.
    const fn index(query: &UserQuery) -> &'static str {
        let UserFilter { search, status, .. } = &query.filter;
        match (is_by_age(query) && search.is_none(), status.is_some()) {
            (true, false) => "users_newest",
            (true, true) => "users_newest_by_status",
            (false, false) => "users_email",
            (false, true) => "users_email_by_status",
        }
    }

    #[tokio::test]
    async fn every_page_uses_its_index_in_sqlite() {
        let place = Place::sqlite();
        let _store = place.open().await;
        let file = SqliteConnectOptions::new().filename(place.sqlite_file());
        let mut connection = file.connect().await.unwrap();
        let mut plan = async |sql: String| {
            let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let rows = connection.fetch_all(sqlx::query(sql)).await.unwrap();
            let steps = rows.iter().map(|row| row.get::<String, _>("detail"));
            // That of the unique column does as well.
            let steps = steps.map(|step| step.replace("sqlite_autoindex_users_1", "users_email"));
            steps.collect::<Vec<_>>()
        };
        let prefix = Prefix::default();
        for query in queries() {
            let steps = plan(list::<Sqlite>(&prefix, &query).into_string()).await;
            let uses = format!("INDEX {} ", index(&query));
            let uses_index = |step: &String| format!("{step} ").contains(&uses);
            assert!(steps.iter().any(uses_index), "{query:?}: {steps:?}");
            let is_restricted =
                query.filter != UserFilter::default() || !query.order.is_from_start();
            for step in &steps {
                let is_search = step.starts_with("SEARCH users");
                let is_walk = !is_restricted && step.starts_with("SCAN users USING INDEX");
                let is_sort = step.contains("ORDER BY") && query.filter.search.is_some();
                let is_list = step.contains("SUBQUERY");
                assert!(
                    is_search || is_walk || is_list || is_sort && is_by_age(&query),
                    "{query:?}: {steps:?}"
                );
            }
            let steps = plan(count::<Sqlite>(&prefix, &query.filter).into_string()).await;
            let is_covered = steps
                .iter()
                .all(|step| step.contains("USING COVERING INDEX"));
            assert!(is_covered, "{query:?}: {steps:?}");
        }
    }

    #[tokio::test]
    async fn every_page_uses_its_index_in_postgres() {
        let Some(place) = Place::postgres().await else {
            return;
        };
        let _store = place.open().await;
        let url = place.postgres_url().unwrap();
        let mut connection = PgConnection::connect(url).await.unwrap();
        let users = "INSERT INTO users (email, hashed_password, status, created_at)
             SELECT 'user' || n || '@example.org', 'none',
                 CASE n % 9 WHEN 0 THEN 'pending' ELSE 'approved' END, now() + n * interval '1 s'
             FROM generate_series(1, 5000) AS n";
        connection.execute(users).await.unwrap();
        connection.execute("VACUUM ANALYZE users").await.unwrap();
        // An index is used where one fits, however few the rows are.
        for way in ["seqscan", "bitmapscan", "sort"] {
            let off = AssertSqlSafe(format!("SET enable_{way} = off"));
            connection.execute(off).await.unwrap();
        }
        let mut plan = async |mut sql: QueryBuilder<Postgres>| {
            let text = AssertSqlSafe(format!("EXPLAIN (COSTS OFF) {}", sql.sql().as_str()));
            let arguments = sql.build().take_arguments().unwrap().unwrap();
            let explain = sqlx::query_scalar_with::<_, String, _>(text, arguments);
            explain.fetch_all(&mut connection).await.unwrap().join("\n")
        };
        let prefix = Prefix::default();
        for query in queries() {
            let steps = plan(list(&prefix, &query)).await;
            assert!(!steps.contains("Seq Scan"), "{query:?}: {steps}");
            // Which index a search for the newest uses depends on the number of matches.
            if !is_by_age(&query) || query.filter.search.is_none() {
                let uses = format!("using {} on", index(&query));
                assert!(steps.contains(&uses), "{query:?}: {steps}");
                assert!(!steps.contains("Sort"), "{query:?}: {steps}");
            }
            let steps = plan(count(&prefix, &query.filter)).await;
            assert!(steps.contains("Index Only Scan"), "{query:?}: {steps}");
        }
    }
}
