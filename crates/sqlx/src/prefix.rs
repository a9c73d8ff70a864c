//! Prefix of the names of tables, indexes, triggers and functions.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// Prefix that has been validated. Empty by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prefix {
    text: Arc<str>,
    /// Statements that have been built, by their text without the prefix.
    built: Arc<Mutex<HashMap<&'static str, SqlStr>>>,
}

impl Prefix {
    pub(crate) fn new(prefix: &str) -> Result<Self, InvalidPrefix> {
        let mut characters = prefix.chars();
        let begins = characters
            .next()
            .is_some_and(|it| it == '_' || it.is_ascii_lowercase());
        let is_valid = begins
            && characters.all(|it| it == '_' || it.is_ascii_lowercase() || it.is_ascii_digit())
            && prefix.len() <= MAX_PREFIX_BYTES
            // Reserved by SQLite.
            && !prefix.starts_with("sqlite_");
        match is_valid {
            true => Ok(Self {
                text: prefix.into(),
                built: Arc::default(),
            }),
            false => Err(InvalidPrefix),
        }
    }

    /// Returns a statement with the prefix before each of our names; it is built once.
    pub(crate) fn statement(&self, text: &'static str) -> SqlStr {
        if self.is_empty() {
            return SqlStr::from_static(text);
        }
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        built
            .entry(text)
            .or_insert_with(|| self.apply(text))
            .clone()
    }

    /// Returns a text of SQL with the prefix before each of our names. Nothing else ever becomes
    /// part of the text.
    pub(crate) fn apply(&self, statement: &'static str) -> SqlStr {
        if self.is_empty() {
            return SqlStr::from_static(statement);
        }
        let mut text = String::with_capacity(2 * statement.len());
        let mut rest = statement;
        while !rest.is_empty() {
            let end = rest.find(|it| !is_word(it)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if is_ours(word) {
                text.push_str(&self.text);
            }
            text.push_str(word);
            let end = after.find(is_word).unwrap_or(after.len());
            let (between, after) = after.split_at(end);
            text.push_str(between);
            rest = after;
        }
        AssertSqlSafe(Arc::<str>::from(text)).into_sql_str()
    }

    /// Returns a single name with the prefix.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.text)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// The prefix of the tables is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidPrefix;

impl fmt::Display for InvalidPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the prefix of the tables is invalid; begin with a-z or _, continue with a-z, 0-9 or _, \
             use at most {MAX_PREFIX_BYTES} characters, and do not begin with sqlite_"
        )
    }
}

impl Error for InvalidPrefix {}

const fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Names of tables, and of what belongs to a table, begin with the table; functions and triggers
/// are listed.
fn is_ours(word: &str) -> bool {
    let belongs_to = |table: &str| {
        let rest = word.strip_prefix(table);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    TABLES.into_iter().any(belongs_to) || OTHER_NAMES.contains(&word)
}

const TABLES: [&str; 5] = [
    "audit_events",
    "audit_last_logins",
    "one_time_tokens",
    "sessions",
    "users",
];

const OTHER_NAMES: [&str; 5] = [
    "end_tokens",
    "tell_of_deletions",
    "tell_of_truncation",
    "tell_of_updates",
    "tell_of_users",
];

/// PostgreSQL cuts names at 63 bytes; the longest of ours has 31 bytes left.
const MAX_PREFIX_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_get_the_prefix() {
        let prefix = Prefix::new("auth_").unwrap();
        let statement = "SELECT user_id, users.id FROM users JOIN sessions ON usersx = 'users'\n\
            -- users_newest, my_users; EXECUTE FUNCTION end_tokens()";
        assert_eq!(
            prefix.apply(statement).as_str(),
            "SELECT user_id, auth_users.id FROM auth_users JOIN auth_sessions ON usersx = \
             'auth_users'\n-- auth_users_newest, my_users; EXECUTE FUNCTION auth_end_tokens()"
        );
        for _ in 0..2 {
            assert_eq!(prefix.statement(statement), prefix.apply(statement));
        }
        let none = Prefix::default();
        assert_eq!(none.apply(statement).as_str(), statement);
        assert_eq!(none.statement(statement).as_str(), statement);
    }

    #[test]
    fn invalid_prefix_is_rejected() {
        let longest = "a".repeat(MAX_PREFIX_BYTES);
        for valid in ["a", "_", "auth_", "a1", &longest] {
            assert!(Prefix::new(valid).is_ok(), "{valid}");
        }
        let too_long = "a".repeat(MAX_PREFIX_BYTES + 1);
        for invalid in [
            "", "1a", "Auth_", "auth.", "a b", "a\"", "a'", "a;", "a-", "é", "a\0", "sqlite_",
            &too_long,
        ] {
            assert_eq!(
                Prefix::new(invalid).unwrap_err(),
                InvalidPrefix,
                "{invalid:?}"
            );
        }
    }
}
