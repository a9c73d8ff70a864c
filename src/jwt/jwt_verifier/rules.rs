//! Rules of a verifier for issuers, audiences and custom claim names.

use std::sync::Arc;

use super::JwtVerifier;
use crate::error::ConfigError;
use crate::jwt::Claims;
use crate::jwt::claim_rules::ClaimRules;
use crate::jwt::issuer_rule::{IssuerRule, IssuerTemplate};

impl JwtVerifier {
    /// Requires one of these issuers (`iss`), for example some tenants of a key set that serves many.
    pub fn issuers(self, issuers: impl IntoIterator<Item: Into<Box<str>>>) -> Self {
        let issuers = issuers.into_iter().map(Into::into);
        self.issuer_rule(IssuerRule::Among(issuers.collect()))
    }

    /// Requires an issuer (`iss`) of this form, with the claim `tid` in place of `{tenantid}`. This
    /// accepts *every* tenant of Microsoft Entra: the [`UserLoader`](crate::UserLoader) has to check that
    /// the tenant is a customer. To accept only some tenants, list them with
    /// [`issuers`](Self::issuers).
    ///
    /// ```
    /// use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
    ///
    /// let secret = HmacSecret::generate();
    /// let issuer = JwtIssuer::hs256(&secret).issuer("https://login.microsoftonline.com/4fe1/v2.0");
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
    /// until this or another rule is set.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidIssuerTemplate`] unless `{tenantid}` occurs exactly once.
    pub fn issuer_template(self, template: &str) -> Result<Self, ConfigError> {
        let parsed = IssuerTemplate::parse(template);
        let parsed =
            parsed.ok_or_else(|| ConfigError::InvalidIssuerTemplate(template.to_owned()))?;
        Ok(self.issuer_rule(IssuerRule::Template(Arc::new(parsed))))
    }

    /// Requires an issuer (`iss`) for which `check` returns `true`; it also gets the other claims. A token
    /// without `iss` is rejected without calling it. A [cached](Self::cache) token is not checked again.
    pub fn issuer_check(
        self,
        check: impl Fn(&str, &Claims) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.issuer_rule(IssuerRule::Check(Arc::new(check)))
    }

    /// Reads the [audience](Self::audience) from this claim in place of `aud`, a string or an array of
    /// strings. For example `client_id` for the access tokens of Cognito. If `aud` is present as well,
    /// it has to match, too.
    ///
    /// ```
    /// use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
    ///
    /// let secret = HmacSecret::generate();
    /// let issuer = JwtIssuer::hs256(&secret);
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
        self.clear_cache()
    }

    /// Reads the subject from the first of these claims that is present, in place of `sub`. For
    /// tokens of clients without a user use `["sub", "client_id"]` or `["sub", "azp"]`, for the access
    /// tokens of Cognito `["username"]`.
    ///
    /// Each claim that is present has to be a string. The claims share one namespace: a client called
    /// `7` and the user with the ID 7 are the same to a [`UserLoader`](crate::UserLoader) that uses
    /// [`Claims::subject`](crate::Claims::subject) alone. Use only claims that the issuer sets, never
    /// one that its users can choose.
    ///
    /// ```
    /// use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
    ///
    /// let secret = HmacSecret::generate();
    /// let issuer = JwtIssuer::hs256(&secret);
    /// let verifier = JwtVerifier::hs256(&secret).subject_claims(["client_id", "sub"]);
    /// let claims = serde_json::json!({"client_id": "nightly-report"});
    /// let token = issuer.token("7").claims(&claims).issue()?;
    /// assert_eq!(verifier.verify_token(&token)?.subject(), "nightly-report");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subject_claims(mut self, names: impl IntoIterator<Item: Into<Box<str>>>) -> Self {
        self.rules().subject = Some(names.into_iter().map(Into::into).collect());
        self.clear_cache()
    }

    /// Accepts a subject that is a whole number, and reads it as its digits: `7` as `"7"`. Defaults to
    /// `false` (RFC 7519, section 4.1.2).
    pub fn numeric_subject(mut self, accepted: bool) -> Self {
        self.rules().numeric_subject = accepted;
        self.clear_cache()
    }

    /// Reads scopes from all of these claims that are present, in place of `scope`. For example `scp`
    /// (Entra, Okta) or `permissions` (Auth0). Each has to be a string of space-separated scopes or an
    /// array of strings, or the token is rejected.
    ///
    /// [`Claims::scopes`](crate::Claims::scopes) and the policy [`Scope`](crate::policy::Scope) do not
    /// distinguish the claims: use only claims in which the same word means the same.
    ///
    /// ```
    /// use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
    ///
    /// let secret = HmacSecret::generate();
    /// let verifier = JwtVerifier::hs256(&secret).scope_claims(["scope", "permissions"]);
    /// let issuer = JwtIssuer::hs256(&secret);
    /// let claims = serde_json::json!({"scope": "a b", "permissions": ["orders:read"]});
    /// let token = issuer.token("7").claims(&claims).issue()?;
    /// assert!(verifier.verify_token(&token)?.scopes().eq(["a", "b", "orders:read"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "role")]
    #[doc(alias = "permissions")]
    pub fn scope_claims(mut self, names: impl IntoIterator<Item: Into<Box<str>>>) -> Self {
        self.rules().scope = Some(names.into_iter().map(Into::into).collect());
        self.clear_cache()
    }

    /// Reads the [generation](crate::Claims::generation) from this claim. Defaults to `gen`.
    ///
    /// It is compared only if [`AuthUser::token_generation`](crate::AuthUser::token_generation) returns
    /// a generation; otherwise it rejects no token.
    pub fn generation_claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.rules().generation = Some(name.into());
        self.clear_cache()
    }

    pub(super) fn issuer_rule(mut self, rule: IssuerRule) -> Self {
        self.issuer = rule;
        self.clear_cache()
    }

    pub(in crate::jwt) fn rules(&mut self) -> &mut ClaimRules {
        Arc::make_mut(self.rules.get_or_insert_default())
    }
}
