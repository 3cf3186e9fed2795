//! Chance that is the same on every machine and in every version: SplitMix64 (Steele, Lea and Flood, 2014). `rand`
//! promises that for none of its convenient generators.

pub(super) struct Dice(u64);

/// What a throw is for: one person's hair does not depend on how often their shoes were thrown for.
#[derive(Clone, Copy)]
pub(super) enum About {
    Account = 1,
    Person = 2,
    Pair = 3,
    Talk = 4,
    Friends = 5,
    Group = 6,
}

impl Dice {
    pub(super) fn new(seed: u16, about: About, index: u64) -> Self {
        let mut dice = Self((u64::from(seed) << 8) | about as u64);
        dice.0 = dice.roll() ^ index.wrapping_mul(0xd134_2543_de82_ef95);
        dice.roll();
        dice
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 up to, not including, `n`.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.roll()) * u128::from(n)) >> 64) as u64
    }

    pub(super) fn signed_below(&mut self, n: i64) -> i64 {
        self.below(n.max(0).unsigned_abs()).cast_signed()
    }

    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    pub(super) fn bytes(&mut self) -> [u8; 10] {
        let (a, b) = (self.roll().to_le_bytes(), self.roll().to_le_bytes());
        [a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], b[0], b[1]]
    }
}
