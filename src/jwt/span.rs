//! Positions of strings in a payload.

use std::sync::Arc;

/// Byte range in the text that claims keep.
#[derive(Clone, Copy)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Range of `len` bytes from `start`, in a text of at most 4 GiB.
    pub(super) const fn new(start: usize, len: usize) -> Self {
        Self {
            start: start as u32,
            end: (start + len) as u32,
        }
    }

    /// Splits the span, whose text is `text`, at spaces.
    pub(super) fn words(self, text: &str) -> impl Iterator<Item = Self> {
        text.split(' ').map(move |word| {
            let start = self.start + (word.as_ptr() as usize - text.as_ptr() as usize) as u32;
            Self {
                start,
                end: start + word.len() as u32,
            }
        })
    }

    pub(super) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    /// The same range relative to `position`; `None` if it starts earlier.
    pub(super) fn after(self, position: usize) -> Option<Self> {
        let position = position as u32;
        Some(Self {
            start: self.start.checked_sub(position)?,
            end: self.end.checked_sub(position)?,
        })
    }
}

/// Value of `aud`.
#[derive(Clone)]
pub(super) enum Audience {
    One([Span; 1]),
    Many(Arc<[Span]>),
}

impl Audience {
    pub(super) fn spans(&self) -> &[Span] {
        match self {
            Self::One(span) => span,
            Self::Many(spans) => spans,
        }
    }
}

/// Value of `scope`.
#[derive(Clone)]
pub(super) enum Scope {
    /// A string of space-separated scopes (RFC 8693, section 4.2).
    Words(Span),
    /// One scope per span, not split.
    Each(Arc<[Span]>),
}
