//! Content types of gRPC and gRPC-Web.

use http::HeaderValue;

/// A form of gRPC, by the content type of its requests and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrpcFormat {
    Grpc,
    Web,
    WebText,
}

impl GrpcFormat {
    /// The form of this content type: its name, alone or with `+` and a message format.
    pub(super) fn of(content_type: &HeaderValue) -> Option<Self> {
        let value = content_type.as_bytes();
        let end = value.iter().position(|byte| b"+; ".contains(byte));
        let essence = value.get(..end.unwrap_or(value.len()))?;
        let mut all = [Self::Grpc, Self::Web, Self::WebText].into_iter();
        all.find(|format| essence.eq_ignore_ascii_case(format.content_type().as_bytes()))
    }

    /// The content type of an answer without a message.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Grpc => "application/grpc",
            Self::Web => "application/grpc-web",
            Self::WebText => "application/grpc-web-text",
        }
    }
}
