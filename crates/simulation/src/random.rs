//! Seeded randomness for simulations and Monte Carlo tests: one generator, and what is drawn of it.
//! Knows nothing of what it is used for; the same seed gives the same numbers on any machine.

use std::f64::consts::TAU;

/// `SplitMix64`: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
///
/// Not secret. The state is one word, so that a world that holds one is cheap to clone.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A stream that begins at this state.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream for one of many neighboring seeds, unrelated to those of the others.
    #[must_use]
    pub const fn spread(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xD134_2543_DE82_EF95) ^ 0x5DEE_CE66)
    }

    /// 64 random bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1), in steps of 2⁻⁵³.
    pub const fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `0..sides`, but for a bias below 2⁻³² a side.
    pub const fn below(&mut self, sides: u32) -> u32 {
        (((self.bits() >> 32) * sides as u64) >> 32) as u32
    }

    /// A place in a list of so many.
    ///
    /// # Panics
    /// If there are more than 2³².
    pub fn index(&mut self, len: usize) -> usize {
        self.below(u32::try_from(len).expect("a list of a simulation")) as usize
    }

    /// One of these.
    ///
    /// # Panics
    /// If there is none.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.index(of.len())]
    }

    /// True once in so many times.
    pub const fn one_in(&mut self, sides: u32) -> bool {
        self.below(sides) == 0
    }

    /// True in so many of 100 cases.
    pub const fn percent(&mut self, cases: u32) -> bool {
        self.below(100) < cases
    }

    /// Standard normal, by Box and Muller. Draws two numbers.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (TAU * self.unit()).cos()
    }

    /// Poisson. Up to a mean of `counted` by counting, which draws one number more than it answers;
    /// above it by a rounded normal.
    pub fn poisson(&mut self, mean: f64, counted: f64) -> f64 {
        if mean > counted {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0);
        }
        let limit = (-mean.max(0.0)).exp();
        let (mut product, mut events) = (self.unit(), 0.0);
        while product > limit {
            product *= self.unit();
            events += 1.0;
        }
        events
    }

    /// Binomial: how many of `n` things happen, each with this probability. By a rounded normal where
    /// they are many, by Poisson where they are rare.
    pub fn binomial(&mut self, n: f64, probability: f64) -> f64 {
        if probability <= 0.0 || n <= 0.0 {
            return 0.0;
        }
        if probability >= 1.0 {
            return n;
        }
        if n <= 16.0 {
            let whole = n as u32;
            return f64::from((0..whole).filter(|_| self.unit() < probability).count() as u32);
        }
        let mean = n * probability;
        let events = if probability < 0.05 && mean < 12.0 {
            self.poisson(mean, 12.0)
        } else {
            (mean + (mean * (1.0 - probability)).sqrt() * self.normal()).round()
        };
        events.clamp(0.0, n)
    }

    /// Puts a list into random order (Fisher–Yates).
    ///
    /// # Panics
    /// If it is longer than 2³².
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.index(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_the_reference_implementation() {
        let mut random = Random::new(1_234_567);
        let first = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973];
        assert_eq!([random.bits(), random.bits()], first);
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut random = Random::spread(1);
        let mut mean = |draw: &mut dyn FnMut(&mut Random) -> f64| {
            (0..40_000).map(|_| draw(&mut random)).sum::<f64>() / 40_000.0
        };
        let near = |value: f64, expected: f64| assert!((value - expected).abs() < 0.04, "{value}");
        near(mean(&mut Random::unit), 0.5);
        near(mean(&mut |it| it.normal().powi(2)), 1.0);
        near(mean(&mut |it| it.poisson(3.0, 12.0)), 3.0);
        near(mean(&mut |it| it.poisson(20.0, 12.0)) / 20.0, 1.0);
        near(mean(&mut |it| f64::from(it.below(6))), 2.5);
    }
}
