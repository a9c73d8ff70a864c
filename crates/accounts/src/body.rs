//! Reader of a JSON body, field by field.

use std::borrow::Cow;

use serde_json::{Map, Value};
use tower_warder::UserStatus;

use super::display_name::{DisplayName, InvalidDisplayName};
use super::email::Email;
use super::password::{InvalidPassword, Password};
use super::validation_error::{Location, ValidationError, ValidationErrorKind};

/// Inputs that a JSON body is parsed into.
pub(super) trait FromJson: Sized {
    /// Parses the body. Returns all errors of it together.
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>>;
}

/// Any body: for inputs that depend on a setting.
impl FromJson for Value {
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        Ok(body)
    }
}

/// A JSON object, and the errors of the fields that were read so far.
pub(super) struct Body {
    fields: Map<String, Value>,
    errors: Vec<ValidationError>,
}

impl Body {
    pub(super) fn open(body: Value) -> Result<Self, Vec<ValidationError>> {
        match body {
            Value::Object(fields) => Ok(Self {
                fields,
                errors: Vec::new(),
            }),
            _ => Err(vec![ValidationError::not_an_object()]),
        }
    }

    pub(super) fn required<T: Field>(&mut self, field: &'static str) -> Option<T> {
        match self.fields.remove(field) {
            Some(value) => self.read(field, value),
            None => {
                self.errors
                    .push(ValidationError::missing(Location::Body, field));
                None
            }
        }
    }

    pub(super) fn optional<T: Field>(&mut self, field: &'static str) -> Option<T> {
        match self.fields.remove(field) {
            None | Some(Value::Null) => None,
            Some(value) => self.read(field, value),
        }
    }

    /// Reads a field that has to be there, and that may be `null`.
    pub(super) fn nullable<T: Field>(&mut self, field: &'static str) -> Option<Option<T>> {
        match self.fields.get(field) {
            Some(Value::Null) => Some(None),
            _ => self.required(field).map(Some),
        }
    }

    pub(super) fn into_errors(self) -> Vec<ValidationError> {
        self.errors
    }

    fn read<T: Field>(&mut self, field: &'static str, value: Value) -> Option<T> {
        T::read(value)
            .map_err(|(kind, message)| {
                let error = ValidationError::new(kind, Location::Body, field, message);
                self.errors.push(error);
            })
            .ok()
    }
}

/// Types that a field of a JSON body can have.
pub(super) trait Field: Sized {
    fn read(value: Value) -> Result<Self, FieldError>;
}

type FieldError = (ValidationErrorKind, Cow<'static, str>);

impl Field for String {
    fn read(value: Value) -> Result<Self, FieldError> {
        match value {
            Value::String(text) => Ok(text),
            _ => Err((
                ValidationErrorKind::StringType,
                "Input should be a valid string".into(),
            )),
        }
    }
}

impl Field for bool {
    fn read(value: Value) -> Result<Self, FieldError> {
        value.as_bool().ok_or((
            ValidationErrorKind::BoolType,
            "Input should be a valid boolean".into(),
        ))
    }
}

impl Field for Email {
    fn read(value: Value) -> Result<Self, FieldError> {
        Self::new(&String::read(value)?)
            .map_err(|invalid| (ValidationErrorKind::ValueError, invalid.to_string().into()))
    }
}

impl Field for Password {
    fn read(value: Value) -> Result<Self, FieldError> {
        let (min, max) = (Self::MIN_CHARS, Self::MAX_CHARS);
        Self::new(String::read(value)?).map_err(|invalid| match invalid {
            InvalidPassword::TooShort => (
                ValidationErrorKind::StringTooShort,
                format!("String should have at least {min} characters").into(),
            ),
            InvalidPassword::TooLong => (
                ValidationErrorKind::StringTooLong,
                format!("String should have at most {max} characters").into(),
            ),
        })
    }
}

impl Field for DisplayName {
    fn read(value: Value) -> Result<Self, FieldError> {
        let max = Self::MAX_CHARS;
        Self::new(&String::read(value)?).map_err(|invalid| match invalid {
            InvalidDisplayName::Empty => (
                ValidationErrorKind::StringTooShort,
                "String should have at least 1 visible character".into(),
            ),
            InvalidDisplayName::TooLong => (
                ValidationErrorKind::StringTooLong,
                format!("String should have at most {max} characters").into(),
            ),
            InvalidDisplayName::Forbidden => (
                ValidationErrorKind::ValueError,
                "String should have no control characters".into(),
            ),
        })
    }
}

impl Field for UserStatus {
    fn read(value: Value) -> Result<Self, FieldError> {
        let status = value.as_str().and_then(|text| text.parse().ok());
        status.ok_or((
            ValidationErrorKind::Enum,
            "Input should be 'pending', 'approved' or 'disabled'".into(),
        ))
    }
}
