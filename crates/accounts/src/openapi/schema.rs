//! Schemas of request and response bodies.

use std::borrow::Cow;

use serde_json::{Value, json};
use tower_warder::UserStatus;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::audit_routes::LastLogin;
use crate::own_account_input::{NewDisplayName, OwnPassword};
use crate::session::RefreshGrant;
use crate::validation_error::ValidationError;
use crate::{
    AccountExport, AuditEvent, AuditEventKind, DisplayName, Email, EmailChange, EmailConfirmation,
    Invitation, MailRequest, OneTimePasswordReset, Password, PasswordChange, PasswordReset,
    SessionPublic, Token, UserCreate, UserLogin, UserPublic, UserUpdate,
};

impl ToSchema for UserPublic {}

impl PartialSchema for UserPublic {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("An account as clients see it."))
            .property("email", email(string()))
            .required("email")
            .property("id", integer().minimum(Some(1)).examples([2]))
            .required("id")
            .property("is_admin", boolean().examples([false]))
            .required("is_admin")
            .property("status", UserStatus::schema())
            .required("status")
            .property("created_at", time("2026-03-14T09:26:53Z"))
            .required("created_at")
            .property("email_verified_at", time("2026-03-14T09:31:10Z"))
            .property("display_name", string().examples(["Jane Doe"]))
            .property(
                "has_password",
                boolean().description(Some(HAS_PASSWORD)).examples([false]),
            )
            .into()
    }
}

impl ToSchema for Token {}

impl PartialSchema for Token {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("The response to a log-in (RFC 6749, section 5.1)."))
            .property("access_token", string().examples([ACCESS_TOKEN]))
            .required("access_token")
            .property("token_type", string().enum_values(Some(["bearer"])))
            .required("token_type")
            .property("expires_in", seconds().examples([604_800]))
            .required("expires_in")
            .property(
                "refresh_token",
                string()
                    .examples([REFRESH_TOKEN])
                    .description(Some("Present only if sessions are enabled.")),
            )
            .property("refresh_expires_in", seconds().examples([2_592_000]))
            .into()
    }
}

impl ToSchema for UserCreate {}

impl PartialSchema for UserCreate {
    fn schema() -> RefOr<Schema> {
        let secret =
            "Grants the admin role to the first admin, if the server requires a bootstrap secret.";
        ObjectBuilder::new()
            .description(Some("A registration."))
            .examples([json!({"email": EXAMPLE_EMAIL, "password": PASSWORD})])
            .property("email", email(string()))
            .required("email")
            .property("password", new_password())
            .required("password")
            .property(
                "bootstrap_secret",
                nullable_string()
                    .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
                    .description(Some(secret))
                    .write_only(true),
            )
            .into()
    }
}

impl ToSchema for UserUpdate {}

impl PartialSchema for UserUpdate {
    fn schema() -> RefOr<Schema> {
        let statuses = STATUSES.map(Value::from).into_iter().chain([Value::Null]);
        ObjectBuilder::new()
            .description(Some("Fields that are absent or null stay unchanged."))
            .examples([json!({"status": UserStatus::Approved.as_str()})])
            .property("email", email(nullable_string()))
            .property(
                "is_admin",
                ObjectBuilder::new().schema_type(or_null(Type::Boolean)),
            )
            .property("status", nullable_string().enum_values(Some(statuses)))
            .into()
    }
}

impl ToSchema for PasswordReset {}

impl PartialSchema for PasswordReset {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("A new password, set by an admin."))
            .property("password", new_password())
            .required("password")
            .property(
                "must_change",
                ObjectBuilder::new()
                    .schema_type(or_null(Type::Boolean))
                    .description(Some(
                        "The owner has to set another password at the next log-in.",
                    ))
                    .examples([false]),
            )
            .into()
    }
}

impl ToSchema for OneTimePasswordReset {}

