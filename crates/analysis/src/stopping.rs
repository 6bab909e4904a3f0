//! Checks that paths of evidence are those of an e-process, whatever the way in which they are stopped.
//! Test code only.

/// Where three ways of peeking stop: never, at the first evidence of 3, after three rises.
pub(crate) fn stops(path: &[f64]) -> [f64; 3] {
    let last = path.last().copied().expect("a path");
    let large = path.iter().copied().find(|value| *value >= 3.0);
    let rises =
        path.windows(4).find(|part| part[0] < part[1] && part[1] < part[2] && part[2] < part[3]);
    [last, large.unwrap_or(last), rises.map_or(last, |part| part[3])]
}

/// Checks that paths of evidence are those of an e-process: mean ≤ 1 at each way to stop, and 20
/// reached in at most one of twenty; both within four standard errors.
pub(crate) fn assert_e_process(name: &str, paths: &[Vec<f64>]) {
    let runs = f64::from(u32::try_from(paths.len()).expect("few runs"));
    for rule in 0..3 {
        let values: Vec<f64> = paths.iter().map(|path| stops(path)[rule]).collect();
        let mean = values.iter().sum::<f64>() / runs;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = squares.sqrt() / runs;
        println!("{name}, rule {rule}: mean {mean:.3} ± {error:.3}");
        assert!(mean <= 1.0 + 4.0 * error + 1e-9, "{name}, rule {rule}: {mean} ± {error}");
    }
    let large = paths.iter().filter(|path| path.iter().any(|value| *value >= 20.0)).count();
    let share = f64::from(u32::try_from(large).expect("few runs")) / runs;
    println!("{name}: 20 or more in {share:.4}");
    assert!(share <= 0.05 + 4.0 * (0.05 * 0.95 / runs).sqrt(), "{name}: {share}");
}
