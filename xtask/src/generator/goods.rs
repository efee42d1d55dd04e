//! What the invented shop sells, under which spellings and names, and how often it errs.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The kinds of things that are not a plain sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Cancellation,
    WriteOff,
    Found,
    Discount,
    BadDebt,
    Duplicate,
    Postage,
    Dotcom,
    Manual,
    ManualLower,
    Carriage,
    Bank,
    Gift,
}

impl Kind {
    #[must_use]
    pub const fn fills_an_invoice(self) -> bool {
        matches!(self, Self::Cancellation | Self::WriteOff | Self::Found | Self::Discount | Self::BadDebt)
    }
}

const REAL: f64 = 541_909.0;

/// Each kind's share of the lines in the real file. In the order of the enum.
pub const KINDS: [(Kind, f64); 13] = [
    (Kind::Cancellation, 9_211.0 / REAL),
    (Kind::WriteOff, 1_336.0 / REAL),
    (Kind::Found, 769.0 / REAL),
    (Kind::Discount, 77.0 / REAL),
    (Kind::BadDebt, 3.0 / REAL),
    (Kind::Duplicate, 5_268.0 / REAL),
    (Kind::Postage, 1_256.0 / REAL),
    (Kind::Dotcom, 710.0 / REAL),
    (Kind::Manual, 571.0 / REAL),
    (Kind::ManualLower, 1.0 / REAL),
    (Kind::Carriage, 144.0 / REAL),
    (Kind::Bank, 37.0 / REAL),
    (Kind::Gift, 410.0 / REAL),
];

pub const LOST: [&str; 16] = [
    "check",
    "damages",
    "damaged",
    "?",
    "sold as set on dotcom",
    "Damaged",
    "thrown away",
    "Unsaleable, destroyed.",
    "??",
    "wet damaged",
    "smashed",
    "missing",
    "counted",
    "DAMAGED",
    "wet/rusty",
    "can't find",
];

pub const FOUND: [&str; 8] = ["check", "found", "adjustment", "amazon", "Found", "?", "had been put aside", "returned"];

const COLOURS: [&str; 12] =
    ["RED", "WHITE", "PINK", "BLUE", "IVORY", "GREEN", "BLACK", "CREAM", "VINTAGE", "RETROSPOT", "SILVER", "REGENCY"];
const STUFFS: [&str; 10] =
    ["METAL", "GLASS", "WOODEN", "CERAMIC", "PAPER", "ENAMEL", "FELT", "KNITTED", "HANGING", "JUMBO"];
const THINGS: [&str; 16] = [
    "LANTERN",
    "T-LIGHT HOLDER",
    "CAKE CASES",
    "DOORMAT",
    "LUNCH BAG",
    "TEACUP AND SAUCER",
    "HOT WATER BOTTLE",
    "PICTURE FRAME",
    "JIGSAW BLOCKS",
    "UMBRELLA",
    "CUSHION COVER",
    "BUNTING",
    "BIRD ORNAMENT",
    "ALARM CLOCK",
    "STORAGE BAG",
    "SET OF 6 SPOONS",
];

pub struct Good {
    code: String,
    /// The other spelling of a code whose letter people type both ways.
    twin: Option<String>,
    names: Vec<String>,
    pub price: u32,
}

impl Good {
    #[must_use]
    pub fn spelling(&self, rng: &mut ChaCha8Rng) -> String {
        self.twin.as_ref().filter(|_| rng.random_bool(0.2)).unwrap_or(&self.code).clone()
    }

    #[must_use]
    pub fn name(&self, rng: &mut ChaCha8Rng) -> String {
        let other = self.names.get(1).filter(|_| rng.random_bool(0.2));
        other.or(self.names.first()).cloned().unwrap_or_default()
    }

    /// Nobody ever wrote what it is. Such a code is never sold for money.
    #[must_use]
    pub fn nameless(&self) -> bool {
        self.names.is_empty()
    }
}

pub struct Goods {
    all: Vec<Good>,
    /// The running sum of how popular each good is.
    weight: Vec<f64>,
}

impl Goods {
    #[must_use]
    pub fn of(count: usize, rng: &mut ChaCha8Rng) -> Self {
        let mut sum = 0.0;
        let (mut all, mut weight) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for n in 0..count {
            all.push(good(n, rng));
            // The real file's best seller has 400 times the lines of its middle one.
            let seldom = if all[n].nameless() { 0.02 } else { 1.0 };
            sum += seldom / (n as f64 + 12.0).powf(0.7);
            weight.push(sum);
        }
        Self { all, weight }
    }

    pub fn pick(&self, rng: &mut ChaCha8Rng) -> &Good {
        let at = rng.random::<f64>() * self.weight.last().copied().unwrap_or_default();
        &self.all[self.weight.partition_point(|&w| w < at).min(self.all.len() - 1)]
    }
}

fn good(n: usize, rng: &mut ChaCha8Rng) -> Good {
    let number = 20_000 + n * 17 % 70_000;
    let twin = n % 35 == 3;
    let letter = char::from(b'A' + u8::try_from(n % 8).unwrap_or(0));
    let code = if twin || n.is_multiple_of(3) { format!("{number}{letter}") } else { number.to_string() };
    let mut pick = |of: &[&'static str]| of[rng.random_range(0..of.len())];
    let name = format!("{} {} {}", pick(&COLOURS), pick(&STUFFS), pick(&THINGS));
    let names = match n % 36 {
        5 => vec![],
        k if k % 3 == 1 => vec![name.clone(), format!("{name} NEW")],
        _ => vec![name],
    };
    let price = rng.random_range(19..1_700);
    Good { twin: twin.then(|| code.to_lowercase()), code, names, price }
}

/// One line in five of the real file has its words between stray spaces.
pub fn spaced(name: String, rng: &mut ChaCha8Rng) -> String {
    if !name.is_empty() && rng.random_ratio(21, 100) { format!("{name} ") } else { name }
}

/// Mostly ones, twos and dozens; now and then a pallet.
pub fn quantity(rng: &mut ChaCha8Rng) -> i64 {
    const USUAL: [(i64, u32); 16] = [
        (1, 280),
        (2, 155),
        (12, 115),
        (6, 77),
        (4, 73),
        (3, 70),
        (24, 45),
        (10, 42),
        (8, 25),
        (5, 22),
        (48, 11),
        (25, 10),
        (20, 9),
        (16, 8),
        (36, 7),
        (100, 4),
    ];
    let mut at = rng.random_range(0..1_000);
    for (qty, share) in USUAL {
        if at < share {
            return qty;
        }
        at -= share;
    }
    if rng.random_ratio(1, 400) { rng.random_range(1_000..20_000) } else { rng.random_range(7..400) }
}
