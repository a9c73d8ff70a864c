//! OpenAPI description of the account routes.

use http::StatusCode;
use http::header::LINK;
use tower_warder::private::openapi::{BEARER, bearer};
use tower_warder::private::{DISABLED, PENDING, WRONG_CREDENTIALS};
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::SecurityScheme;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Components, Info, OpenApiBuilder, PathsBuilder};

use super::operation::{Describe, Invalid, Problem, TAG, reference};
use super::schema::{STATUSES, integer, message, reset_message, string};
use crate::answer::{
    ACCOUNT_HAS_NO_PASSWORD, EMAIL_NOT_VERIFIED, EMAIL_TAKEN, LAST_DELETION, LAST_DEMOTION,
    LAST_DISABLING, OPERATION_VETOED, REGISTRATION_CLOSED, TOO_MANY_PENDING, TOO_MANY_REQUESTS,
    USER_NOT_FOUND, WRONG_BOOTSTRAP_SECRET,
};
use crate::list_parameters::{NOT_ACTIVATED, SORTS};
use crate::routes::TOTAL_COUNT;
use crate::validation_error::ValidationError;
use crate::{
    EmailPrefix, PasswordReset, Token, UserCreate, UserLogin, UserOrder, UserPublic, UserUpdate,
};

/// OpenAPI description of [`routes`](crate::routes), to be nested under the same prefix.
///
/// Its operations require `bearer`; [`SecuritySchemes`](tower_warder::openapi::SecuritySchemes)
/// adds the other schemes that the application accepts.
///
/// ```
/// use tower_warder_accounts::openapi::AccountsApi;
/// use utoipa::OpenApi;
/// use utoipa::openapi::{Info, Paths};
///
/// let document = utoipa::openapi::OpenApi::new(Info::new("My API", "1.0.0"), Paths::new())
///     .nest("/api/auth", AccountsApi::openapi());
/// let document = serde_json::to_value(&document).unwrap();
/// let login = &document["paths"]["/api/auth/login"]["post"];
/// assert_eq!(login["responses"]["401"]["description"], "Incorrect email or password");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AccountsApi;

impl OpenApi for AccountsApi {
    fn openapi() -> utoipa::openapi::OpenApi {
        let paths = PathsBuilder::new()
            .path("/register", PathItem::new(HttpMethod::Post, register()))
            .path("/login", PathItem::new(HttpMethod::Post, login()))
            .path("/me", PathItem::new(HttpMethod::Get, me()))
            .path("/users", PathItem::new(HttpMethod::Get, users()))
            .path(
                "/users/pending/count",
                PathItem::new(HttpMethod::Get, count_pending()),
            )
            .path("/users/{id}", {
                let mut account = PathItem::new(HttpMethod::Put, update());
                account.delete = Some(delete());
                account
            })
            .path(
                "/users/{id}/reset-password",
                PathItem::new(HttpMethod::Post, reset_password()),
            );
        let tag = TagBuilder::new()
            .name(TAG)
            .description(Some("Accounts with e-mail and password."));
        OpenApiBuilder::new()
            .info(Info::new("Accounts", env!("CARGO_PKG_VERSION")))
            .paths(paths)
            .components(Some(components()))
            .tags(Some([tag.build()]))
            .build()
    }
}

fn register() -> Operation {
    Describe::open("register", "Registers an account")
        .description(
            "The first account is an approved admin. Every later account waits for approval. If \
             registration is by mail, the response is 202 for every address; the password may be \
             absent, and is not used.",
        )
        .json::<UserCreate>()
        .gives(
            StatusCode::CREATED,
            "The account.",
            reference::<UserPublic>(),
        )
        .gives(
            StatusCode::ACCEPTED,
            "A mail with a link, or with the answer that there is an account, is sent.",
            message("See your mail: a link in it completes the registration"),
        )
        .rejects([
            EMAIL_TAKEN,
            WRONG_BOOTSTRAP_SECRET,
            OPERATION_VETOED,
            REGISTRATION_CLOSED,
            TOO_MANY_PENDING,
            TOO_MANY_REQUESTS,
        ])
        .build()
}

fn login() -> Operation {
    Describe::open("login", "Issues an access token")
        .description(LOGIN)
        .form::<UserLogin>()
        .gives(StatusCode::OK, "A bearer token.", reference::<Token>())
        .sets_cookie(StatusCode::OK)
        .rejects([
            WRONG_CREDENTIALS,
            PENDING,
            DISABLED,
            OPERATION_VETOED,
            TOO_MANY_REQUESTS,
        ])
        .rejects_challenged()
        .build()
}

