//! Lists in header values.

/// What stands between separators, without the blanks around it, and where it begins.
pub(super) fn items(value: &[u8], separator: u8) -> impl Iterator<Item = (usize, &[u8])> {
    let mut next = 0;
    value
        .split(move |byte| *byte == separator)
        .map(move |item| {
            let start = next + item.len() - item.trim_ascii_start().len();
            next += item.len() + 1;
            (start, item.trim_ascii())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_know_where_they_begin() {
        let value = b" a;  bc ;;\td";
        let found: Vec<_> = items(value, b';').collect();
        let expected: [(usize, &[u8]); 4] = [(1, b"a"), (5, b"bc"), (9, b""), (11, b"d")];
        assert_eq!(found, expected);
    }
}
