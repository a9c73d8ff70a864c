//! SQL for the tables of audit events that both databases share, and their rows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use sqlx::FromRow;
use tower_warder_accounts::{AuditActor, AuditEvent, AuditEventKind, StoreError};

/// What a batch of events changes besides the table of events.
#[derive(Default)]
pub(crate) struct Batch {
    /// The last log-in of each account, sorted: instances lock the rows in the same order.
    pub(crate) logins: BTreeMap<i64, SystemTime>,
    pub(crate) deleted: BTreeSet<i64>,
    /// The kinds of each account that may have too many events.
    pub(crate) kinds: BTreeSet<(Option<i64>, &'static str)>,
}

impl Batch {
    pub(crate) fn new(events: &[AuditEvent]) -> Self {
        let mut batch = Self::default();
        for event in events {
            batch.kinds.insert((event.account, event.kind.as_str()));
            match (event.kind, event.account) {
                (AuditEventKind::LoginSucceeded, Some(account)) => {
                    let last = batch.logins.entry(account).or_insert(event.at);
                    *last = event.at.max(*last);
                }
                (AuditEventKind::AccountDeleted, Some(account)) => {
                    batch.deleted.insert(account);
                }
                _ => {}
            }
        }
        batch
    }
}

/// Adds a batch of events in a transaction, with times of the given type.
macro_rules! append {
    ($database:ty, $prefix:expr, $transaction:expr, $events:expr, $max:expr, $time:path) => {{
        let batch = audit::Batch::new($events);
        for events in $events.chunks(audit::MAX_ROWS) {
            let insert = $prefix.statement(audit::INSERT);
            let mut insert = QueryBuilder::<$database>::new(insert.as_str());
            insert.push_values(events, |mut row, event| {
                row.push_bind($time(event.at))
                    .push_bind(event.kind.as_str())
                    .push_bind(event.actor.to_string())
                    .push_bind(event.account)
                    .push_bind(event.session.as_deref())
                    .push_bind(event.reason.as_deref())
                    .push_bind(event.address.map(|address| address.to_string()));
            });
            insert.build().execute(&mut *$transaction).await?;
        }
        for (account, at) in batch.logins {
            let login = sqlx::query($prefix.statement(audit::LOGIN))
                .bind(account)
                .bind($time(at));
            login.execute(&mut *$transaction).await?;
        }
        for account in batch.deleted {
            let delete = sqlx::query($prefix.statement(audit::DELETE_LOGIN)).bind(account);
            delete.execute(&mut *$transaction).await?;
        }
        for (account, kind) in batch.kinds {
            let trim = match account {
                Some(account) => sqlx::query($prefix.statement(audit::TRIM)).bind(account),
                // `$1` is not used.
                None => sqlx::query($prefix.statement(audit::TRIM_WITHOUT_ACCOUNT)).bind(0_i64),
            };
            let trim = trim.bind(kind).bind(i64::MAX).bind(i64::from($max));
            trim.execute(&mut *$transaction).await?;
        }
    }};
}
pub(crate) use append;

/// Reads the last log-ins of accounts.
macro_rules! last_logins {
    ($database:ty, $prefix:expr, $executor:expr, $accounts:expr, $time:ty) => {{
        let mut logins = HashMap::new();
        for accounts in $accounts.chunks(audit::MAX_ROWS) {
            let select = $prefix.statement(audit::LAST_LOGINS);
            let mut select = QueryBuilder::<$database>::new(select.as_str());
            let mut list = select.separated(", ");
            for account in accounts {
                list.push_bind(*account);
            }
            select.push(")");
            let rows: Vec<(i64, $time)> = select.build_query_as().fetch_all($executor).await?;
            logins.extend(rows.into_iter().map(|(id, at)| (id, at.into())));
        }
        logins
    }};
}
pub(crate) use last_logins;

pub(crate) const INSERT: &str =
    "INSERT INTO audit_events (at, event, actor, account, session, reason, address) ";

/// Other instances may have written a later log-in.
pub(crate) const LOGIN: &str = "INSERT INTO audit_last_logins (account, at) VALUES ($1, $2)
     ON CONFLICT (account) DO UPDATE SET at = excluded.at
     WHERE excluded.at > audit_last_logins.at";

pub(crate) const DELETE_LOGIN: &str = "DELETE FROM audit_last_logins WHERE account = $1";

macro_rules! trim {
    ($account:literal) => {
        concat!(
            "DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE ",
            $account,
            " AND event = $2 ORDER BY at DESC, id DESC LIMIT $3 OFFSET $4)"
        )
    };
}

/// Deletes all events of the kind `$2` of the account `$1` except the `$4` newest. `$3` is unlimited:
/// SQLite requires a limit.
pub(crate) const TRIM: &str = trim!("account = $1");

pub(crate) const TRIM_WITHOUT_ACCOUNT: &str = trim!("account IS NULL AND $1 = 0");

pub(crate) const LIST: &str = "SELECT at, event, actor, account, session, reason, address
     FROM audit_events WHERE account = $1 ORDER BY at DESC, id DESC LIMIT $2";

pub(crate) const LAST_LOGINS: &str = "SELECT account, at FROM audit_last_logins WHERE account IN (";

pub(crate) const DELETE_BEFORE: &str = "DELETE FROM audit_events
     WHERE id IN (SELECT id FROM audit_events WHERE at < $1 ORDER BY at, id LIMIT $2)";

/// Rows of one statement: each has up to seven parameters, of which SQLite allows 32766.
pub(crate) const MAX_ROWS: usize = 1000;

/// Row with times of the type `T` of the database.
#[derive(FromRow)]
pub(crate) struct AuditRow<T> {
    at: T,
    event: String,
    actor: String,
    account: Option<i64>,
    session: Option<String>,
    reason: Option<String>,
    address: Option<String>,
}

impl<T: Into<SystemTime>> AuditRow<T> {
    /// Returns `None` for a kind of a later version.
    fn into_event(self) -> Result<Option<AuditEvent>, StoreError> {
        let Some(kind) = AuditEventKind::from_name(&self.event) else {
            return Ok(None);
        };
        let actor = AuditActor::from_text(&self.actor);
        let actor = actor.ok_or_else(|| StoreError::unavailable("an event has no valid actor"))?;
        let mut event = AuditEvent::new(kind, actor, self.at.into());
        event.account = self.account;
        event.session = self.session;
        event.reason = self.reason.map(Into::into);
        event.address = self.address.map(|text| text.parse()).transpose()?;
        Ok(Some(event))
    }
}

/// Converts rows to events.
pub(crate) fn into_events<T: Into<SystemTime>>(
    rows: Vec<AuditRow<T>>,
) -> Result<Vec<AuditEvent>, StoreError> {
    let events = rows.into_iter().map(AuditRow::into_event);
    events.filter_map(Result::transpose).collect()
}
