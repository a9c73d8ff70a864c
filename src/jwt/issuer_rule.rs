//! Rules for the issuer (`iss`) that a verifier accepts.

use std::fmt;
use std::sync::Arc;

use super::claims::Claims;
use crate::error::RejectReason;

/// Accepted values of `iss`.
#[derive(Clone)]
pub(super) enum IssuerRule {
    /// Any value, also none: the keys are the application's own.
    Any,
    /// Rejects every token until another rule is set, because the keys may be those of many issuers.
    #[cfg(feature = "jwks")]
    Unset,
    One(Box<str>),
    Among(Arc<[Box<str>]>),
    Template(Arc<IssuerTemplate>),
    Check(Arc<IssuerCheck>),
}

type IssuerCheck = dyn Fn(&str, &Claims) -> bool + Send + Sync;

impl IssuerRule {
    pub(super) fn check(&self, claims: &Claims) -> Result<(), RejectReason> {
        match self {
            Self::Any => return Ok(()),
            #[cfg(feature = "jwks")]
            Self::Unset => return Err(RejectReason::NoIssuerRule),
            _ => {}
        }
        let issuer = claims.issuer().ok_or(RejectReason::NoIssuer)?;
        let accepted = match self {
            Self::Template(template) => template.matches(issuer, claims),
            Self::Check(check) => check(issuer, claims),
            _ => self.allows(issuer),
        };
        accepted.then_some(()).ok_or(RejectReason::Issuer)
    }

    /// Returns `true` if the rule may be replaced by one that requires exactly this issuer.
    pub(super) fn allows(&self, issuer: &str) -> bool {
        match self {
            Self::Any => true,
            #[cfg(feature = "jwks")]
            Self::Unset => true,
            Self::One(ours) => **ours == *issuer,
            Self::Among(ours) => ours.iter().any(|ours| **ours == *issuer),
            // The result depends on claims that are not known yet.
            Self::Template(_) | Self::Check(_) => false,
        }
    }
}

impl fmt::Debug for IssuerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("Any"),
            #[cfg(feature = "jwks")]
            Self::Unset => f.write_str("Unset"),
            Self::One(issuer) => write!(f, "{issuer:?}"),
            Self::Among(issuers) => write!(f, "{issuers:?}"),
            Self::Template(template) => write!(f, "{template:?}"),
            Self::Check(_) => f.write_str("Check"),
        }
    }
}

/// Issuer of a service with many tenants: `https://login.microsoftonline.com/{tenantid}/v2.0`.
#[derive(Debug)]
pub(super) struct IssuerTemplate {
    before: Box<str>,
    after: Box<str>,
}

impl IssuerTemplate {
    /// `None` unless the placeholder occurs exactly once.
    pub(super) fn parse(template: &str) -> Option<Self> {
        let (before, after) = template.split_once(PLACEHOLDER)?;
        (!after.contains(PLACEHOLDER)).then(|| Self {
            before: before.into(),
            after: after.into(),
        })
    }

    /// Part of `issuer` in place of the placeholder: one path segment.
    pub(super) fn tenant<'i>(&self, issuer: &'i str) -> Option<&'i str> {
        let tenant = issuer
            .strip_prefix(&*self.before)?
            .strip_suffix(&*self.after)?;
        (!tenant.is_empty() && !tenant.contains('/')).then_some(tenant)
    }

    /// Returns `true` if the tenant in the issuer equals the one in the claim.
    fn matches(&self, issuer: &str, claims: &Claims) -> bool {
        let tenant = self.tenant(issuer);
        tenant.is_some() && tenant == claims.text(TENANT).as_deref()
    }
}

const PLACEHOLDER: &str = "{tenantid}";

/// Claim with the ID of the tenant.
const TENANT: &str = "tid";
