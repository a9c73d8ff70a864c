//! Validation errors of a request's body, path or query.

use std::borrow::Cow;
use std::iter;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// Validation error of a client's input.
///
/// Serialized as an item of the `detail` list of a 422 response, in the format of FastAPI:
/// `{"type", "loc", "msg"}`. It never contains the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ValidationError {
    pub(super) kind: ValidationErrorKind,
    location: Location,
    pub(super) field: Option<&'static str>,
    pub(super) message: Cow<'static, str>,
}

/// Kinds of [`ValidationError`], with the names of pydantic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ValidationErrorKind {
    /// Missing field.
    Missing,
    /// Not a string.
    StringType,
    /// Fewer characters than required.
    StringTooShort,
    /// More characters than allowed.
    StringTooLong,
    /// Not of the required form.
    StringPatternMismatch,
    /// Not a boolean.
    BoolType,
    /// Not one of the allowed values.
    Enum,
    /// Not an integer.
    IntParsing,
    /// Not JSON, or with duplicate members.
    JsonInvalid,
    /// Not an object.
    ModelAttributesType,
    /// Rejected by any other rule.
    ValueError,
}

/// The part of a request that a [`ValidationError`] is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Location {
    /// The body.
    Body,
    /// The path.
    Path,
    /// The query.
    Query,
}

impl ValidationError {
    /// Creates the error of a field, with a message that must not contain the input.
    pub(super) fn new(
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

    /// A missing field.
    pub(super) fn missing(location: Location, field: &'static str) -> Self {
        Self::new(
            ValidationErrorKind::Missing,
            location,
            field,
            "Field required",
        )
    }

    /// A body that is not JSON at all.
    pub(super) const fn not_json() -> Self {
        Self::of_whole(
            Location::Body,
            ValidationErrorKind::JsonInvalid,
            "JSON decode error",
        )
    }

    /// A body with an object that has two members of one name.
    pub(super) const fn duplicate_member() -> Self {
        let message = "Each member of an object may be given once";
        Self::of_whole(Location::Body, ValidationErrorKind::JsonInvalid, message)
    }

    /// A body that is JSON, but no object.
    pub(super) const fn not_an_object() -> Self {
        let message = "Input should be a valid dictionary or object";
        Self::of_whole(
            Location::Body,
            ValidationErrorKind::ModelAttributesType,
            message,
        )
    }

    /// An error of a part of the request as a whole.
    pub(super) const fn of_whole(
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
    /// Returns the name of the kind: `type` in JSON.
    pub(super) const fn as_str(self) -> &'static str {
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
    /// Returns the name of the location: the first item of `loc` in JSON.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Path => "path",
            Self::Query => "query",
        }
    }
}
