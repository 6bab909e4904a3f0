//! Every number beside every other: what was put comes back, to the bit.
//! What it saves is seen where records are counted.

use super::*;

const OFFSETS: [Option<i64>; 10] = [
    None,
    Some(0),
    Some(1),
    Some(-1),
    Some(63),
    Some(64),
    Some(1_700_000_000_000),
    Some(i64::MAX),
    Some(i64::MIN),
    Some(i64::MIN + 1),
];

const REALS: [Option<f64>; 13] = [
    None,
    Some(0.0),
    Some(-0.0),
    Some(1.0),
    Some(0.1),
    Some(-7.0),
    Some(EXACT),
    Some(EXACT - 1.0),
    Some(1.0 - EXACT),
    Some(f64::MAX),
    Some(f64::NAN),
    Some(f64::INFINITY),
    Some(f64::MIN_POSITIVE),
];

#[test]
fn every_offset_comes_back_beside_every_other() {
    let pairs = || OFFSETS.iter().flat_map(|it| OFFSETS.map(|near| (*it, near)));
    let mut packer = Packer::default();
    pairs().for_each(|(value, near)| packer.offset(value, near));
    let bytes = packer.finish();
    let mut unpacker = Unpacker::new(&bytes);
    for (value, near) in pairs() {
        assert_eq!(unpacker.offset(near), value, "beside {near:?}");
    }
    assert!(unpacker.0.is_empty());
}

#[test]
fn every_real_comes_back_to_the_bit_beside_every_other() {
    let pairs = || REALS.iter().flat_map(|it| REALS.map(|near| (*it, near)));
    let mut packer = Packer::default();
    pairs().for_each(|(value, near)| packer.real(value, near));
    let bytes = packer.finish();
    let mut unpacker = Unpacker::new(&bytes);
    for (value, near) in pairs() {
        let read = unpacker.real(near);
        assert_eq!(read.map(f64::to_bits), value.map(f64::to_bits), "{value:?} by {near:?}");
    }
    assert!(unpacker.0.is_empty());
}

#[test]
fn a_counter_that_has_moved_on_takes_some_bytes() {
    let mut packer = Packer::default();
    packer.real(Some(7_120_000.0), Some(7_000_000.0));
    packer.offset(Some(1_000_120_000), Some(1_000_000_000));
    packer.offset(Some(1_000_120_040), Some(1_000_120_000));
    assert_eq!(packer.finish().len(), 4 + 3 + 1);
}