impl PartialSchema for OneTimePasswordReset {
    fn schema() -> RefOr<Schema> {
        let token = formatted(KnownFormat::Password).write_only(true);
        ObjectBuilder::new()
            .description(Some("A new password, set by a one-time token."))
            .property("token", token.examples([ONE_TIME_TOKEN]))
            .required("token")
            .property("password", new_password())
            .required("password")
            .into()
    }
}

impl ToSchema for MailRequest {}

impl PartialSchema for MailRequest {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("A request for a mail with a link."))
            .property("email", email(string()))
            .required("email")
            .into()
    }
}

impl ToSchema for EmailChange {}

impl PartialSchema for EmailChange {
    fn schema() -> RefOr<Schema> {
        let password = formatted(KnownFormat::Password).write_only(true);
        ObjectBuilder::new()
            .description(Some("A new address of the caller, with the password."))
            .property("email", email(string()))
            .required("email")
            .property("password", password.examples([PASSWORD]))
            .required("password")
            .into()
    }
}

impl ToSchema for EmailConfirmation {}

impl PartialSchema for EmailConfirmation {
    fn schema() -> RefOr<Schema> {
        let token = formatted(KnownFormat::Password).write_only(true);
        ObjectBuilder::new()
            .description(Some("A confirmation of an address, by a one-time token."))
            .property("token", token.examples([ONE_TIME_TOKEN]))
            .required("token")
            .into()
    }
}

impl ToSchema for Invitation {}

impl PartialSchema for Invitation {
    fn schema() -> RefOr<Schema> {
        let is_admin = ObjectBuilder::new().schema_type(or_null(Type::Boolean));
        let role = "Whether the account becomes an admin. Defaults to `false`.";
        ObjectBuilder::new()
            .description(Some("An invitation."))
            .examples([json!({"email": EXAMPLE_EMAIL})])
            .property("email", email(string()))
            .required("email")
            .property("is_admin", is_admin.description(Some(role)))
            .into()
    }
}

impl ToSchema for RefreshGrant {}

impl PartialSchema for RefreshGrant {
    fn schema() -> RefOr<Schema> {
        let token = formatted(KnownFormat::Password).write_only(true);
        let token = token.examples([REFRESH_TOKEN]);
        ObjectBuilder::new()
            .description(Some("A refresh token, to renew or end its session."))
            .property("refresh_token", token)
            .required("refresh_token")
            .into()
    }
}

impl ToSchema for PasswordChange {}

impl PartialSchema for PasswordChange {
    fn schema() -> RefOr<Schema> {
        let current = formatted(KnownFormat::Password).write_only(true);
        let current = current.examples([PASSWORD]);
        ObjectBuilder::new()
            .description(Some("A new password, set by the owner of the account."))
            .property("current_password", current)
            .required("current_password")
            .property("new_password", new_password())
            .required("new_password")
            .into()
    }
}

impl ToSchema for OwnPassword {}

impl PartialSchema for OwnPassword {
    fn schema() -> RefOr<Schema> {
        let current = formatted(KnownFormat::Password).write_only(true);
        ObjectBuilder::new()
            .description(Some(
                "The password of the caller, which confirms the action.",
            ))
            .property("password", current.examples([PASSWORD]))
            .required("password")
            .into()
    }
}

impl ToSchema for NewDisplayName {
    fn name() -> Cow<'static, str> {
        "DisplayName".into()
    }
}

impl PartialSchema for NewDisplayName {
    fn schema() -> RefOr<Schema> {
        let name = nullable_string()
            .min_length(Some(1))
            .max_length(Some(DisplayName::MAX_CHARS))
            // No control character, and something to see.
            .pattern(Some(
                r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]*$",
            ));
        ObjectBuilder::new()
            .description(Some("A new display name; null removes it."))
            .property("display_name", name.examples(["Jane Doe"]))
            .required("display_name")
            .into()
    }
}

impl ToSchema for AccountExport {}

impl PartialSchema for AccountExport {
    fn schema() -> RefOr<Schema> {
        let sessions = ArrayBuilder::new().items(reference::<SessionPublic>());
        let events = ArrayBuilder::new().items(reference::<AuditEvent>());
        ObjectBuilder::new()
            .description(Some("What is stored about an account."))
            .property("account", reference::<UserPublic>())
            .required("account")
            .property("sessions", sessions)
            .property("events", events)
            .into()
    }
}

