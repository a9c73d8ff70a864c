//! Commands that read or change accounts, by the same operations as the HTTP routes.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::timeout;
use tower_warder::cache::{Invalidation, UserCache};
use tower_warder::{BoxError, HmacSecret, JwtIssuer, UserStatus};
use tower_warder_accounts::{
    AccountError, AccountStore, Accounts, Actor, AuditRetention, AuditWriter, BootstrapPolicy,
    CommonPasswords, Email, Invitation, OneTimeTokens, PasswordReset, Sessions, User, UserCreate,
    UserFilter, UserPublic, UserQuery, UserUpdate,
};
use zeroize::Zeroizing;

use super::channel::Channel;
use super::cli::AccountsCommand;
use super::config::{self, Storage};
use super::database::Database;
use super::hasher;
use super::import::Import;
use super::import_file::ImportFile;
use super::new_password::NewPassword;
use super::settings::Settings;
use super::store::{self, Store};

/// Creates the tables or brings them up to date.
pub(crate) async fn migrate(storage: Storage) -> Result<(), BoxError> {
    reject_memory(&storage.database)?;
    let place = storage.database.to_string();
    store::open(storage.database).await?.close().await;
    print(format_args!("the tables in {place} are up to date"))
}

/// Runs a command on accounts.
pub(crate) async fn run(
    command: AccountsCommand,
    storage: Storage,
    settings: &Settings,
) -> Result<(), BoxError> {
    reject_memory(&storage.database)?;
    if !matches!(command, AccountsCommand::CreateAdmin { .. }) {
        reject_missing(&storage.database)?;
    }
    let store = store::open(storage.database).await?;
    let operator = Operator::new(Arc::clone(&store), storage.password_check, storage.channel);
    let done = operator.run(command, settings).await;
    // Also after an error: the command may have changed something before.
    let published = operator.publish().await;
    // The change was made, whether or not its event can be written.
    let _ = timeout(FLUSH, operator.audit.flush()).await;
    store.close().await;
    done.and(published)
}

/// The operator of the server, who may do everything.
struct Operator {
    store: Arc<dyn Store>,
    audit: AuditWriter,
    accounts: Accounts<Arc<dyn Store>>,
    channel: Option<Channel>,
    changed: Arc<Mutex<Vec<Invalidation>>>,
}

impl Operator {
    fn new(store: Arc<dyn Store>, password_check: bool, channel: Option<Channel>) -> Self {
        // Not the keys of the server: no command issues a token.
        let issuer = JwtIssuer::hs256(&HmacSecret::generate());
        let changed = Arc::new(Mutex::new(Vec::new()));
        let collect = {
            let changed = Arc::clone(&changed);
            move |invalidation| {
                let mut changed = changed.lock().unwrap_or_else(PoisonError::into_inner);
                changed.push(invalidation);
            }
        };
        let audit = AuditWriter::spawn(Arc::clone(&store), AuditRetention::default());
        let mut accounts = Accounts::new(Arc::clone(&store), issuer)
            .hasher(hasher::new())
            .bootstrap(BootstrapPolicy::Nobody)
            .audit_as_system()
            .audit_store(audit.clone())
            // Whether or not the server has sessions now: it may have had them.
            .sessions(Sessions::new(Arc::clone(&store)))
            .one_time_tokens(OneTimeTokens::new(Arc::clone(&store)))
            .user_cache(UserCache::new(1).on_invalidate(collect));
        if password_check {
            accounts = accounts.password_policy(CommonPasswords);
        }
        Self {
            store,
            audit,
            accounts,
            channel,
            changed,
        }
    }

