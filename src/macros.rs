//! Implementations of `Display` and `Debug` as tables.

/// Implements `Display` as a table of variants and their texts, which are format strings.
macro_rules! impl_display {
    ($type:ty: $(
        $(#[$meta:meta])* $pattern:pat $(if $guard:expr)? => $text:literal $(, $argument:expr)*
    );+ $(;)?) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $($(#[$meta])* $pattern $(if $guard)? => write!(f, $text $(, $argument)*),)+
                }
            }
        }
    };
}

/// Implements `Debug` with the named values only: what is left out is a secret, personal data, or
/// has no `Debug` of its own.
macro_rules! impl_debug {
    ($self:ident: $([$($bound:tt)+])? $name:ident $(<$($parameter:tt),+>)? $(, $field:ident = $value:expr)* $(,)?) => {
        impl $(<$($bound)+>)? std::fmt::Debug for $name $(<$($parameter),+>)? {
            fn fmt(&$self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &$value))*
                    .finish_non_exhaustive()
            }
        }
    };
}
