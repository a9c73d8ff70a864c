//! 10 000 users in memory.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use tower_warder::{AuthUser, BoxError, Claims, UserLoader, UserStatus, async_trait};

use super::tokens::SUBJECT;

/// User of a small application: a clone allocates twice.
#[derive(Clone, Debug)]
pub struct User {
    pub id: i64,
    pub email: String,
    pub name: String,
    pub active: bool,
}

impl AuthUser for User {
    fn status(&self) -> UserStatus {
        match self.active {
            true => UserStatus::Approved,
            false => UserStatus::Disabled,
        }
    }
}

/// Loader that finds users in a map.
pub struct Users(&'static HashMap<String, Arc<User>>);

impl Users {
    /// The same map for all rows: under valgrind it takes long to make.
    pub fn ten_thousand() -> Self {
        static USERS: LazyLock<HashMap<String, Arc<User>>> = LazyLock::new(|| {
            let users = subjects().enumerate();
            users
                .map(|(index, email)| (email.clone(), Arc::new(user(index as i64, email))))
                .collect()
        });
        Self(&USERS)
    }

    pub fn get(&self, email: &str) -> Option<&User> {
        self.0.get(email).map(|user| &**user)
    }
}

/// Loader that shares its users instead of cloning them.
pub struct SharedUsers(pub Users);

#[async_trait]
impl UserLoader for SharedUsers {
    type User = Arc<User>;

    async fn load_user(&self, claims: &Claims) -> Result<Option<Arc<User>>, BoxError> {
        let Self(users) = self;
        Ok(users.0.get(claims.subject()).cloned())
    }
}

#[async_trait]
impl UserLoader for Users {
    type User = User;

    async fn load_user(&self, claims: &Claims) -> Result<Option<User>, BoxError> {
        Ok(self.get(claims.subject()).cloned())
    }
}

/// Addresses of all users, including the hot one.
pub fn subjects() -> impl Iterator<Item = String> {
    (0..10_000).map(|index| match index {
        42 => SUBJECT.to_owned(),
        _ => format!("user{index}@example.com"),
    })
}

fn user(id: i64, email: String) -> User {
    User {
        id,
        email,
        name: "Jane Doe".to_owned(),
        active: true,
    }
}
