//! Estimate of how predictable a secret is.

use zeroize::Zeroizing;

/// Upper estimate, in bits, of the work for an attacker that tries the usual patterns first.
///
/// The text is split greedily from left to right, as in LZ77, into the pieces that save most: a
/// single byte, which costs the logarithm of the number of distinct bytes in the text; a repetition
/// of earlier text; a sequence with equal steps (`aaaa`, `1234`, `zyxw`); or a part of [`KNOWN`].
/// Random text costs about its entropy, whatever its alphabet; keyboard rows, common words,
/// repetitions and dates cost little. Letter case is ignored.
pub(super) fn estimated_bits(bytes: &[u8]) -> f64 {
    let bytes = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    text.extend(bytes.iter().map(u8::to_ascii_lowercase));

    let per_byte = bits(distinct(&text).max(2));
    let (mut total, mut position) = (0.0, 0);
    while position < text.len() {
        let (before, rest) = text.split_at(position);
        let mut piece = Piece {
            length: 1,
            cost: per_byte,
        };
        let mut saved = 0.0;
        for other in [
            sequence(before, rest),
            repetition(&text, position),
            known(rest),
        ] {
            let saves = other.length as f64 * per_byte - other.cost;
            if saves > saved {
                (piece, saved) = (other, saves);
            }
        }
        total += piece.cost;
        position += piece.length;
    }
    total
}

struct Piece {
    length: usize,
    cost: f64,
}

impl Piece {
    /// Piece from one of `choices` positions: its cost encodes the position and the length.
    fn new(length: usize, choices: usize) -> Self {
        let cost = 1.0 + bits(choices) + bits(length.max(1));
        Self { length, cost }
    }
}

/// Longest continuation with the step between the last two bytes.
fn sequence(before: &[u8], rest: &[u8]) -> Piece {
    let [.., earlier, last] = before else {
        return Piece::new(0, 2);
    };
    let step = last.wrapping_sub(*earlier);
    let mut expected = *last;
    let continues = |byte: &&u8| {
        expected = expected.wrapping_add(step);
        **byte == expected
    };
    Piece::new(rest.iter().take_while(continues).count(), 2)
}

/// Longest repetition of earlier text, which may overlap the current position.
fn repetition(text: &[u8], position: usize) -> Piece {
    let rest = text.iter().skip(position);
    let lengths = (0..position).map(|start| {
        let earlier = text.iter().skip(start);
        let pairs = earlier.zip(rest.clone());
        pairs.take_while(|(earlier, byte)| earlier == byte).count()
    });
    Piece::new(lengths.max().unwrap_or(0), position.max(1))
}

/// Longest part of [`KNOWN`].
fn known(rest: &[u8]) -> Piece {
    let places = 0..KNOWN.len();
    let lengths = places.clone().map(|start| {
        let pairs = KNOWN.bytes().skip(start).zip(rest);
        pairs.take_while(|(known, byte)| known == *byte).count()
    });
    Piece::new(lengths.max().unwrap_or(0), places.len())
}

fn distinct(text: &[u8]) -> usize {
    let mut seen = [false; 256];
    for byte in text {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    seen.iter().filter(|seen| **seen).count()
}

fn bits(choices: usize) -> f64 {
    (choices as f64).log2()
}

/// The beginning of a longer secret is enough for the estimate.
const MAX_BYTES: usize = 1024;

/// Keyboard rows and columns in both directions, and words that stand in for a secret.
const KNOWN: &str = "qwertyuiop[] asdfghjkl;' zxcvbnm,./ qwertzuiop azertyuiop qsdfghjklm !@#$%^&*()_+ \
    poiuytrewq lkjhgfdsa mnbvcxz poiuztrewq +_)(*&^%$#@! \
    1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p q1w2e3r4t5y6u7i8o9p0 0okm9ijn8uhb7ygv6tfc5rdx4esz3wa2q1 \
    password passw0rd p@ssw0rd secret s3cret supersecret changeme default admin administrator root \
    user login welcome letmein iloveyou example sample test token jwt json web key your my this the \
    private server production development application thequickbrownfoxjumpsoverthelazydog";
