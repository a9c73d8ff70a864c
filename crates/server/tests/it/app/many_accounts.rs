//! List of accounts in a database with 200 000 of them.

use std::fs;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};
use tower_warder::UserStatus;
use tower_warder_accounts::{AccountStore, EmailPrefix, UserFilter, UserOrder, UserQuery};

use crate::support::Place;

/// Prints the median time of each query.
#[tokio::test]
#[ignore = "fills two databases with 200 000 accounts; run it with --ignored --nocapture"]
async fn pages_of_many_accounts_are_read_in_time() {
    for place in [Some(Place::sqlite()), Place::postgres().await] {
        let Some(place) = place else {
            continue;
        };
        let store = place.store().await;
        fill(&place).await;
        let kind = place.postgres_url().map_or("SQLite", |_| "PostgreSQL");
        for (name, query) in queries() {
            let mut times = Vec::new();
            let mut listed = 0;
            for _ in 0..20 {
                let begin = Instant::now();
                listed = store.list(&query).await.unwrap().len();
                times.push(begin.elapsed());
            }
            print(kind, name, listed as u64, times);
            let mut times = Vec::new();
            let mut count = 0;
            for _ in 0..20 {
                let begin = Instant::now();
                count = store.count(&query.filter).await.unwrap();
                times.push(begin.elapsed());
            }
            print(kind, "  total", count, times);
        }
        let before = memory_kib();
        let pages = walk(&*store).await;
        let grown = memory_kib().saturating_sub(before);
        println!("{kind}: {pages} pages of 100, memory grew by {grown} KiB");
        assert!(grown < 8192, "{grown} KiB");
    }
}

fn queries() -> Vec<(&'static str, UserQuery)> {
    let page = |order: UserOrder, search: Option<&str>, status| UserQuery {
        filter: UserFilter {
            search: search.map(|text| EmailPrefix::new(text).unwrap()),
            status,
            ..UserFilter::default()
        },
        order,
        limit: Some(51),
    };
    let newest = |after| UserOrder::CreatedAt {
        descending: true,
        after,
    };
    let by_email = |after: Option<&str>| UserOrder::Email {
        descending: false,
        after: after.map(str::to_owned),
    };
    let pending = Some(UserStatus::Pending);
    vec![
        ("first page", page(newest(None), None, None)),
        (
            "page in the middle",
            page(newest(Some(100_000)), None, None),
        ),
        ("last page", page(newest(Some(40)), None, None)),
        ("first by address", page(by_email(None), None, None)),
        ("middle by address", page(by_email(Some("u8")), None, None)),
        ("pending", page(newest(None), None, pending)),
        (
            "pending, middle",
            page(newest(Some(100_000)), None, pending),
        ),
        (
            "pending by address",
            page(by_email(Some("u8")), None, pending),
        ),
        (
            "search of 1 account",
            page(newest(None), Some("uabcde"), None),
        ),
        ("search of 1/256", page(newest(None), Some("uab"), None)),
        ("search of 1/16", page(newest(None), Some("ua"), None)),
        (
            "search of 1/256 by address",
            page(by_email(None), Some("uab"), None),
        ),
        (
            "search of 1/256, middle",
            page(newest(Some(100_000)), Some("uab"), None),
        ),
        (
            "search of 1/256, approved, middle",
            page(
                newest(Some(100_000)),
                Some("uab"),
                Some(UserStatus::Approved),
            ),
        ),
        ("search of all", page(newest(None), Some("u"), None)),
        ("search of none", page(newest(None), Some("x"), None)),
    ]
}

/// Adds 200 000 accounts with addresses like `ua1b2c3d4-77@example.org`, of which 5 % are pending.
async fn fill(place: &Place) {
    match place.postgres_url() {
        Some(url) => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            let users = "INSERT INTO users (email, hashed_password, status, created_at)
                 SELECT 'u' || substr(md5(n::text), 1, 8) || '-' || n || '@example.org', repeat('x', 97),
                     CASE n % 20 WHEN 0 THEN 'pending' WHEN 1 THEN 'disabled' ELSE 'approved' END,
                     '2026-01-01'::timestamptz + n * interval '1 s'
                 FROM generate_series(1, 200000) AS n";
            connection.execute(users).await.unwrap();
            connection.execute("VACUUM ANALYZE users").await.unwrap();
        }
        None => {
            let file = SqliteConnectOptions::new().filename(place.sqlite_file());
            let mut connection = file.connect().await.unwrap();
            let users = "INSERT INTO users (email, hashed_password, status, created_at)
                 WITH RECURSIVE numbers (n) AS
                     (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200000)
                 SELECT 'u' || lower(hex(randomblob(4))) || '-' || n || '@example.org',
                     hex(zeroblob(48)),
                     CASE n % 20 WHEN 0 THEN 'pending' WHEN 1 THEN 'disabled' ELSE 'approved' END,
                     strftime('%Y-%m-%dT%H:%M:%f000Z', '2026-01-01', n || ' seconds')
                 FROM numbers";
            connection.execute(users).await.unwrap();
        }
    }
}

/// Reads all accounts in pages of 100; the number of pages.
async fn walk(store: &dyn AccountStore) -> u32 {
    let mut query = UserQuery {
        limit: Some(100),
        ..UserQuery::default()
    };
    let mut pages = 0;
    loop {
        let users = store.list(&query).await.unwrap();
        let Some(last) = users.last() else {
            return pages;
        };
        query.order = query.order.after(last);
        pages += 1;
    }
}

fn print(kind: &str, name: &str, rows: u64, mut times: Vec<Duration>) {
    times.sort_unstable();
    let (median, maximum) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{kind}: {name}: {rows} in {:.2} ms, at most {:.2} ms",
        median.as_secs_f64() * 1000.0,
        maximum.as_secs_f64() * 1000.0
    );
}

/// Peak of the resident memory of this process.
fn memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let number = line.unwrap().split_whitespace().nth(1);
    number.unwrap().parse().unwrap()
}
