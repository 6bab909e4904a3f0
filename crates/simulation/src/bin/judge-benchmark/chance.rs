//! Seeded randomness for the generator: `SplitMix64` and the distributions it needs.
//! Every number follows from a seed; nothing here knows what it is used for.

/// A stream of pseudo-random numbers (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// A stream for a seed; neighbouring seeds give unrelated streams.
    pub fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0xD134_2543_DE82_EF95) ^ 0x5DEE_CE66);
        chance.next();
        chance
    }

    fn next(&mut self) -> u64 {
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
        (self.unit() * n as f64) as usize
    }

    /// Standard normal (Box–Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Poisson: by counting up to a mean of 12, by a rounded normal above.
    pub fn poisson(&mut self, mean: f64) -> f64 {
        if mean > 12.0 {
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

    /// How many of `n` things happen to something with this probability.
    pub fn of(&mut self, n: f64, probability: f64) -> f64 {
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
            self.poisson(mean)
        } else {
            (mean + (mean * (1.0 - probability)).sqrt() * self.normal()).round()
        };
        events.clamp(0.0, n)
    }

    /// Puts a list into random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// A level around 1 that wanders: the exponential of an AR(1) process.
#[derive(Clone, Debug)]
pub struct Wander {
    keep: f64,
    jump: f64,
    ln: f64,
    level: f64,
}

impl Wander {
    /// By the standard deviation of its logarithm, and the steps in which it forgets. Begins
    /// anywhere.
    pub fn new(deviation: f64, memory: f64, chance: &mut Chance) -> Self {
        let keep = (-1.0 / memory).exp();
        let ln = deviation * chance.normal();
        Self { keep, jump: deviation * (1.0 - keep * keep).sqrt(), ln, level: ln.exp() }
    }

    /// One that stays at 1. Draws nothing.
    pub fn still() -> Self {
        Self { keep: 0.0, jump: 0.0, ln: 0.0, level: 1.0 }
    }

    /// One step.
    pub fn step(&mut self, chance: &mut Chance) {
        if self.jump > 0.0 {
            self.ln = self.keep * self.ln + self.jump * chance.normal();
            self.level = self.ln.exp();
        }
    }

    /// The level now.
    pub fn level(&self) -> f64 {
        self.level
    }
}
