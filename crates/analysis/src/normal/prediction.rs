//! What one more healthy pod may show, where some were seen: a prediction limit.
//! Plain statistics; what is counted, and what is done with the limit, is for others.

use crate::numbers::tally;

/// What the deviation that is assumed beforehand is worth, in degrees of freedom.
const PRIOR_FREEDOM: f64 = 4.0;
/// Pods from which their difference says something.
const ENOUGH_PODS: usize = 2;

/// How far from the mean of these pods one more healthy pod is at most, with a probability of 99.5 % to
/// either side: `t·s·√(1 + 1/K)`, the prediction limit of Student's t, with the deviation s of K pods
/// drawn towards `deviation`. `None`: too few pods.
pub(crate) fn prediction_limit(pods: &[f64], deviation: f64) -> Option<f64> {
    if pods.len() < ENOUGH_PODS {
        return None;
    }
    let count = f64::from(tally(pods.len()));
    let mean = pods.iter().sum::<f64>() / count;
    let squares: f64 = pods.iter().map(|pod| (pod - mean).powi(2)).sum();
    let freedom = PRIOR_FREEDOM + count - 1.0;
    let variance = (PRIOR_FREEDOM * deviation.powi(2) + squares) / freedom;
    Some(students_t(freedom) * (variance * (1.0 + 1.0 / count)).sqrt())
}

/// The 99.5 % quantile of Student's t: Cornish and Fisher's expansion (Abramowitz and Stegun
/// 26.7.5), within 0.3 % from four degrees of freedom on.
fn students_t(freedom: f64) -> f64 {
    const Z: f64 = 2.575_829_303_548_901;
    let terms = [
        (Z.powi(3) + Z) / 4.0,
        (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / 96.0,
        (3.0 * Z.powi(7) + 19.0 * Z.powi(5) + 17.0 * Z.powi(3) - 15.0 * Z) / 384.0,
        (79.0 * Z.powi(9) + 776.0 * Z.powi(7) + 1_482.0 * Z.powi(5)
            - 1_920.0 * Z.powi(3)
            - 945.0 * Z)
            / 92_160.0,
    ];
    terms.iter().rev().fold(0.0, |sum, term| (sum + term) / freedom) + Z
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_of_students_t_is_that_of_the_tables() {
        use statrs::distribution::{ContinuousCDF, StudentsT};
        for freedom in [4.0, 5.0, 8.0, 15.0, 60.0] {
            let exact =
                StudentsT::new(0.0, 1.0, freedom).expect("a distribution").inverse_cdf(0.995);
            let error = students_t(freedom) / exact - 1.0;
            assert!(error.abs() < 0.003, "{freedom}: {error}");
        }
    }

    #[test]
    fn few_pods_and_pods_that_differ_leave_more_room() {
        let limit = |pods: &[f64]| prediction_limit(pods, 0.01).expect("pods");
        let (many, few, unequal) = (limit(&[0.5; 20]), limit(&[0.5; 2]), limit(&[0.4, 0.6, 0.5]));
        assert!(many < few && few < 0.05 && 0.2 < unequal, "{many}, {few}, {unequal}");
        assert_eq!(prediction_limit(&[0.5], 0.01), None, "one pod differs from nobody");
    }
}