impl ToSchema for SessionPublic {}

impl PartialSchema for SessionPublic {
    fn schema() -> RefOr<Schema> {
        let device = "The `User-Agent` of the device. Not verified.";
        ObjectBuilder::new()
            .description(Some("A session as clients see it."))
            .property("id", string().examples([SESSION_ID]))
            .required("id")
            .property(
                "kind",
                string().enum_values(Some(["refresh_token", "cookie"])),
            )
            .required("kind")
            .property(
                "device",
                string().description(Some(device)).examples([DEVICE]),
            )
            .required("device")
            .property("created_at", time("2026-03-14T09:26:53Z"))
            .required("created_at")
            .property("last_used_at", time("2026-03-15T16:05:00Z"))
            .required("last_used_at")
            .property("expires_at", time("2026-04-13T09:26:53Z"))
            .required("expires_at")
            .property("is_current", boolean().examples([true]))
            .required("is_current")
            .into()
    }
}

impl ToSchema for AuditEvent {}

impl PartialSchema for AuditEvent {
    fn schema() -> RefOr<Schema> {
        let names = AuditEventKind::ALL.iter().map(|kind| kind.as_str());
        let actor = "Id of the account that did it; `anonymous`; or `system` for the application.";
        let nullable_id = ObjectBuilder::new().schema_type(or_null(Type::Integer));
        ObjectBuilder::new()
            .description(Some(
                "What happened, to which account, by which author and when.",
            ))
            .property("event", string().enum_values(Some(names)))
            .required("event")
            .property("actor", string().description(Some(actor)).examples(["1"]))
            .required("actor")
            .property("account", nullable_id.examples([2]))
            .required("account")
            .property("session", nullable_string().examples([SESSION_ID]))
            .required("session")
            .property("reason", nullable_string().examples(["wrong_password"]))
            .required("reason")
            .property("address", nullable_string().examples(["192.0.2.7"]))
            .required("address")
            .property("at", time("2026-03-14T09:26:53Z"))
            .required("at")
            .into()
    }
}

impl ToSchema for LastLogin {}

impl PartialSchema for LastLogin {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("The last log-in of an account."))
            .property("id", integer().minimum(Some(1)).examples([2]))
            .required("id")
            .property("last_login_at", time("2026-03-14T09:26:53Z"))
            .required("last_login_at")
            .into()
    }
}

impl ToSchema for UserLogin {}

impl PartialSchema for UserLogin {
    fn schema() -> RefOr<Schema> {
        let grant_type = string().pattern(Some("^(password)?$"));
        let password = formatted(KnownFormat::Password).write_only(true);
        ObjectBuilder::new()
            .description(Some("The password grant (RFC 6749, section 4.3.2)."))
            .examples([json!({"username": EXAMPLE_EMAIL, "password": PASSWORD})])
            .property("grant_type", grant_type)
            .property(
                "username",
                string().min_length(Some(1)).examples([EXAMPLE_EMAIL]),
            )
            .required("username")
            .property(
                "password",
                password.min_length(Some(1)).examples([PASSWORD]),
            )
            .required("password")
            .property("scope", string())
            .property("client_id", string())
            .property("client_secret", string().write_only(true))
            // No arrays: a form field must not occur more than once (RFC 6749, section 3.2).
            .additional_properties(Some(Schema::from(string())))
            .into()
    }
}

impl ToSchema for ValidationError {
    /// The name that FastAPI uses.
    fn name() -> Cow<'static, str> {
        "ValidationError".into()
    }
}

impl PartialSchema for ValidationError {
    fn schema() -> RefOr<Schema> {
        let location = ArrayBuilder::new().items(string()).min_items(Some(1));
        ObjectBuilder::new()
            .description(Some(
                "One validation error. Never repeats the value that was sent.",
            ))
            .property("type", string().examples(["value_error"]))
            .required("type")
            .property("loc", location.examples([json!(["body", "email"])]))
            .required("loc")
            .property(
                "msg",
                string().examples(["value is not a valid email address"]),
            )
            .required("msg")
            .into()
    }
}

