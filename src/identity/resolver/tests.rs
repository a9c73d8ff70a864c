use super::*;
use crate::cache::UserCache;
use crate::error::BoxError;
use crate::jwt::Verifier;
use crate::user::{AuthUser, UserLoader, UserStatus};

struct Unknown;

impl AuthUser for Unknown {
    fn status(&self) -> UserStatus {
        UserStatus::Disabled
    }
}

#[async_trait::async_trait]
impl UserLoader for Unknown {
    type User = Self;

    async fn load_user(&self, _: &Claims) -> Result<Option<Self>, BoxError> {
        Ok(None)
    }
}

impl Verifier for Unknown {
    fn verify<'a>(&'a self, _: &'a str) -> Verification<'a> {
        Verification::Ready(Err(AuthError::rejected(RejectReason::Credential)))
    }
}

#[test]
fn anonymous_requests_do_not_wait_for_each_other() {
    let anonymous = Resolver::anonymous(Config::new(Unknown, Unknown));
    let _guard = anonymous.lock.try_lock().unwrap();
    let claims = anonymous.claims().now_or_never();
    assert!(claims.unwrap().is_err());
    let user = anonymous.user().now_or_never();
    assert!(user.unwrap().is_err());
}

struct Known;

impl AuthUser for Known {
    fn status(&self) -> UserStatus {
        UserStatus::Approved
    }
}

#[async_trait::async_trait]
impl UserLoader for Known {
    type User = Self;

    async fn load_user(&self, _: &Claims) -> Result<Option<Self>, BoxError> {
        Ok(Some(Self))
    }
}

/// Asynchronous verifier, like one with a deny list.
impl Verifier for Known {
    fn verify<'a>(&'a self, _: &'a str) -> Verification<'a> {
        let claims = Claims::from_json(r#"{"sub":"7","exp":4102444800}"#);
        Verification::Pending(future::ready(claims).boxed())
    }
}

#[test]
fn cached_user_does_not_end_an_outage_of_the_loader() {
    let mut config = Config::new(Known, Known);
    config.cache = Some(UserCache::new(8));
    let config = Arc::new(config);
    let credential = || {
        let request = http::Request::get("/").header("authorization", "Bearer a");
        config.source.find(&mut request.body(()).unwrap())
    };
    let load = || {
        let resolver = Resolver::new(Arc::clone(&config), credential());
        assert!(resolver.user().now_or_never().unwrap().is_ok());
    };
    load();
    let outage = &config.outages.loader;
    assert_eq!(outage.admit(), Some(1));
    load();
    assert_eq!(outage.recover(), Some(1));
}
