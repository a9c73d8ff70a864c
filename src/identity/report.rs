//! Log lines and metrics of rejected requests.

use std::error::Error;
use std::fmt::Display;

use crate::error::{AuthError, AuthErrorKind, Reported};
use crate::metrics::record;
use crate::util::AUDIT_TARGET;
use crate::util::log_limit::{LogLimit, LogLimits, log_limited};

/// Logs and counts why a request is rejected.
///
/// A rejected request is logged at `DEBUG`. A failing store and a missing layer are logged as errors,
/// rate-limited by `limit`, because every request fails for the same reason.
pub(super) fn report(error: &AuthError, limit: &LogLimit) {
    record::rejected(error);
    if error.rejects_credential() {
        audit(error);
    }
    let source = error.source();
    let detail;
    let reason: Option<&dyn Display> = match source {
        Some(source) => Some(source),
        None if error.kind() == AuthErrorKind::Forbidden => {
            // The text of the policy.
            detail = error.detail();
            Some(&detail)
        }
        None => None,
    };
    let reason = reason.map(tracing::field::display);
    match error.kind() {
        AuthErrorKind::MissingCredential => {}
        _ if source.is_some_and(|source| source.is::<Reported>()) => {
            tracing::debug!(code = error.reason(), reason, "{error}");
        }
        AuthErrorKind::Unavailable | AuthErrorKind::Misconfigured => {
            log_limited!(limit, error, code = error.reason(), reason, "{error}");
        }
        _ => tracing::debug!(code = error.reason(), reason, "{error}"),
    }
}

/// Logs the audit event of a rejected token, at most once a minute for a reason, because anyone can
/// cause it. The line at `DEBUG` has each of them, with the remedy.
fn audit(error: &AuthError) {
    static LIMITS: LogLimits = LogLimits::new();

    if !tracing::enabled!(target: AUDIT_TARGET, tracing::Level::INFO) {
        return;
    }
    let reason = error.reason();
    if let Some(count) = LIMITS.of(reason).admit() {
        let event = "token_rejected";
        tracing::info!(target: AUDIT_TARGET, count, event, reason);
    }
}

/// Log limits of one layer, for outages of its verifier and of its loader.
#[derive(Debug, Default)]
pub(crate) struct Outages {
    pub(super) verifier: LogLimit,
    pub(super) loader: LogLimit,
}

impl Outages {
    pub(super) fn verifier_answers(&self) {
        if let Some(count) = self.verifier.recover() {
            tracing::info!(count, "the verifier answers again");
        }
    }

    pub(super) fn loader_answers(&self) {
        if let Some(count) = self.loader.recover() {
            tracing::info!(count, "the user loader answers again");
        }
    }
}

#[cfg(test)]
mod tests {
    use tower_warder_test_support::Trace;

    use super::*;
    use crate::error::RejectReason;

    #[test]
    fn rejected_token_is_an_audit_event_once_a_minute() {
        let log = Trace::record();
        for _ in 0..2 {
            let rejected = AuthError::rejected(RejectReason::ForeignIssuer);
            report(&rejected, &LogLimit::default());
        }
        report(&AuthError::forbidden("".into()), &LogLimit::default());
        let lines = log.lines(AUDIT_TARGET);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("token_rejected"), "{lines:?}");
    }

    #[test]
    fn line_has_the_reason_and_level_of_its_error() {
        for (error, level, reason) in [
            (
                AuthError::forbidden("Staff only".into()),
                "DEBUG",
                Some("Staff only"),
            ),
            (AuthError::new(AuthErrorKind::AccountPending), "DEBUG", None),
            (
                AuthError::unavailable("timed out"),
                "ERROR",
                Some("timed out"),
            ),
            // Its source has logged it.
            (
                AuthError::unavailable(Reported("no keys")),
                "DEBUG",
                Some("no keys"),
            ),
        ] {
            let log = Trace::record();
            report(&error, &LogLimit::default());
            let lines = log.lines("code=");
            assert_eq!(lines.len(), 1, "{error:?}: {lines:?}");
            assert!(lines[0].contains(level), "{lines:?}");
            let found = lines[0].split_once("reason=");
            assert_eq!(found.is_some(), reason.is_some(), "{lines:?}");
            assert!(lines[0].contains(reason.unwrap_or_default()), "{lines:?}");
        }
    }

    #[test]
    fn end_of_an_outage_is_logged_once() {
        let outages = Outages::default();
        let log = Trace::record();
        for _ in 0..2 {
            outages.verifier_answers();
            outages.loader_answers();
            assert!(log.lines("answers again").is_empty());
        }
        outages.verifier.admit();
        outages.verifier_answers();
        outages.loader.admit();
        outages.loader_answers();
        outages.verifier_answers();
        outages.loader_answers();
        let lines = log.lines("answers again");
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("the verifier") && lines[1].contains("the user loader"));
    }
}
