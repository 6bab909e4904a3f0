//! Numbers in few bytes: each as its difference from a number that the reader knows.
//! Lossless, to the last bit; what the numbers mean is not known here.

/// Bytes of numbers, in the order in which they were put.
#[derive(Clone, Debug, Default)]
pub(super) struct Packer(Vec<u8>);

/// Reads what a [`Packer`] wrote, in the same order and beside the same numbers.
#[derive(Clone, Debug)]
pub(super) struct Unpacker<'a>(&'a [u8]);

/// How a real number is written.
const NONE: u8 = 0;
const SAME: u8 = 1;
const DIFFERENCE: u8 = 2;
const BITS: u8 = 3;

/// Reals below this that have no fraction are exact as integers, and so are their differences.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Packer {
    /// Puts an offset beside the one it is probably near to.
    pub(super) fn offset(&mut self, value: Option<i64>, near: Option<i64>) {
        // 0 is none; everything else is one more than it is.
        let coded = value.map(|it| zigzag(it.wrapping_sub(near.unwrap_or(0))) + 1);
        self.varint(coded.unwrap_or(0));
    }

    /// Puts a real number beside the one it is probably near to.
    pub(super) fn real(&mut self, value: Option<f64>, near: Option<f64>) {
        let Some(value) = value else { return self.0.push(NONE) };
        if near.is_some_and(|it| it.to_bits() == value.to_bits()) {
            return self.0.push(SAME);
        }
        if let Some(whole) = integer(value) {
            self.0.push(DIFFERENCE);
            self.varint(zigzag(whole - near.and_then(integer).unwrap_or(0)));
        } else {
            self.0.push(BITS);
            self.0.extend(value.to_bits().to_le_bytes());
        }
    }

    /// The bytes, in no more memory than they take.
    pub(super) fn finish(self) -> Box<[u8]> {
        self.0.into_boxed_slice()
    }

    /// Seven bits a byte, the lowest first (LEB128).
    fn varint(&mut self, mut value: u128) {
        loop {
            let low = (value & 0x7f) as u8;
            value >>= 7;
            if value == 0 {
                return self.0.push(low);
            }
            self.0.push(low | 0x80);
        }
    }
}

impl<'a> Unpacker<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next number, an offset, beside the one that it was put beside.
    pub(super) fn offset(&mut self, near: Option<i64>) -> Option<i64> {
        let coded = self.varint().checked_sub(1)?;
        Some(near.unwrap_or(0).wrapping_add(unzigzag(coded)))
    }

    /// The next number, a real, beside the one that it was put beside.
    pub(super) fn real(&mut self, near: Option<f64>) -> Option<f64> {
        match self.byte() {
            SAME => near,
            DIFFERENCE => {
                let whole = near.and_then(integer).unwrap_or(0) + unzigzag(self.varint());
                #[expect(clippy::cast_precision_loss, reason = "exact, see `integer`")]
                let value = whole as f64;
                Some(value)
            }
            BITS => {
                let (bits, rest) = self.0.split_first_chunk::<8>()?;
                self.0 = rest;
                Some(f64::from_bits(u64::from_le_bytes(*bits)))
            }
            _ => None,
        }
    }

    /// 0 after the end: nobody reads more than was put.
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn varint(&mut self) -> u128 {
        let (mut value, mut shift) = (0_u128, 0_u32);
        loop {
            let byte = self.byte();
            value |= u128::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 || 70 < shift {
                return value;
            }
        }
    }
}

/// The number as an integer, if that is all it is. −0 is not: it has a sign.
fn integer(value: f64) -> Option<i64> {
    let whole = value.fract() == 0.0 && value.abs() < EXACT && value.to_bits() != 1 << 63;
    #[expect(clippy::cast_possible_truncation, reason = "an integer below 2^53")]
    let integer = value as i64;
    whole.then_some(integer)
}

/// 0, −1, 1, −2 … as 0, 1, 2, 3 …: small differences are small numbers, whatever their sign.
fn zigzag(value: i64) -> u128 {
    u128::from(((value << 1) ^ (value >> 63)).cast_unsigned())
}

#[expect(clippy::cast_possible_truncation, reason = "64 bits were put")]
fn unzigzag(coded: u128) -> i64 {
    let coded = coded as u64;
    (coded >> 1).cast_signed() ^ -(coded & 1).cast_signed()
}

#[cfg(test)]
mod tests;
