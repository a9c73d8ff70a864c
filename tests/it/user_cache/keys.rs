//! Cache keys: users of different issuers or tenants are never confused.

use super::*;

#[tokio::test]
async fn same_subject_of_two_issuers_has_two_entries() {
    let cache = UserCache::new(16);
    let layer = AuthLayer::new(testing::verifier(), Issuers).user_cache(cache.clone());
    for _ in 0..2 {
        for issuer in [Some("a"), Some("b"), None] {
            let mut tokens = testing::issuer();
            if let Some(issuer) = issuer {
                tokens = tokens.issuer(issuer);
            }
            let asked = identity(&layer, get_with("/", &tokens.issue("7").unwrap())).await;
            assert_eq!(asked.user().await.unwrap().name, issuer.unwrap_or("none"));
        }
    }
}

#[tokio::test]
async fn loader_chooses_the_cache_key() {
    let tenants = Arc::new(Tenants(Mutex::new(0)));
    let cache = UserCache::new(16);
    // `Arc` forwards `cache_key`.
    let layer = AuthLayer::new(testing::verifier(), Arc::clone(&tenants)).user_cache(cache.clone());
    let of = async |tenant: &str| {
        let claims = serde_json::json!({"tenant": tenant});
        let token = testing::issuer()
            .token("7")
            .claims(&claims)
            .issue()
            .unwrap();
        let asked = identity(&layer, get_with("/", &token)).await;
        asked.user().await.unwrap().name.clone()
    };
    for _ in 0..2 {
        assert_eq!((of("a").await, of("b").await), ("a".into(), "b".into()));
    }
    assert_eq!(*tenants.0.lock().unwrap(), 2);
    cache.invalidate("a/7");
    assert_eq!((of("a").await, of("b").await), ("a".into(), "b".into()));
    assert_eq!(*tenants.0.lock().unwrap(), 3);

    // The loader excludes this tenant from the cache.
    for loads in [4, 5] {
        of("volatile").await;
        assert_eq!(*tenants.0.lock().unwrap(), loads);
    }
}

#[tokio::test]
async fn panicking_cache_key_is_503() {
    let layer = AuthLayer::new(testing::verifier(), PanickingKey).user_cache(UserCache::new(16));
    let error = ask(&layer, "7").await.user().await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Unavailable);
}

/// Loader that names every user after the issuer.
struct Issuers;

#[async_trait]
impl UserLoader for Issuers {
    type User = TestUser;

    async fn load_user(&self, claims: &Claims) -> Result<Option<TestUser>, BoxError> {
        let issuer = claims.issuer().unwrap_or("none");
        Ok(Some(TestUser::approved(issuer)))
    }
}

/// Loader that names every user after the tenant and counts its loads.
struct Tenants(Mutex<usize>);

impl Tenants {
    fn of(claims: &Claims) -> String {
        let claims: serde_json::Value = claims.deserialize().unwrap();
        claims["tenant"].as_str().unwrap().to_owned()
    }
}

#[async_trait]
impl UserLoader for Tenants {
    type User = TestUser;

    async fn load_user(&self, claims: &Claims) -> Result<Option<TestUser>, BoxError> {
        *self.0.lock().unwrap() += 1;
        Ok(Some(TestUser::approved(&Self::of(claims))))
    }

    fn cache_key<'a>(&self, claims: &'a Claims) -> Option<Cow<'a, str>> {
        let tenant = Self::of(claims);
        (tenant != "volatile").then(|| format!("{tenant}/{}", claims.subject()).into())
    }
}

/// Loader whose cache key panics if the token has no tenant.
struct PanickingKey;

#[async_trait]
impl UserLoader for PanickingKey {
    type User = TestUser;

    async fn load_user(&self, claims: &Claims) -> Result<Option<TestUser>, BoxError> {
        let tenant = Tenants::of(claims);
        Ok(Some(TestUser::approved(&tenant)))
    }

    fn cache_key<'a>(&self, claims: &'a Claims) -> Option<Cow<'a, str>> {
        Some(Tenants::of(claims).into())
    }
}