fn me() -> Operation {
    Describe::for_users("me", "The account of the caller")
        .gives(StatusCode::OK, "The account.", reference::<UserPublic>())
        .build()
}

fn users() -> Operation {
    let search = string()
        .min_length(Some(1))
        .max_length(Some(EmailPrefix::MAX_CHARS))
        // No control character.
        .pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]*$"));
    let sorts = SORTS.map(|order| order.as_str());
    let sort = string()
        .enum_values(Some(sorts))
        .default(Some(UserOrder::default().as_str().into()));
    let after = SchemaType::Array(vec![Type::Integer, Type::String]);
    Describe::for_admins("list_users", "Lists accounts")
        .query(
            "search",
            "The beginning of the address, in any letter case.",
            search,
        )
        .query(
            "status",
            "The status; `not_activated`: pending accounts whose owner has not set a password yet.",
            string().enum_values(Some(STATUSES.into_iter().chain([NOT_ACTIVATED]))),
        )
        .query("sort", "The order; `-` means descending.", sort)
        .query(
            "limit",
            "Maximum number of accounts. Defaults to all.",
            integer().minimum(Some(0)).maximum(Some(u32::MAX)),
        )
        .query(
            "after",
            "Starts after the account with this id, or after this address if sorted by `email`.",
            ObjectBuilder::new().schema_type(after),
        )
        .gives(
            StatusCode::OK,
            "The accounts.",
            ArrayBuilder::new().items(reference::<UserPublic>()),
        )
        .header(
            StatusCode::OK,
            TOTAL_COUNT,
            "Number of accounts on all pages.",
            integer().minimum(Some(0)),
        )
        .header(
            StatusCode::OK,
            LINK,
            "The next page (RFC 8288), relative to the URL of the request: `<?…>; rel=\"next\"`. \
             Absent on the last page.",
            string(),
        )
        .build()
}

fn count_pending() -> Operation {
    let count = ObjectBuilder::new()
        .property("count", integer().minimum(Some(0)).examples([3]))
        .required("count");
    Describe::for_admins(
        "count_pending_users",
        "Counts the accounts that wait for approval",
    )
    .gives(StatusCode::OK, "The number of pending accounts.", count)
    .build()
}

fn update() -> Operation {
    Describe::for_acting_admins("update_user", "Updates an account")
        .id()
        .json::<UserUpdate>()
        .gives(
            StatusCode::OK,
            "The account after the change.",
            reference::<UserPublic>(),
        )
        .rejects([
            USER_NOT_FOUND,
            EMAIL_TAKEN,
            EMAIL_NOT_VERIFIED,
            ACCOUNT_HAS_NO_PASSWORD,
            LAST_DEMOTION,
            LAST_DISABLING,
            OPERATION_VETOED,
        ])
        .build()
}

fn delete() -> Operation {
    Describe::for_acting_admins("delete_user", "Deletes an account")
        .id()
        .gives_nothing(StatusCode::NO_CONTENT, "The account was deleted.")
        .rejects([USER_NOT_FOUND, LAST_DELETION, OPERATION_VETOED])
        .build()
}

fn reset_password() -> Operation {
    Describe::for_acting_admins("reset_user_password", "Resets the password of an account")
        .description("Revokes every token that was issued before.")
        .id()
        .json::<PasswordReset>()
        .gives(StatusCode::OK, "The password was changed.", reset_message())
        .rejects([USER_NOT_FOUND, OPERATION_VETOED])
        .build()
}

const LOGIN: &str = "An unknown address and a wrong password get the same response. \
    With `password_change_required`, the member `token` is for `POST /reset-password`.";

fn components() -> Components {
    ComponentsBuilder::new()
        .schema_from::<UserPublic>()
        .schema_from::<UserCreate>()
        .schema_from::<UserUpdate>()
        .schema_from::<UserLogin>()
        .schema_from::<PasswordReset>()
        .schema_from::<Token>()
        .schema_from::<Problem>()
        .schema_from::<Invalid>()
        .schema_from::<ValidationError>()
        .security_scheme(BEARER, SecurityScheme::Http(bearer()))
        .build()
}
