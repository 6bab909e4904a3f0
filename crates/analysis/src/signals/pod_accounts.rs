//! Accounts of pods as they are saved, by the numbers of their names.
//! Only the form; what an account is bet on its signal knows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engines::drift_test::{Account, BETS, DriftTest};
use crate::numbers::{milli, unmilli};
use crate::observation::name_table::{NameTable, name};

/// Accounts of pods as they are saved: logarithms in thousandths.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PodAccounts {
    pool: i64,
    windows: u32,
    pods: Vec<(u32, [i64; BETS])>,
}

impl PodAccounts {
    /// All capital is in the pool if `pooled`.
    pub(crate) fn of(test: &DriftTest<Arc<str>>, names: &mut NameTable, pooled: bool) -> Self {
        let row = |(pod, account): (&Arc<str>, &Account)| (names.index(pod), account.ln.map(milli));
        let (pods, ln_pool) = if pooled {
            (Vec::new(), test.ln_value())
        } else {
            (test.accounts().map(row).collect(), test.ln_pool())
        };
        Self { pool: milli(ln_pool), windows: test.windows(), pods }
    }

    /// The test to go on with, of drifts of this scale; `None`: a name is missing.
    pub(crate) fn restored(self, scale: f64, names: &[Arc<str>]) -> Option<DriftTest<Arc<str>>> {
        let row = |(pod, ln): (u32, [i64; BETS])| Some((name(names, pod)?, ln.map(unmilli)));
        let accounts = self.pods.into_iter().map(row).collect::<Option<_>>()?;
        Some(DriftTest::restored(scale, unmilli(self.pool), self.windows, accounts))
    }
}
