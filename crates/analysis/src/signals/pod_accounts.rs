//! Accounts of pods as they are saved, by the numbers of their names.
//! Only the form; what an account is bet on its signal knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engines::drift_test::{Account, BETS, DriftTest};
use crate::numbers::{milli, unmilli};
use crate::observation::name_table::{NameTable, name};

/// Accounts by key as they are saved, and ln of their pool: all in the pool if `pooled`.
pub(crate) fn by_pod(
    ledger: &DriftTest<Arc<str>>,
    names: &mut NameTable,
    pooled: bool,
) -> (Vec<(u32, [i64; BETS])>, i64) {
    if pooled {
        return (Vec::new(), milli(ledger.ln_value()));
    }
    let row = |(pod, account): (&Arc<str>, &Account)| (names.index(pod), account.ln.map(milli));
    (ledger.accounts().map(row).collect(), milli(ledger.ln_pool()))
}

/// The accounts of pods, by name; `None`: a name is missing.
pub(crate) fn accounts(
    rows: Vec<(u32, [i64; BETS])>,
    names: &[Arc<str>],
) -> Option<BTreeMap<Arc<str>, [f64; BETS]>> {
    let row = |(pod, ln): (u32, [i64; BETS])| Some((name(names, pod)?, ln.map(unmilli)));
    rows.into_iter().map(row).collect()
}
