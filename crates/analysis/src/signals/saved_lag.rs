//! The accounts and proofs of lag as they are saved: a row for each partition.
//! Restoring them gains no evidence: logarithms are rounded down.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engines::drift_test::{Account, BETS};
use crate::engines::e_process::LN_NOTHING;
use crate::numbers::{ln_add, milli, unmilli};
use crate::observation::PartitionId;
use crate::observation::name_table::{NameTable, name};
use crate::signals::Signals;
use crate::signals::lag::LnAccounts;
use crate::signals::lag_non_inferiority::LagProof;

/// Topic, partition, accounts, and pod with its proof.
pub(crate) type LagRow = (u32, i32, Option<[i64; BETS]>, Option<(u32, i64)>);

/// Accounts and proofs by partition.
type Partitions<'a> = BTreeMap<&'a PartitionId, (Option<&'a Account>, Option<&'a LagProof>)>;

impl Signals {
    /// How many partitions have rows, at most.
    pub(crate) fn lag_rows(&self) -> usize {
        self.lag.test.accounts().count().max(self.lag_non_inferiority.iter().count())
    }

    /// The rows of `most` partitions, those with the most evidence against the canary, and ln of
    /// the pool, in thousandths, with the capital of all others.
    pub(crate) fn save_lag(
        &self,
        most: usize,
        topics: &mut NameTable,
        pods: &mut NameTable,
    ) -> (Vec<LagRow>, i64) {
        let (partitions, ln_pool) = self.partitions(most);
        let row =
            |(id, (account, proof)): (&PartitionId, (Option<&Account>, Option<&LagProof>))| {
                let account = account.map(|account| account.ln.map(milli));
                let proof = proof.map(|proof| (pods.index(&proof.pod), milli(proof.ln)));
                (topics.index(&id.topic), id.partition, account, proof)
            };
        (partitions.into_iter().map(row).collect(), milli(ln_pool))
    }

    fn partitions(&self, most: usize) -> (Partitions<'_>, f64) {
        let mut all = Partitions::new();
        for (id, account) in self.lag.test.accounts() {
            all.entry(id).or_default().0 = Some(account);
        }
        for (id, proof) in self.lag_non_inferiority.iter() {
            all.entry(id).or_default().1 = Some(proof);
        }
        let ln_pool = self.lag.test.ln_pool();
        if all.len() <= most {
            return (all, ln_pool);
        }
        let evidence = |account: Option<&Account>| account.map_or(LN_NOTHING, Account::ln_value);
        let mut order: Vec<(&PartitionId, f64)> =
            all.iter().map(|(id, (account, _))| (*id, evidence(*account))).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let pooled = order.split_off(most);
        let ln_pool = pooled.iter().fold(ln_pool, |sum, (_, ln)| ln_add(sum, *ln));
        for (id, _) in pooled {
            all.remove(id);
        }
        (all, ln_pool)
    }

    /// Takes up the proofs that [`Signals::save_lag`] wrote, and answers with the accounts; `None`
    /// if it did not write this.
    pub(crate) fn restore_lag(
        &mut self,
        rows: Vec<LagRow>,
        topics: &[Arc<str>],
        pods: &[Arc<str>],
    ) -> Option<LnAccounts> {
        let mut accounts = LnAccounts::new();
        for (topic, partition, account, proof) in rows {
            let id = PartitionId { topic: name(topics, topic)?, partition };
            if let Some((pod, ln)) = proof {
                self.lag_non_inferiority.restore(&id, &name(pods, pod)?, unmilli(ln));
            }
            if let Some(account) = account {
                accounts.insert(id, account.map(unmilli));
            }
        }
        Some(accounts)
    }
}