    async fn run(&self, command: AccountsCommand, settings: &Settings) -> Result<(), BoxError> {
        match command {
            AccountsCommand::CreateAdmin { email, password } => {
                let new = NewPassword::read(&password)?;
                self.create_admin(email, new).await
            }
            AccountsCommand::ResetPassword {
                email, link: true, ..
            } => {
                let url = config::own_url(settings)?;
                let id = self.find(&email).await?.id;
                let created = self.accounts.create_password_reset_token(id, Actor::System);
                let created = created.await.map_err(explained)?;
                let minutes = created.expires_in.as_secs() / 60;
                print(format_args!(
                    "{email} gets a new password by this link, once and within {minutes} minutes:"
                ))?;
                print(format_args!("{url}/reset-password#{}", *created.token))
            }
            AccountsCommand::ResetPassword {
                email,
                password,
                must_change,
                ..
            } => {
                // First, so that no password is entered in vain.
                let user = self.find(&email).await?;
                let new = NewPassword::read(&password)?;
                let generated = new.generated();
                self.reset_password(user.id, new, must_change).await?;
                match must_change {
                    true => print(format_args!(
                        "{email} has a new password, and sets another one at the next log-in"
                    ))?,
                    false => print(format_args!("{email} has a new password"))?,
                }
                print_generated(generated)
            }
            AccountsCommand::Invite { email, admin } => {
                let url = config::own_url(settings)?;
                let invitation = Invitation::new(email.clone()).admin(admin);
                let invited = self.accounts.invite(invitation, Actor::System).await;
                let (_, created) = invited.map_err(explained)?;
                let days = created.expires_in.as_secs() / (24 * 3600);
                let role = if admin { " as an admin" } else { "" };
                print(format_args!(
                    "{email} is invited{role}, and sets the password by this link, once and \
                     within {days} days:"
                ))?;
                print(format_args!("{url}/accept-invitation#{}", *created.token))
            }
            AccountsCommand::ListUsers { status, json } => self.list(status, json).await,
            AccountsCommand::SetStatus { email, status } => {
                let update = UserUpdate {
                    status: Some(status),
                    ..UserUpdate::default()
                };
                let id = self.find(&email).await?.id;
                let updated = self.accounts.update(id, update, Actor::System).await;
                updated.map_err(explained)?;
                print(format_args!("{email} is {}", status.as_str()))
            }
            AccountsCommand::Import { file, dry_run } => {
                let file = ImportFile::open(&file)?;
                let import = Import {
                    accounts: &self.accounts,
                    store: &self.store,
                    hasher: hasher::new(),
                    dry_run,
                };
                import.run(file, &mut io::stdout()).await
            }
            AccountsCommand::RevokeTokens(revoked) => match revoked.email {
                Some(email) => {
                    let user = self.find(&email).await?;
                    self.revoke_tokens(&user).await?;
                    print(format_args!("the tokens of {email} are revoked"))
                }
                None => self.revoke_all_tokens().await,
            },
        }
    }

    /// Every step can be repeated: if one fails, run the command again.
    async fn create_admin(&self, email: Email, new: NewPassword) -> Result<(), BoxError> {
        let generated = new.generated();
        let found = self.store.find_by_email(&email).await?;
        let id = match found {
            // First the password: that of the account may be known to an attacker, who registered
            // this address because it would become an admin's.
            Some(user) => {
                self.reset_password(user.id, new, false).await?;
                user.id
            }
            None => {
                let create = UserCreate::new(email.clone(), new.password);
                let user = self.accounts.register(create).await;
                user.map_err(explained)?.id
            }
        };
        let update = UserUpdate {
            is_admin: Some(true),
            status: Some(UserStatus::Approved),
            ..UserUpdate::default()
        };
        let updated = self.accounts.update(id, update, Actor::System).await;
        updated.map_err(explained)?;
        print(format_args!("{email} is an admin"))?;
        print_generated(generated)
    }

    async fn reset_password(
        &self,
        id: i64,
        new: NewPassword,
        must_change: bool,
    ) -> Result<(), BoxError> {
        let reset = PasswordReset::new(new.password).must_change(must_change);
        let reset = self.accounts.reset_password(id, reset, Actor::System).await;
        reset.map_err(explained)
    }

    async fn list(&self, status: Option<UserStatus>, json: bool) -> Result<(), BoxError> {
        let listed = self
            .for_each_page(with_status(status), async |users| {
                let ids: Vec<_> = users.iter().map(|user| user.id).collect();
                let logins = self.accounts.last_logins(&ids).await.map_err(explained)?;
                for user in users {
                    let last_login = logins.get(&user.id).copied();
                    let last_login_at = last_login.map(Timestamp::try_from).transpose()?;
                    print_user(user, last_login_at, json)?;
                }
                Ok(())
            })
            .await;
        match listed {
            // The reader has seen enough, such as `head`.
            Err(error) if is_broken_pipe(&error) => Ok(()),
            listed => listed,
        }
    }

    async fn revoke_all_tokens(&self) -> Result<(), BoxError> {
        let mut count = 0_u64;
        // Others lost their tokens when they were no longer approved.
        let approved = with_status(Some(UserStatus::Approved));
        self.for_each(approved, async |user| {
            self.revoke_tokens(&user).await?;
            count += 1;
            Ok(())
        })
        .await?;
        print(format_args!("accounts whose tokens are revoked: {count}"))
    }

    async fn revoke_tokens(&self, user: &User) -> Result<(), BoxError> {
        let mut user = user.clone();
        for _ in 0..ATTEMPTS {
            match self.accounts.logout_all(&user).await {
                Err(AccountError::TokensRevoked) => {}
                revoked => return revoked.map_err(explained),
            }
            // Either the account is not approved, and lost its tokens then; or its owner was faster
            // to change the password, which keeps a session.
            let found = self.store.find(user.id).await;
            match found.map_err(|error| explained(error.into()))? {
                Some(found) if found.status == UserStatus::Approved => user = found,
                _ => return Ok(()),
            }
        }
        Err(format!(
            "{}: its tokens change too often; disable the account",
            user.email
        )
        .into())
    }

