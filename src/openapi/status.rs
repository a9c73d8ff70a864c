//! Schema of [`UserStatus`].

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::user::UserStatus;

impl ToSchema for UserStatus {}

impl PartialSchema for UserStatus {
    fn schema() -> RefOr<Schema> {
        let statuses = [Self::Pending, Self::Approved, Self::Disabled];
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(statuses.map(Self::as_str)))
            .into()
    }
}
