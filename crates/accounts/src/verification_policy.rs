//! What the verification of addresses is required for.

/// What the verification of addresses is required for, passed to
/// [`Accounts::email_verification`](crate::Accounts::email_verification).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmailVerification {
    /// Nothing, unless the application requires it.
    Optional,
    /// The first approval by an admin: until its address is verified, a new account is left out of the
    /// list for admins and of its count, and `PUT /users/{id}` does not approve it. Admins are then not
    /// asked about addresses at which nobody receives mail.
    ///
    /// Accounts that were approved once are not affected, and [`Actor::System`](crate::Actor::System)
    /// can approve every account. One that is never verified takes the address until
    /// [`Accounts::delete_pending`](crate::Accounts::delete_pending) deletes it.
    BeforeApproval,
}
