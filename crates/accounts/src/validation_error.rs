//! What is wrong with a request's body, path or query.

use std::borrow::Cow;
use std::iter;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// One thing that is wrong with what a client sent.
///
/// An item of the list that a 422 carries as `detail`, in the form that clients of FastAPI read:
/// `{"type", "loc", "msg"}`. It never repeats what was sent.
///
/// ```
/// use serde_json::json;
/// use tower_warder_accounts::PasswordReset;
///
/// let faults = PasswordReset::parse(json!({"password": "tower"})).unwrap_err();
/// assert_eq!(
///     serde_json::to_value(faults).unwrap(),
///     json!([{
///         "type": "string_too_short",
///         "loc": ["body", "password"],
///         "msg": "String should have at least 8 characters",
///     }])
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationError {
    kind: ValidationErrorKind,
    location: Location,
    field: Option<&'static str>,
    message: Cow<'static, str>,
}

/// The kinds of [`ValidationError`], named as pydantic names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValidationErrorKind {
    /// The field is not there.
    Missing,
    /// Not a string.
    StringType,
    /// Fewer characters than asked for.
    StringTooShort,
    /// More characters than allowed.
    StringTooLong,
    /// Not of the form that is asked for.
    StringPatternMismatch,
    /// Not a boolean.
    BoolType,
    /// Not one of the words that are allowed.
    Enum,
    /// Not an integer.
    IntParsing,
    /// Not JSON, or with duplicate members.
    JsonInvalid,
    /// Not an object.
    ModelAttributesType,
    /// Anything else that a rule refuses.
    ValueError,
}

/// The part of a request that a [`ValidationError`] is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Location {
    /// The body.
    Body,
    /// The path.
    Path,
    /// The query.
    Query,
}

impl ValidationError {
    /// A fault in a field, with a sentence that does not repeat what was sent.
    pub fn new(
        kind: ValidationErrorKind,
        location: Location,
        field: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            location,
            field: Some(field),
            message: message.into(),
        }
    }

    /// A field that is not there.
    pub(crate) fn missing(location: Location, field: &'static str) -> Self {
        Self::new(
            ValidationErrorKind::Missing,
            location,
            field,
            "Field required",
        )
    }

    /// A body that is not JSON at all.
    pub(crate) const fn not_json() -> Self {
        Self::of_whole(
            Location::Body,
            ValidationErrorKind::JsonInvalid,
            "JSON decode error",
        )
    }

    /// A body with an object that has two members of one name.
    pub(crate) const fn duplicate_member() -> Self {
        let message = "Each member of an object may be given once";
        Self::of_whole(Location::Body, ValidationErrorKind::JsonInvalid, message)
    }

    /// A body that is JSON, but no object.
    pub(crate) const fn not_an_object() -> Self {
        let message = "Input should be a valid dictionary or object";
        Self::of_whole(
            Location::Body,
            ValidationErrorKind::ModelAttributesType,
            message,
        )
    }

    /// A fault in a part of the request as a whole.
    pub(crate) const fn of_whole(
        location: Location,
        kind: ValidationErrorKind,
        message: &'static str,
    ) -> Self {
        Self {
            kind,
            location,
            field: None,
            message: Cow::Borrowed(message),
        }
    }

    /// What kind of fault this is.
    pub const fn kind(&self) -> ValidationErrorKind {
        self.kind
    }

    /// The part of the request that it is in.
    pub const fn location(&self) -> Location {
        self.location
    }

    /// The field that it is in; `None` if it is in the whole.
    pub const fn field(&self) -> Option<&'static str> {
        self.field
    }

    /// The sentence for the client.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl Serialize for ValidationError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let location: Vec<_> = iter::once(self.location.as_str())
            .chain(self.field)
            .collect();
        let mut item = serializer.serialize_struct("ValidationError", 3)?;
        item.serialize_field("type", self.kind.as_str())?;
        item.serialize_field("loc", &location)?;
        item.serialize_field("msg", &self.message)?;
        item.end()
    }
}

impl ValidationErrorKind {
    /// The name of the kind: `type` of the item.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::StringType => "string_type",
            Self::StringTooShort => "string_too_short",
            Self::StringTooLong => "string_too_long",
            Self::StringPatternMismatch => "string_pattern_mismatch",
            Self::BoolType => "bool_type",
            Self::Enum => "enum",
            Self::IntParsing => "int_parsing",
            Self::JsonInvalid => "json_invalid",
            Self::ModelAttributesType => "model_attributes_type",
            Self::ValueError => "value_error",
        }
    }
}

impl Location {
    /// The name of the location: the beginning of `loc`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Path => "path",
            Self::Query => "query",
        }
    }
}
