//! Rules of stores of one-time tokens.

use crate::testing::store_contract::fixture::{Fixture, MANY, moment};
use std::time::Duration;

use crate::{OneTimeToken, OneTimeTokenStore, TokenPurpose};

const JANE: i64 = 7;
const PAUL: i64 = 8;

/// Limit that no rule reaches.
const PLENTY: u32 = 1000;

const RESET: TokenPurpose = TokenPurpose::RESET_PASSWORD;
const OTHER: TokenPurpose = TokenPurpose::new("another purpose", Duration::ZERO);

/// Token that was created at [`moment`] 0 and expires at 1000.
fn token(name: &str, user_id: i64) -> OneTimeToken {
    let mut digest = [0xff; 32];
    for (byte, letter) in digest.iter_mut().rev().zip(name.bytes()) {
        *byte = letter;
    }
    OneTimeToken {
        digest,
        purpose: RESET,
        user_id,
        generation: 0,
        email: None,
        created_by: None,
        created_at: moment(0),
        expires_at: moment(1000),
    }
}

async fn add<S: OneTimeTokenStore>(tokens: &Fixture<S>, token: &OneTimeToken, most: u32) {
    let added = tokens.store().add(token.clone(), most).await;
    added.expect("a token can be added");
}

async fn find<S: OneTimeTokenStore>(
    tokens: &Fixture<S>,
    token: &OneTimeToken,
) -> Option<OneTimeToken> {
    let found = tokens.store().find(&token.digest, token.purpose).await;
    found.expect("tokens can be found by digest")
}

async fn take<S: OneTimeTokenStore>(
    tokens: &Fixture<S>,
    token: &OneTimeToken,
) -> Option<OneTimeToken> {
    let taken = tokens.store().take(&token.digest, token.purpose).await;
    taken.expect("tokens can be taken by digest")
}

pub(super) async fn token_is_stored_as_added<S: OneTimeTokenStore>(tokens: Fixture<S>) {
    let rule = "a token is kept as it was added, to the microsecond";
    let plain = token("plain", JANE);
    assert_eq!(
        find(&tokens, &plain).await,
        None,
        "an unknown token is not found"
    );
    assert_eq!(
        take(&tokens, &plain).await,
        None,
        "an unknown token is not taken"
    );
    let full = OneTimeToken {
        digest: [0; 32],
        generation: i64::MAX.unsigned_abs(),
        email: Some("jane@example.org".to_owned()),
        created_by: Some(i64::MAX),
        expires_at: moment(5),
        ..token("", PAUL)
    };
    for added in [&plain, &full] {
        add(&tokens, added, PLENTY).await;
    }
    for added in [&plain, &full] {
        // Finding it does not use it up.
        for _ in 0..2 {
            assert_eq!(find(&tokens, added).await.as_ref(), Some(added), "{rule}");
        }
        assert_eq!(take(&tokens, added).await.as_ref(), Some(added), "{rule}");
    }
}

pub(super) async fn token_has_one_purpose<S: OneTimeTokenStore>(tokens: Fixture<S>) {
    let rule = "a token is found and taken for its own purpose only";
    let added = token("jane", JANE);
    let other = OneTimeToken {
        purpose: OTHER,
        ..added.clone()
    };
    add(&tokens, &added, PLENTY).await;
    assert_eq!(find(&tokens, &other).await, None, "{rule}");
    assert_eq!(take(&tokens, &other).await, None, "{rule}");
    assert_eq!(take(&tokens, &added).await, Some(added), "{rule}");
}

