//! Tables of `schema.sql`, as `diesel print-schema` writes them.

diesel::table! {
    users (id) {
        id -> BigInt,
        email -> Text,
        hashed_password -> Text,
        is_admin -> Bool,
        status -> Text,
        created_at -> BigInt,
        approved_at -> Nullable<BigInt>,
        approved_by -> Nullable<BigInt>,
        token_generation -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        user_id -> BigInt,
        generation -> BigInt,
        device -> Text,
        created_at -> BigInt,
        last_used_at -> BigInt,
        expires_at -> BigInt,
        token -> Binary,
        previous_token -> Nullable<Binary>,
        successor -> Nullable<Binary>,
    }
}
