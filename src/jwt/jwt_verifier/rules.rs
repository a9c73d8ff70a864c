//! Issuers, audiences and claims that are not the usual ones.

use std::sync::Arc;

use super::JwtVerifier;
use crate::error::ConfigError;
use crate::jwt::Claims;
use crate::jwt::claim_rules::ClaimRules;
use crate::jwt::issuer_rule::{IssuerRule, IssuerTemplate};

impl JwtVerifier {
    /// Demands that `iss` is exactly one of these: for some tenants of a key set that serves many.
    pub fn issuers(self, issuers: impl IntoIterator<Item: Into<Box<str>>>) -> Self {
        let issuers = issuers.into_iter().map(Into::into);
        self.issuer_rule(IssuerRule::Among(issuers.collect()))
    }

    /// Demands that `iss` is this template, in which the claim `tid` stands for `{tenantid}`: for
    /// *every* tenant of Microsoft Entra, whoever runs it. Which tenants are customers, the
    /// [`UserLoader`](crate::UserLoader) has to know, or [`issuers`](Self::issuers) lists them.
    ///
    /// ```
    /// # use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
    /// # let secret = HmacSecret::generate();
    /// # let issuer = JwtIssuer::hs256(&secret).issuer("https://login.microsoftonline.com/4fe1/v2.0");
    /// let verifier = JwtVerifier::hs256(&secret)
    ///     .issuer_template("https://login.microsoftonline.com/{tenantid}/v2.0")?;
    /// let tenant = |tid: &str| serde_json::json!({"tid": tid});
    /// let token = issuer.token("7").claims(&tenant("4fe1")).issue()?;
    /// assert!(verifier.verify_token(&token).is_ok());
    /// let token = issuer.token("7").claims(&tenant("90ab")).issue()?;
    /// assert!(verifier.verify_token(&token).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Keys that were discovered (`RemoteJwks::from_oidc_issuer`) from `…/common/v2.0` accept no tenant
    /// until this or another rule says which.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidIssuerTemplate`] unless `{tenantid}` is there, once.
    pub fn issuer_template(self, template: &str) -> Result<Self, ConfigError> {
        let parsed = IssuerTemplate::parse(template);
        let parsed =
            parsed.ok_or_else(|| ConfigError::InvalidIssuerTemplate(template.to_owned()))?;
        Ok(self.issuer_rule(IssuerRule::Template(Arc::new(parsed))))
    }

    /// Demands an `iss` about which `check` says yes; it sees the other claims, too. A token without
    /// `iss` is refused unasked. Tokens that are [cached](Self::cache) are not asked about again.
    pub fn issuer_check(
        self,
        check: impl Fn(&str, &Claims) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.issuer_rule(IssuerRule::Check(Arc::new(check)))
    }

    /// Demands the [audience](Self::audience) of this claim in place of `aud`, a string or an array of
    /// strings: `client_id` for the access tokens of Cognito. An `aud` that is there nonetheless
    /// has to match as well.
    ///
    /// ```
    /// # use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
    /// # let secret = HmacSecret::generate();
    /// # let issuer = JwtIssuer::hs256(&secret);
    /// let verifier = JwtVerifier::hs256(&secret)
    ///     .audience_claim("client_id")
    ///     .audience("4s8pq");
    /// let client = |id: &str| serde_json::json!({"client_id": id});
    /// let token = issuer.token("7").claims(&client("4s8pq")).issue()?;
    /// assert!(verifier.verify_token(&token).is_ok());
    /// let token = issuer.token("7").claims(&client("other")).issue()?;
    /// assert!(verifier.verify_token(&token).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn audience_claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.audience_claim = Some(name.into());
        self.forget_tokens()
    }

    /// Takes the subject from the first of these claims that is present, instead of from `sub`. For
    /// tokens of clients without a user: `["sub", "client_id"]` or `["sub", "azp"]`; for the
    /// access tokens of Cognito `["username"]`.
    ///
    /// Each that is present has to be a string. The subjects of all of them share one space of names:
    /// a client called `7` and a user with the number 7 are the same to a
    /// [`UserLoader`](crate::UserLoader) that looks at [`Claims::subject`](crate::Claims::subject) alone. Name only claims
    /// that the issuer sets, never one that its users can choose.
    ///
    /// ```
    /// # use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
    /// # let secret = HmacSecret::generate();
    /// # let issuer = JwtIssuer::hs256(&secret);
    /// let verifier = JwtVerifier::hs256(&secret).subject_claims(["client_id", "sub"]);
    /// let claims = serde_json::json!({"client_id": "nightly-report"});
    /// let token = issuer.token("7").claims(&claims).issue()?;
    /// assert_eq!(verifier.verify_token(&token)?.subject(), "nightly-report");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subject_claims(mut self, names: impl IntoIterator<Item: Into<Box<str>>>) -> Self {
        self.rules().subject = Some(names.into_iter().map(Into::into).collect());
        self.forget_tokens()
    }

    /// Whether a subject may also be a whole number, which is then read as its digits: `7` as
    /// `"7"`. Defaults to no (RFC 7519, section 4.1.2).
    pub fn numeric_subject(mut self, accepted: bool) -> Self {
        self.rules().numeric_subject = accepted;
        self.forget_tokens()
    }

    /// Reads scopes from these claims, all that are present, instead of from `scope`: each is a
    /// string of words or an array of strings, or the token is refused. For example `scp` (Entra,
    /// Okta) or `permissions` (Auth0).
    ///
    /// [`Claims::scopes`](crate::Claims::scopes) and the policy [`Scope`](crate::policy::Scope) read them all: name only claims
    /// whose words mean the same, whichever claim they are in.
    ///
    /// ```
    /// # use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
    /// # let secret = HmacSecret::generate();
    /// let verifier = JwtVerifier::hs256(&secret).scope_claims(["scope", "permissions"]);
    /// # let issuer = JwtIssuer::hs256(&secret);
    /// let claims = serde_json::json!({"scope": "a b", "permissions": ["orders:read"]});
    /// let token = issuer.token("7").claims(&claims).issue()?;
    /// assert!(verifier.verify_token(&token)?.scopes().eq(["a", "b", "orders:read"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scope_claims(mut self, names: impl IntoIterator<Item: Into<Box<str>>>) -> Self {
        self.rules().scope = Some(names.into_iter().map(Into::into).collect());
        self.forget_tokens()
    }

    /// Reads the [generation](crate::Claims::generation) from this claim. Defaults to `gen`.
    ///
    /// It is compared where [`AuthUser::token_generation`](crate::AuthUser::token_generation) is
    /// one; elsewhere no token is refused for its sake.
    pub fn generation_claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.rules().generation = Some(name.into());
        self.forget_tokens()
    }

    pub(super) fn issuer_rule(mut self, rule: IssuerRule) -> Self {
        self.issuer = rule;
        self.forget_tokens()
    }

    pub(in crate::jwt) fn rules(&mut self) -> &mut ClaimRules {
        Arc::make_mut(self.rules.get_or_insert_default())
    }
}