    async fn find(&self, email: &Email) -> Result<User, BoxError> {
        let user = self.store.find_by_email(email).await;
        let user = user.map_err(|error| explained(error.into()))?;
        user.ok_or_else(|| format!("{email}: {}", AccountError::NotFound).into())
    }

    /// Passes each account of the filter to `action`, newest first, with a page in memory.
    async fn for_each(
        &self,
        filter: UserFilter,
        mut action: impl AsyncFnMut(User) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        self.for_each_page(filter, async |users| {
            for user in users {
                action(user).await?;
            }
            Ok(())
        })
        .await
    }

    async fn for_each_page(
        &self,
        filter: UserFilter,
        mut action: impl AsyncFnMut(Vec<User>) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let mut next = Some(UserQuery {
            filter,
            limit: Some(PAGE),
            ..UserQuery::default()
        });
        while let Some(query) = next {
            let page = self.accounts.list(&query).await.map_err(explained)?;
            action(page.users).await?;
            next = page.next;
        }
        Ok(())
    }

    /// Tells the servers about the changes, unless the database does so.
    async fn publish(&self) -> Result<(), BoxError> {
        let changed = {
            let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
            mem::take(&mut *changed)
        };
        let Some(channel) = self.channel.as_ref().filter(|_| !changed.is_empty()) else {
            return Ok(());
        };
        let invalidation = match changed.as_slice() {
            [Invalidation::Key(id)] => Invalidation::Key(id.clone()),
            _ => Invalidation::All,
        };
        channel.publish(invalidation).await.map_err(|error| {
            format!(
                "INVALIDATION_URL: {channel} does not answer: the accounts are changed, and servers \
                 with USER_CACHE_TTL notice it when that is over: {error}"
            )
            .into()
        })
    }
}

/// Each command would have a database of its own.
fn reject_memory(database: &Database) -> Result<(), BoxError> {
    match database {
        Database::Sqlite(file) if file.path().is_none() => Err(
            "DATABASE_URL: accounts in memory exist in the server only; give a file or PostgreSQL"
                .into(),
        ),
        _ => Ok(()),
    }
}

/// Creating a database would hide that its path is misspelled.
fn reject_missing(database: &Database) -> Result<(), BoxError> {
    match database {
        Database::Sqlite(file) if file.path().is_some_and(|path| !path.exists()) => Err(format!(
            "DATABASE_URL: {database} does not exist; give the file of the server, or run `migrate`"
        )
        .into()),
        _ => Ok(()),
    }
}

fn with_status(status: Option<UserStatus>) -> UserFilter {
    UserFilter {
        status,
        ..UserFilter::default()
    }
}

fn explained(error: AccountError) -> BoxError {
    match error.source() {
        Some(source) => format!("{error}: {source}").into(),
        None => error.into(),
    }
}

fn is_broken_pipe(error: &BoxError) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn print_user(user: User, last_login_at: Option<Timestamp>, json: bool) -> Result<(), BoxError> {
    if json {
        let listed = ListedUser {
            user: UserPublic::from(&user),
            last_login_at: last_login_at.map(|at| at.to_string()),
        };
        return print(format_args!("{}", serde_json::to_string(&listed)?));
    }
    let created_at = Timestamp::try_from(user.created_at)?;
    let role = if user.is_admin { "admin" } else { "user" };
    let status = match user.has_password() {
        true => user.status.as_str(),
        false => "not activated",
    };
    let (id, email) = (user.id, user.email);
    let verified_at = user
        .email_verified_at
        .map(Timestamp::try_from)
        .transpose()?;
    let or_none =
        |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| format!("{at:.0}"));
    let (last_login, verified) = (or_none(last_login_at), or_none(verified_at));
    print(format_args!(
        "{id}\t{status}\t{role}\t{created_at:.0}\t{email}\t{last_login}\t{verified}"
    ))
}

/// Account in the output as JSON.
#[derive(Serialize)]
struct ListedUser {
    #[serde(flatten)]
    user: UserPublic,
    last_login_at: Option<String>,
}

fn print_generated(password: Option<Zeroizing<String>>) -> Result<(), BoxError> {
    match password {
        Some(password) => print(format_args!("password: {}", *password)),
        None => Ok(()),
    }
}

/// Writes a line to standard output.
pub(crate) fn print(line: fmt::Arguments<'_>) -> Result<(), BoxError> {
    Ok(writeln!(io::stdout().lock(), "{line}")?)
}

/// Attempts to revoke the tokens of an account while its owner changes them.
const ATTEMPTS: u32 = 10;

/// Time for the events of a command to be written.
const FLUSH: Duration = Duration::from_secs(5);

/// Accounts that are read at once.
const PAGE: u32 = 1000;
