//! Hexadecimal floats as C writes them: `0x1.8p3` is 1.5 × 2³.

/// Enough of an exponent to leave every format, far from the ends of an `i64`.
const EXPONENT_LIMIT: i64 = 1 << 40;

/// The magnitude mantissa × 2^exponent that `text` writes, without its sign. Bits that have no room
/// are jammed.
pub(crate) fn scan(text: &[u8]) -> Option<(u128, i64)> {
    let ([b'0', b'x' | b'X'], text) = text.split_first_chunk::<2>()? else {
        return None;
    };
    let exponent_at = text.iter().position(|byte| matches!(byte, b'p' | b'P'));
    let (digits, exponent) = match exponent_at {
        Some(at) => (&text[..at], scan_exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let (mut mantissa, mut exponent) = (0_u128, exponent);
    let (mut any, mut pointed) = (false, false);
    for byte in digits {
        if *byte == b'.' && !pointed {
            pointed = true;
            continue;
        }
        let digit = char::from(*byte).to_digit(16)?;
        any = true;
        exponent -= if pointed { 4 } else { 0 };
        if mantissa >> 124 == 0 {
            mantissa = mantissa << 4 | u128::from(digit);
        } else {
            mantissa |= u128::from(digit != 0);
            exponent += 4;
        }
    }
    any.then_some((mantissa, exponent))
}

/// A signed decimal number, clamped to ±[`EXPONENT_LIMIT`]; at least one digit.
pub(crate) fn scan_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() {
        return None;
    }
    let magnitude = digits.iter().try_fold(0_i64, |number, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        Some((number * 10 + i64::from(digit)).min(EXPONENT_LIMIT))
    })?;
    Some(if negative { -magnitude } else { magnitude })
}

/// Whether `text` starts with `-`, and what follows its sign, if any.
pub(crate) fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}
