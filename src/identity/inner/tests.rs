use super::*;
use crate::error::BoxError;
use crate::token::Verifier;
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
        Verification::Ready(Err(AuthError::refused(Refusal::Credential)))
    }
}

#[test]
fn strangers_do_not_wait_for_each_other() {
    let stranger = Inner::stranger(Arc::new(Config::new(Nobody, Nobody)));
    let _turn = stranger.turn.try_lock().unwrap();
    let claims = stranger.claims().now_or_never();
    assert!(claims.unwrap().is_err());
    let user = stranger.user().now_or_never();
    assert!(user.unwrap().is_err());
}
