//! Seeded randomness for simulations: `SplitMix64` and the distributions the world needs.
//! Test code only; the judge itself draws nothing.

/// A stream of pseudo-random numbers (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in [0, n).
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// Standard normal (Box–Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Poisson; by a normal where the mean is large.
    pub fn poisson(&mut self, mean: f64) -> i64 {
        if mean > 30.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as i64;
        }
        let limit = (-mean.max(0.0)).exp();
        let mut product = self.unit();
        let mut count = 0;
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// A level around 1 that wanders: exp of an AR(1) process.
#[derive(Clone, Debug)]
pub struct Drifter {
    sd: f64,
    memory: f64,
    ln: f64,
}

impl Drifter {
    /// Standard deviation of the logarithm, and the time in seconds in which it forgets.
    pub fn new(sd: f64, memory: f64) -> Self {
        Self { sd, memory, ln: 0.0 }
    }

    pub fn step(&mut self, dt: f64, chance: &mut Chance) -> f64 {
        let keep = (-dt / self.memory).exp();
        self.ln = keep * self.ln + self.sd * (1.0 - keep * keep).sqrt() * chance.normal();
        self.ln.exp()
    }
}