/// Returns a reference to a schema among the components of the document.
pub(super) fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

const HAS_PASSWORD: &str = "`false` until the owner has set the first password; otherwise absent.";

/// Body of the response to a password reset.
pub(super) fn reset_message() -> ObjectBuilder {
    message("Password reset successfully")
}

/// Body with a message alone.
pub(super) fn message(example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .property("message", string().examples([example]))
        .required("message")
}

/// Schema of a 64-bit integer.
pub(super) fn integer() -> ObjectBuilder {
    let integer = ObjectBuilder::new().schema_type(Type::Integer);
    integer.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
}

pub(super) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn nullable_string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(or_null(Type::String))
}

fn boolean() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}

pub(super) fn seconds() -> ObjectBuilder {
    integer().minimum(Some(0)).description(Some("In seconds."))
}

fn formatted(format: KnownFormat) -> ObjectBuilder {
    string().format(Some(SchemaFormat::KnownFormat(format)))
}

fn time(example: &str) -> ObjectBuilder {
    formatted(KnownFormat::DateTime).examples([example])
}

fn new_password() -> ObjectBuilder {
    // JSON Schema counts code points, as `Password` does.
    formatted(KnownFormat::Password)
        .min_length(Some(Password::MIN_CHARS))
        .max_length(Some(Password::MAX_CHARS))
        .description(Some("The server may reject common passwords."))
        .examples([NEW_PASSWORD])
        .write_only(true)
}

/// Does not use the format `email`, which differs: it allows quoted local parts and hosts without a
/// dot, and client generators treat it in different ways.
fn email(text: ObjectBuilder) -> ObjectBuilder {
    text.examples([EXAMPLE_EMAIL])
        .pattern(Some(EMAIL))
        .max_length(Some(Email::MAX_CHARS))
}

fn or_null(of_type: Type) -> SchemaType {
    SchemaType::Array(vec![of_type, Type::Null])
}

const EXAMPLE_EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery staple";
const NEW_PASSWORD: &str = "a few words are better than one";
const ACCESS_TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIyIn0.c2lnbmF0dXJl";
const REFRESH_TOKEN: &str = "cmVmcmVzaC10b2tlbi1vZi10aGlzLXNlc3Npb24";
pub(super) const ONE_TIME_TOKEN: &str = "b25lLXRpbWUtdG9rZW4tZm9yLW9uZS1hY2NvdW50LQ";
pub(super) const SESSION_ID: &str = "c2Vzc2lvbi1pZA";
const DEVICE: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

pub(super) const STATUSES: [&str; 3] = [
    UserStatus::Pending.as_str(),
    UserStatus::Approved.as_str(),
    UserStatus::Disabled.as_str(),
];

/// Pattern of the addresses that [`Email::new`] accepts, without the limits on total length and
/// local part.
const EMAIL: &str = concat!(
    r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@",
    r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+",
    r"([A-Za-z]{2,63}|[Xx][Nn]--[A-Za-z0-9-]{0,58}[A-Za-z0-9])$"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Strategy for addresses of the pattern, with fewer repetitions so that they stay within the
    /// length limits.
    fn shortened() -> impl Strategy<Value = String> {
        let pattern = EMAIL.trim_matches(['^', '$']).replace("]+", "]{1,9}");
        let pattern = pattern.replace(")*@", "){0,3}@").replace(")+(", "){1,3}(");
        let pattern = pattern
            .replace("{0,61}", "{0,9}")
            .replace("{2,63}", "{2,9}");
        proptest::string::string_regex(&pattern.replace("{0,58}", "{0,9}")).unwrap()
    }

    proptest! {
        #[test]
        fn short_addresses_that_match_the_pattern_are_accepted(address in shortened()) {
            prop_assert!(Email::new(&address).is_ok(), "{address:?}");
        }
    }
}
