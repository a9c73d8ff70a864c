//! Parameters of the list of accounts, in the query of a URL.

use std::borrow::Cow;

use form_urlencoded::Serializer;
use tower_warder::UserStatus;
use zeroize::Zeroizing;

use super::email_prefix::EmailPrefix;
use super::form;
use super::user_query::{UserFilter, UserOrder, UserQuery};
use super::validation_error::{Location, ValidationError, ValidationErrorKind};

impl UserQuery {
    /// Parses the query of a URL: `search`, `status`, `sort`, `limit` and `after`. Other parameters
    /// are ignored.
    ///
    /// # Errors
    ///
    /// All errors of the query.
    pub(super) fn parse(query: &str) -> Result<Self, Vec<ValidationError>> {
        let mut given = Given::default();
        let read = form::read(query.as_bytes(), Location::Query, |name, value| {
            let parameter = match name {
                "search" => &mut given.search,
                "status" => &mut given.status,
                "sort" => &mut given.sort,
                "limit" => &mut given.limit,
                "after" => &mut given.after,
                _ => return,
            };
            *parameter = Some(value);
        });
        let mut errors = Vec::new();
        let parsed = given.parse(&mut errors);
        errors.extend(read.err());
        if errors.is_empty() {
            Ok(parsed)
        } else {
            Err(errors)
        }
    }

    /// Returns the query of a URL that [`parse`](Self::parse) reads as this one.
    pub(super) fn to_url(&self) -> String {
        let mut url = Serializer::new(String::new());
        let search = self.filter.search.iter();
        url.extend_pairs(search.map(|search| ("search", search.as_str())));
        // The server's own setting is no parameter.
        let status = match &self.filter {
            UserFilter {
                has_password: Some(false),
                ..
            } => Some(NOT_ACTIVATED),
            filter => filter.status.map(UserStatus::as_str),
        };
        url.extend_pairs(status.iter().map(|status| ("status", status)));
        if self.order.as_str() != UserOrder::default().as_str() {
            url.append_pair("sort", self.order.as_str());
        }
        url.extend_pairs(self.limit.iter().map(|limit| ("limit", limit.to_string())));
        match &self.order {
            UserOrder::CreatedAt { after, .. } => {
                url.extend_pairs(after.iter().map(|id| ("after", id.to_string())));
            }
            UserOrder::Email { after, .. } => {
                url.extend_pairs(after.iter().map(|email| ("after", email)));
            }
        }
        url.finish()
    }
}

/// The parameters as they were given.
#[derive(Default)]
struct Given {
    search: Parameter,
    status: Parameter,
    sort: Parameter,
    limit: Parameter,
    after: Parameter,
}

type Parameter = Option<Zeroizing<String>>;

impl Given {
    fn parse(&self, errors: &mut Vec<ValidationError>) -> UserQuery {
        let search = read(&self.search, "search", email_prefix, errors);
        let status = read(&self.status, "status", status, errors);
        let (status, has_password) = status.unwrap_or_default();
        let filter = UserFilter {
            search,
            status,
            has_password,
            ..UserFilter::default()
        };
        let limit = read(&self.limit, "limit", limit, errors);
        let order = match self.sort {
            Some(_) => read(&self.sort, "sort", sort, errors),
            None => Some(UserOrder::default()),
        };
        // What `after` has to be depends on the order.
        let order = order.map(|order| match order {
            UserOrder::CreatedAt { descending, .. } => UserOrder::CreatedAt {
                descending,
                after: read(&self.after, "after", integer, errors),
            },
            UserOrder::Email { descending, .. } => UserOrder::Email {
                descending,
                after: read(&self.after, "after", address, errors),
            },
        });
        UserQuery {
            filter,
            order: order.unwrap_or_default(),
            limit,
        }
    }
}

fn read<T>(
    given: &Parameter,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, ParameterError>,
    errors: &mut Vec<ValidationError>,
) -> Option<T> {
    let parsed = parse(given.as_ref()?);
    parsed
        .map_err(|(kind, message)| {
            errors.push(ValidationError::new(kind, Location::Query, name, message));
        })
        .ok()
}

