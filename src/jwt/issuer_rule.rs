//! Which issuers' tokens a verifier accepts.

use std::fmt;
use std::sync::Arc;

use super::claims::Claims;
use crate::error::RejectReason;

/// What `iss` has to be.
#[derive(Clone)]
pub(super) enum IssuerRule {
    /// Anything, or nothing: the keys are the application's own.
    Any,
    /// One of the others has to be set: the keys may be those of many issuers.
    #[cfg(feature = "jwks")]
    Demanded,
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
            Self::Demanded => return Err(RejectReason::NoIssuerRule),
            _ => {}
        }
        let issuer = claims.issuer().ok_or(RejectReason::NoIssuer)?;
        let accepted = match self {
            Self::Any => true,
            #[cfg(feature = "jwks")]
            Self::Demanded => false,
            Self::One(ours) => **ours == *issuer,
            Self::Among(ours) => ours.iter().any(|ours| **ours == *issuer),
            Self::Template(template) => template.is_filled(issuer, claims),
            Self::Check(check) => check(issuer, claims),
        };
        accepted.then_some(()).ok_or(RejectReason::Issuer)
    }

    /// Whether the rule may be replaced by one that demands exactly this issuer.
    pub(super) fn allows(&self, issuer: &str) -> bool {
        match self {
            Self::Any => true,
            #[cfg(feature = "jwks")]
            Self::Demanded => true,
            Self::One(ours) => **ours == *issuer,
            Self::Among(ours) => ours.iter().any(|ours| **ours == *issuer),
            // What the claims would have to be, is not known yet.
            Self::Template(_) | Self::Check(_) => false,
        }
    }
}

impl fmt::Debug for IssuerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("Any"),
            #[cfg(feature = "jwks")]
            Self::Demanded => f.write_str("Demanded"),
            Self::One(issuer) => write!(f, "{issuer:?}"),
            Self::Among(issuers) => write!(f, "{issuers:?}"),
            Self::Template(template) => write!(f, "{template:?}"),
            Self::Check(_) => f.write_str("Check"),
        }
    }
}

/// The issuer of many tenants: `https://login.microsoftonline.com/{tenantid}/v2.0`.
#[derive(Debug)]
pub(super) struct IssuerTemplate {
    before: Box<str>,
    after: Box<str>,
}

impl IssuerTemplate {
    /// `None` unless the placeholder is there, once.
    pub(super) fn parse(template: &str) -> Option<Self> {
        let (before, after) = template.split_once(PLACEHOLDER)?;
        (!after.contains(PLACEHOLDER)).then(|| Self {
            before: before.into(),
            after: after.into(),
        })
    }

    /// What stands in the place of the placeholder: one path segment.
    pub(super) fn tenant<'i>(&self, issuer: &'i str) -> Option<&'i str> {
        let tenant = issuer
            .strip_prefix(&*self.before)?
            .strip_suffix(&*self.after)?;
        (!tenant.is_empty() && !tenant.contains('/')).then_some(tenant)
    }

    /// The tenant that the issuer names is the one that the claim names.
    fn is_filled(&self, issuer: &str, claims: &Claims) -> bool {
        let tenant = self.tenant(issuer);
        tenant.is_some() && tenant == claims.text(TENANT).as_deref()
    }
}

const PLACEHOLDER: &str = "{tenantid}";

/// The claim with the id of the tenant.
const TENANT: &str = "tid";
