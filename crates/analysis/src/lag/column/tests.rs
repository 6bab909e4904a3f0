//! What stays keeps its value, whatever comes and goes; compared with a map.

use std::collections::BTreeMap;

use siskin_simulation::random::Random;

use crate::lag::column::{Column, Moves};

#[test]
fn a_column_follows_its_list_like_a_map() {
    let mut random = Random::spread(1);
    for _ in 0..200 {
        let mut model: BTreeMap<u32, u32> = BTreeMap::new();
        let (mut list, mut column) = (Vec::new(), Column::default());
        for round in 1..20 {
            let keep = random.unit();
            let now: Vec<u32> = (0..30).filter(|_| random.unit() < keep).collect();
            column.follow(&Moves::between(&list, &now), 0);
            model.retain(|key, _| now.contains(key));
            list = now;
            for (place, key) in list.iter().enumerate() {
                let expected = model.entry(*key).or_insert(0);
                assert_eq!(column[place], *expected, "of {key} in {list:?}");
                (column[place], *expected) = (100 * round + key, 100 * round + key);
            }
            assert_eq!(column.len(), list.len());
        }
    }
}

#[test]
fn a_column_that_begins_late_is_fresh() {
    let mut column = Column::default();
    column.follow(&Moves::Same(3), 7);
    assert_eq!(column[..], [7, 7, 7]);
}

#[test]
fn a_list_that_stays_has_no_moves() {
    assert_eq!(Moves::between(&[1, 3], &[1, 3]), Moves::Same(2));
    assert_eq!(Moves::between(&[1, 3], &[3, 4]), Moves::Changed(vec![Some(1), None]));
    assert_eq!(Moves::between(&[1, 3], &[]), Moves::Changed(Vec::new()));
}