type ParameterError = (ValidationErrorKind, Cow<'static, str>);

fn email_prefix(text: &str) -> Result<EmailPrefix, ParameterError> {
    EmailPrefix::new(text)
        .map_err(|invalid| (ValidationErrorKind::ValueError, invalid.to_string().into()))
}

/// Any text that can be searched, unchanged: an address that was not stored in lower case has its own
/// position in the order.
fn address(text: &str) -> Result<String, ParameterError> {
    email_prefix(text).map(|_| text.to_owned())
}

/// Returns the status, and whether the accounts have a password: those without one do not wait for
/// approval.
fn status(text: &str) -> Result<(Option<UserStatus>, Option<bool>), ParameterError> {
    if text == NOT_ACTIVATED {
        return Ok((Some(UserStatus::Pending), Some(false)));
    }
    let status: UserStatus = text.parse().map_err(|_| {
        (
            ValidationErrorKind::Enum,
            "Input should be 'pending', 'approved', 'disabled' or 'not_activated'".into(),
        )
    })?;
    let has_password = (status == UserStatus::Pending).then_some(true);
    Ok((Some(status), has_password))
}

fn sort(text: &str) -> Result<UserOrder, ParameterError> {
    let order = SORTS.into_iter().find(|order| order.as_str() == text);
    order.ok_or_else(|| {
        let [first, second, third, last] = SORTS.map(|order| order.as_str());
        let message = format!("Input should be '{first}', '{second}', '{third}' or '{last}'");
        (ValidationErrorKind::Enum, message.into())
    })
}

fn limit(text: &str) -> Result<u32, ParameterError> {
    let number = integer(text)?;
    u32::try_from(number).map_err(|_| not_an_integer())
}

/// Parses an integer in canonical form: neither `+1` nor `01`.
pub(super) fn integer(text: &str) -> Result<i64, ParameterError> {
    let number = text.parse().ok();
    number
        .filter(|number: &i64| number.to_string() == text)
        .ok_or_else(not_an_integer)
}

fn not_an_integer() -> ParameterError {
    let message = "Input should be a valid integer";
    (ValidationErrorKind::IntParsing, message.into())
}

/// Value of `status` for pending accounts whose owner has not set a password yet.
pub(crate) const NOT_ACTIVATED: &str = "not_activated";

/// The orders, from the start.
pub(crate) const SORTS: [UserOrder; 4] = [
    UserOrder::CreatedAt {
        descending: true,
        after: None,
    },
    UserOrder::CreatedAt {
        descending: false,
        after: None,
    },
    UserOrder::Email {
        descending: false,
        after: None,
    },
    UserOrder::Email {
        descending: true,
        after: None,
    },
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn email_prefixes() -> impl Strategy<Value = EmailPrefix> {
        "\\PC{1,9}".prop_filter_map("control character", |text| EmailPrefix::new(&text).ok())
    }

    fn orders() -> impl Strategy<Value = UserOrder> {
        let after_email = prop::option::of(email_prefixes().prop_map(|it| it.as_str().to_owned()));
        prop_oneof![
            (any::<bool>(), any::<Option<i64>>())
                .prop_map(|(descending, after)| UserOrder::CreatedAt { descending, after }),
            (any::<bool>(), after_email)
                .prop_map(|(descending, after)| UserOrder::Email { descending, after }),
        ]
    }

    proptest! {
        #[test]
        fn written_query_is_read_back(
            search in prop::option::of(email_prefixes()),
            (status, has_password) in prop::sample::select(vec![
                (None, None),
                (Some(UserStatus::Pending), Some(true)),
                (Some(UserStatus::Pending), Some(false)),
                (Some(UserStatus::Approved), None),
                (Some(UserStatus::Disabled), None),
            ]),
            order in orders(),
            limit in any::<Option<u32>>(),
        ) {
            let filter = UserFilter { search, status, has_password, ..UserFilter::default() };
            let query = UserQuery { filter, order, limit };
            let url = query.to_url();
            // RFC 3986, section 3.4, and no `>`, which would end the URL in a `Link` header.
            prop_assert!(url.bytes().all(|it| it.is_ascii_alphanumeric() || b"&=%+*-._".contains(&it)));
            prop_assert_eq!(UserQuery::parse(&url), Ok(query));
        }

        #[test]
        fn any_query_is_parsed_without_a_panic(query in "([a-z=&%0-9-]|search=|after=|sort=|email){0,20}") {
            let _ = UserQuery::parse(&query);
        }
    }
}
