//! No passwords, hashes, secrets or tokens in `Debug` output and errors.

use std::fmt::{Debug, Display};
use std::time::{Duration, SystemTime};

use tower_warder::password::{PasswordError, PasswordHasher, PasswordParams};
use tower_warder::{HmacSecret, UserStatus, testing};
use tower_warder_accounts::throttle::Throttle;
use tower_warder_accounts::{
    AccountError, AccountStore, Accounts, Actor, AdminGrant, BootstrapPolicy, Email, EmailChange,
    EmailConfirmation, InMemoryAccountStore, InMemoryOneTimeTokenStore, InvalidPassword,
    LastAdminError, MailRequest, NewUser, OneTimePasswordReset, OneTimeTokens, Password,
    PasswordChange, PasswordReset, StoreError, Token, UserAction, UserChange, UserCreate,
    UserLogin, UserPublic, UserQuery, UserUpdate,
};

use super::server::hasher;

#[tokio::test]
async fn debug_output_contains_no_secrets() {
    let hash = hasher().hash(PASSWORD).await.unwrap();
    let others = PasswordHasher::new().params(PasswordParams::new(9216, 4, 1).unwrap());
    let renewed = others.verify(PASSWORD, &hash).await.unwrap();
    let rehash = renewed.rehash.clone().unwrap();
    let unreadable = others.verify(PASSWORD, "$argon2id$hunter2").await;

    let new = NewUser {
        email: Email::new("jane@example.org").unwrap(),
        hashed_password: hash.clone(),
        is_admin: false,
        status: UserStatus::Pending,
        created_at: SystemTime::UNIX_EPOCH,
        admin_grant: AdminGrant::IfNoAdmin,
    };
    let store = InMemoryAccountStore::new();
    let user = store.insert(new.clone()).await.unwrap();
    let bootstrap = BootstrapPolicy::Secret(HmacSecret::new(SECRET).unwrap());
    let accounts = Accounts::new(store.clone(), testing::issuer())
        .hasher(hasher())
        .bootstrap(bootstrap.clone());
    let login = || UserLogin::new("jane@example.org", PASSWORD);
    let issued = accounts.login(login()).await.unwrap();
    let token = issued.access_token.clone();
    let password = || Password::new(PASSWORD).unwrap();
    let bob = Email::new("bob@example.org").unwrap();

    let shown: [&dyn Debug; 11] = [
        &others,
        &PasswordParams::default(),
        &renewed,
        &unreadable,
        &[PasswordError::Busy, PasswordError::Failed],
        &accounts,
        &bootstrap,
        &store,
        &new,
        &user,
        &issued,
    ];
    let tokens = InMemoryOneTimeTokenStore::new();
    let inputs: [Box<dyn Debug>; 14] = [
        Box::new(tokens.clone()),
        Box::new(OneTimeTokens::new(tokens)),
        Box::new(OneTimePasswordReset::new(token.clone(), password())),
        Box::new(EmailConfirmation::new(token.clone())),
        Box::new(EmailChange::new(bob.clone(), PASSWORD)),
        Box::new(MailRequest::new(bob.clone())),
        Box::new(Throttle::new().secret(HmacSecret::new(SECRET).unwrap())),
        Box::new(UserCreate::new(bob, password()).bootstrap_secret(SECRET)),
        Box::new(PasswordReset::new(password()).must_change(true)),
        Box::new(PasswordChange::new(PASSWORD, password())),
        Box::new(login()),
        Box::new(Password::new(PASSWORD)),
        Box::new(Token::bearer(token.clone(), Duration::from_secs(1))),
        Box::new((UserPublic::from(&user), UserQuery::default())),
    ];
    let secrets = secrets(&[&hash, &rehash, &user.hashed_password], &token);
    for value in shown.into_iter().chain(inputs.iter().map(|it| &**it)) {
        assert_absent(value, &secrets);
    }
}

#[tokio::test]
async fn errors_contain_no_secrets() {
    let store = InMemoryAccountStore::new();
    let accounts = Accounts::new(store.clone(), testing::issuer())
        .hasher(hasher())
        .bootstrap(BootstrapPolicy::Secret(HmacSecret::new(SECRET).unwrap()));
    let create = |secret: &str| {
        let email = Email::new("jane@example.org").unwrap();
        UserCreate::new(email, Password::new(PASSWORD).unwrap()).bootstrap_secret(secret)
    };
    let wrong_secret = "kx93-bootstrap-secret-for-tests-18";
    let refused = accounts.register(create(wrong_secret)).await.unwrap_err();
    let user = accounts.register(create(SECRET)).await.unwrap();
    let taken = accounts.register(create(SECRET)).await.unwrap_err();
    let wrong = accounts
        .login(UserLogin::new("jane@example.org", format!("{PASSWORD}!")))
        .await
        .unwrap_err();
    let demoted = UserUpdate {
        is_admin: Some(false),
        ..UserUpdate::default()
    };
    let last = accounts.update(user.id, demoted.clone(), &user).await;
    let change = UserChange {
        id: user.id,
        action: UserAction::Update(demoted),
        by: Actor::Admin(user.id),
        at: SystemTime::UNIX_EPOCH,
    };
    let last_in_store = store.change(&change).await.unwrap_err();

    let mut secrets = secrets(&[&user.hashed_password], "");
    let hash = user.hashed_password;
    for action in [
        UserAction::ResetPassword {
            hash: hash.clone(),
            must_change: true,
        },
        UserAction::Rehash {
            old: hash.clone(),
            new: hash.clone(),
        },
        UserAction::RevokeTokens {
            generation: 7,
            hash: Some(hash),
        },
    ] {
        assert_absent(&action, &secrets);
        assert_absent(
            &UserChange {
                action,
                ..change.clone()
            },
            &secrets,
        );
    }
    secrets.extend([wrong_secret, "\"hunter"].map(str::to_owned));
    let errors: [&dyn Shown; 7] = [
        &refused,
        &taken,
        &wrong,
        &last.unwrap_err(),
        &last_in_store,
        &AccountError::NotFound,
        &StoreError::LastAdmin(LastAdminError::Deletion),
    ];
    for error in errors {
        assert_absent(&error.shown(), &secrets);
    }
    let short: InvalidPassword = Password::new("hunter").unwrap_err();
    assert_absent(&short.shown(), &secrets);
}

/// The forms in which an error can be logged.
trait Shown {
    fn shown(&self) -> String;
}

impl<E: Debug + Display> Shown for E {
    fn shown(&self) -> String {
        format!("{self} {self:?} {self:#?}")
    }
}

/// Texts that must not appear, and their parts that would be useful by themselves.
fn secrets(hashes: &[&str], token: &str) -> Vec<String> {
    let tails = hashes.iter().flat_map(|hash| hash.split('$').skip(4));
    let segments = token.split('.').filter(|segment| !segment.is_empty());
    let bytes = [PASSWORD, SECRET].map(|text| format!("{:?}", text.as_bytes()));
    let texts = [PASSWORD, SECRET, "$argon2id"].into_iter();
    let texts = texts.chain(tails).chain(segments).map(str::to_owned);
    texts.chain(bytes).collect()
}

#[track_caller]
fn assert_absent(value: &dyn Debug, secrets: &[String]) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!text.is_empty());
        for piece in secrets {
            assert!(!text.contains(piece.as_str()), "{piece} in {text}");
        }
    }
}

const PASSWORD: &str = "hunter2hunter2";
const SECRET: &str = "kx93-bootstrap-secret-for-tests-17";
