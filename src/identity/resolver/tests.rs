use super::*;
use crate::cache::UserCache;
use crate::error::BoxError;
use crate::jwt::Verifier;
use crate::user::{AuthUser, UserLoader, UserStatus};

struct Nobody;

impl AuthUser for Nobody {
    fn status(&self) -> UserStatus {
        UserStatus::Disabled
    }
}

#[async_trait::async_trait]
impl UserLoader for Nobody {
    type User = Self;

    async fn load_user(&self, _: &Claims) -> Result<Option<Self>, BoxError> {
        Ok(None)
    }
}

impl Verifier for Nobody {
    fn verify<'a>(&'a self, _: &'a str) -> Verification<'a> {
        Verification::Ready(Err(AuthError::refused(RejectReason::Credential)))
    }
}

#[test]
fn anonymous_requests_do_not_wait_for_each_other() {
    let anonymous = Resolver::anonymous(Config::new(Nobody, Nobody));
    let _guard = anonymous.lock.try_lock().unwrap();
    let claims = anonymous.claims().now_or_never();
    assert!(claims.unwrap().is_err());
    let user = anonymous.user().now_or_never();
    assert!(user.unwrap().is_err());
}

struct Somebody;

impl AuthUser for Somebody {
    fn status(&self) -> UserStatus {
        UserStatus::Approved
    }
}

#[async_trait::async_trait]
impl UserLoader for Somebody {
    type User = Self;

    async fn load_user(&self, _: &Claims) -> Result<Option<Self>, BoxError> {
        Ok(Some(Self))
    }
}

/// Has to be waited for, as a deny list.
impl Verifier for Somebody {
    fn verify<'a>(&'a self, _: &'a str) -> Verification<'a> {
        let claims = Claims::from_json(r#"{"sub":"7","exp":4102444800}"#);
        Verification::Pending(future::ready(claims).boxed())
    }
}

#[test]
fn cached_user_does_not_end_an_outage_of_the_loader() {
    let mut config = Config::new(Somebody, Somebody);
    config.cache = Some(UserCache::new(8));
    let config = Arc::new(config);
    let credential = || {
        let request = http::Request::get("/").header("authorization", "Bearer a");
        config.source.find(&mut request.body(()).unwrap())
    };
    let ask = || {
        let resolver = Resolver::new(Arc::clone(&config), credential());
        assert!(resolver.user().now_or_never().unwrap().is_ok());
    };
    ask();
    let outage = &config.outages.loader;
    assert_eq!(outage.admit(), Some(1));
    ask();
    assert_eq!(outage.recover(), Some(1));
}
