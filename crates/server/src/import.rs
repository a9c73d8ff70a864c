//! Import of accounts from a file, with a report.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, Write};

use tower_warder::password::{HashStatus, PasswordHasher};
use tower_warder::{BoxError, UserStatus};
use tower_warder_accounts::{AccountError, AccountStore, Accounts, UserImport};

use super::import_file::{ImportFile, ImportLine};

/// Import into these accounts.
pub(crate) struct Import<'a, S> {
    pub(crate) accounts: &'a Accounts<S>,
    pub(crate) store: &'a S,
    /// That of the accounts.
    pub(crate) hasher: PasswordHasher,
    pub(crate) dry_run: bool,
}

/// Numbers of lines.
#[derive(Default)]
struct Report {
    imported: u64,
    pending: u64,
    existing: u64,
    refused: u64,
    outdated: u64,
    unreadable: u64,
}

impl<S: AccountStore> Import<'_, S> {
    /// Imports the accounts of the file. Writes a line for each that is refused or cannot log in, and
    /// the numbers at the end.
    ///
    /// # Errors
    ///
    /// If lines were refused. If the store fails, the rest of the file is not read.
    pub(crate) async fn run(
        self,
        mut file: ImportFile<impl BufRead>,
        output: &mut impl Write,
    ) -> Result<(), BoxError> {
        let mut report = Report::default();
        let done = self.import(&mut file, &mut report, output).await;
        if self.dry_run {
            writeln!(output, "dry run: nothing is changed")?;
        }
        let Report {
            imported,
            pending,
            existing,
            refused,
            outdated,
            unreadable,
        } = report;
        writeln!(output, "imported: {imported}")?;
        writeln!(output, "of these, wait for approval: {pending}")?;
        writeln!(output, "hashes that are renewed at log-in: {outdated}")?;
        writeln!(output, "hashes that cannot be read: {unreadable}")?;
        writeln!(output, "existing, left as they are: {existing}")?;
        writeln!(output, "refused: {refused}")?;
        done?;
        match refused {
            0 => Ok(()),
            _ => Err("lines are refused: correct them, and run the command again".into()),
        }
    }

    async fn import(
        &self,
        file: &mut ImportFile<impl BufRead>,
        report: &mut Report,
        output: &mut impl Write,
    ) -> Result<(), BoxError> {
        let mut seen = HashMap::new();
        while let Some(ImportLine { number, account }) = file.next()? {
            let account = match account {
                Ok(account) => account,
                Err(reason) => {
                    report.refused += 1;
                    writeln!(output, "line {number}: refused: {reason}")?;
                    continue;
                }
            };
            let email = account.email.clone();
            // Which of the two was meant? Also where they differ in upper and lower case.
            if let Some(first) = seen.get(&email) {
                report.refused += 1;
                writeln!(
                    output,
                    "line {number}: refused: the same address as in line {first}"
                )?;
                continue;
            }
            seen.insert(email, number);
            let is_pending = account.status == UserStatus::Pending;
            let status = self.hasher.hash_status(&account.hashed_password);
            if !self.add(account, number).await? {
                report.existing += 1;
                writeln!(
                    output,
                    "line {number}: the account exists, and is left as it is"
                )?;
                continue;
            }
            report.imported += 1;
            report.pending += u64::from(is_pending);
            match status {
                HashStatus::Outdated => report.outdated += 1,
                HashStatus::Unreadable(reason) => {
                    report.unreadable += 1;
                    writeln!(
                        output,
                        "line {number}: the hash cannot be read ({reason}): use `reset-password`"
                    )?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns `false` if the account exists.
    async fn add(&self, account: UserImport, number: u64) -> Result<bool, BoxError> {
        let added = if self.dry_run {
            let found = self.store.find_by_email(&account.email).await;
            found.map(|user| user.is_none()).map_err(AccountError::from)
        } else {
            match self.accounts.import(account).await {
                Ok(_) => Ok(true),
                Err(AccountError::EmailTaken) => Ok(false),
                Err(error) => Err(error),
            }
        };
        added.map_err(|error| {
            let source = error.source().map(ToString::to_string);
            let reason = source.unwrap_or_else(|| error.to_string());
            format!("line {number}: {reason}; run the command again").into()
        })
    }
}

#[cfg(test)]
mod tests {
    use tower_warder::{HmacSecret, JwtIssuer};
    use tower_warder_accounts::{InMemoryAccountStore, User, UserQuery};

    use super::*;
    use crate::hasher;

    struct Done {
        result: Result<(), BoxError>,
        output: String,
    }

    impl Done {
        /// Numbers of imported, pending, outdated, unreadable, existing and refused.
        fn numbers(&self) -> Vec<u64> {
            let lines = self.output.lines().rev().take(6);
            let numbers = lines.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap());
            let mut numbers: Vec<u64> = numbers.collect();
            numbers.reverse();
            numbers
        }
    }

    async fn import(store: &InMemoryAccountStore, lines: &[&str], dry_run: bool) -> Done {
        let issuer = JwtIssuer::hs256(&HmacSecret::generate());
        let accounts = Accounts::new(store.clone(), issuer);
        let import = Import {
            accounts: &accounts,
            store,
            hasher: hasher::new(),
            dry_run,
        };
        let text = format!("email,hashed_password,status\n{}\n", lines.join("\n"));
        let file = ImportFile::new(text.as_bytes(), true).unwrap();
        let mut output = Vec::new();
        let result = import.run(file, &mut output).await;
        let output = String::from_utf8(output).unwrap();
        Done { result, output }
    }

    async fn stored(store: &InMemoryAccountStore) -> Vec<User> {
        store.list(&UserQuery::default()).await.unwrap()
    }

    const CURRENT: &str = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$AYZS4FaZ0ueMtR+C6CqwtsVysuQRxQtIuGstOQvB5oo";
    const WEAK: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$oy6NqSLuNaV42JUye37QNw";

    #[tokio::test]
    async fn import_is_reported_and_can_be_repeated() {
        let store = InMemoryAccountStore::new();
        let ada = format!("ada@example.org,\"{CURRENT}\",approved");
        let bob = format!("bob@example.org,\"{WEAK}\",disabled");
        let lines = [
            &ada,
            &bob,
            "cid@example.org,!,approved",
            "dan@example.org,,",
        ];
        let dry = import(&store, &lines, true).await;
        assert_eq!(dry.numbers(), [4, 1, 1, 2, 0, 0]);
        assert!(dry.output.contains("dry run"));
        assert_eq!(stored(&store).await, []);

        let done = import(&store, &lines, false).await;
        assert!(done.result.is_ok());
        assert_eq!(done.numbers(), dry.numbers());
        assert!(done.output.contains("line 4: "), "{}", done.output);
        let users = stored(&store).await;
        assert_eq!(users.len(), 4);
        let bob = users.iter().find(|user| user.email == "bob@example.org");
        let bob = bob.unwrap();
        assert_eq!(
            (&*bob.hashed_password, bob.status),
            (WEAK, UserStatus::Disabled)
        );

        for dry_run in [true, false] {
            let again = import(&store, &lines, dry_run).await;
            assert!(again.result.is_ok());
            assert_eq!(again.numbers(), [0, 0, 0, 0, 4, 0]);
        }
        assert_eq!(stored(&store).await, users);
    }

    #[tokio::test]
    async fn second_line_of_an_address_is_refused() {
        let store = InMemoryAccountStore::new();
        let lines = [
            "ada@example.org,first,",
            "ADA@Example.org,second,",
            "ada@example.org,first,",
        ];
        for imported in [1, 0] {
            let done = import(&store, &lines, false).await;
            assert!(done.result.is_err());
            assert_eq!(
                done.numbers(),
                [imported, imported, 0, imported, 1 - imported, 2]
            );
            assert!(done.output.contains("line 3: ") && done.output.contains("line 4: "));
        }
        let users = stored(&store).await;
        assert_eq!(users.len(), 1);
        assert_eq!(users[0].hashed_password, "first");
    }

    #[tokio::test]
    async fn report_has_nothing_of_a_refused_line() {
        let store = InMemoryAccountStore::new();
        let lines = [
            "=cmd|' /C calc'!A0,hidden-4dgQ,approved",
            "\u{1b}]0;title\u{7}@example.org,hidden-4dgQ,approved",
            "jane@example.org,hidden-4dgQ,hidden-4dgQ",
            "jane@example.org,hidden-4dgQ\u{1b}[2J,approved",
            "jane@example.org,hidden-4dgQ",
            // A valid address, which stays text.
            "=1+1@example.org,hidden-4dgQ,approved",
        ];
        let done = import(&store, &lines, false).await;
        assert_eq!(done.numbers(), [1, 0, 0, 1, 0, 5]);
        let text = format!("{}{}", done.output, done.result.unwrap_err());
        for hidden in ["hidden-4dgQ", "calc", "\u{1b}", "title"] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}