pub(super) async fn token_is_taken_once<S: OneTimeTokenStore>(tokens: Fixture<S>) {
    let rule = "of many that take a token at the same moment one gets it, and no other token goes";
    let (taken, other) = (token("jane", JANE), token("other", JANE));
    for added in [&taken, &other] {
        add(&tokens, added, PLENTY).await;
    }
    let results = tokens
        .race(MANY, |tokens, _| {
            let digest = taken.digest;
            async move { tokens.store().take(&digest, RESET).await }
        })
        .await;
    let winners: Vec<_> = results
        .into_iter()
        .filter_map(|result| result.expect("a token can be taken by many"))
        .collect();
    assert_eq!(winners, std::slice::from_ref(&taken), "{rule}");
    assert_eq!(find(&tokens, &taken).await, None, "{rule}");
    assert_eq!(take(&tokens, &taken).await, None, "{rule}");
    assert_eq!(find(&tokens, &other).await, Some(other), "{rule}");
}

pub(super) async fn adding_deletes_expired_tokens_of_any_account<S: OneTimeTokenStore>(
    tokens: Fixture<S>,
) {
    let rule = "adding a token removes some of any account that have expired, ten at least, and none \
         that live";
    let mut expired = Vec::new();
    for n in 0..10 {
        expired.push(OneTimeToken {
            purpose: if n == 1 { OTHER } else { RESET },
            expires_at: moment(if n == 0 { 100 } else { 50 }),
            ..token(&format!("gone{n}"), PAUL + n)
        });
    }
    let good = OneTimeToken {
        expires_at: moment(101),
        ..token("good", PAUL)
    };
    for added in expired.iter().chain([&good]) {
        add(&tokens, added, PLENTY).await;
    }
    for added in &expired {
        let found = find(&tokens, added).await;
        assert_eq!(found.as_ref(), Some(added), "{rule}");
    }
    let late = OneTimeToken {
        created_at: moment(100),
        ..token("late", JANE)
    };
    add(&tokens, &late, PLENTY).await;
    for gone in &expired {
        assert_eq!(find(&tokens, gone).await, None, "{rule}");
    }
    for live in [good, late] {
        assert_eq!(find(&tokens, &live).await, Some(live), "{rule}");
    }
}

pub(super) async fn adding_deletes_the_oldest_tokens_of_the_account<S: OneTimeTokenStore>(
    tokens: Fixture<S>,
) {
    let rule = "of too many tokens of one account and purpose those go that were created first";
    let created = |name, second| OneTimeToken {
        created_at: moment(second),
        // Not in the order of their ends.
        expires_at: moment(1000 - second),
        ..token(name, JANE)
    };
    let paul = token("paul", PAUL);
    let other = OneTimeToken {
        purpose: OTHER,
        ..token("other", JANE)
    };
    let (first, second, third) = (
        created("first", 1),
        created("second", 2),
        created("third", 3),
    );
    for added in [&paul, &other, &second, &first, &third] {
        add(&tokens, added, 2).await;
    }
    assert_eq!(find(&tokens, &first).await, None, "{rule}");
    for kept in [&second, &third, &other, &paul] {
        assert_eq!(find(&tokens, kept).await.as_ref(), Some(kept), "{rule}");
    }
    let last = created("last", 4);
    add(&tokens, &last, 1).await;
    for gone in [&second, &third] {
        assert_eq!(find(&tokens, gone).await, None, "{rule}");
    }
    for kept in [&last, &other, &paul] {
        assert_eq!(find(&tokens, kept).await.as_ref(), Some(kept), "{rule}");
    }
}

pub(super) async fn concurrent_additions_keep_the_limit<S: OneTimeTokenStore>(tokens: Fixture<S>) {
    let rule = "of tokens that are added at the same moment there are not more than there may be";
    let owner = |n: u32| if n < MANY / 5 { PAUL } else { JANE };
    let of = |n: u32| token(&format!("n{n}"), owner(n));
    let results = tokens
        .race(MANY, |tokens, n| {
            let added = of(n);
            async move { tokens.store().add(added, 3).await }
        })
        .await;
    for result in results {
        result.expect("tokens can be added at the same moment");
    }
    for user_id in [JANE, PAUL] {
        let mut left = 0;
        for n in (0..MANY).filter(|n| owner(*n) == user_id) {
            left += u32::from(find(&tokens, &of(n)).await.is_some());
        }
        assert_eq!(left, 3, "{rule}");
    }
}
