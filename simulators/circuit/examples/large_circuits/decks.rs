//! Generators of large decks: RC ladders, resistor meshes, ripple-carry adders of NAND gates, ring oscillators.

use std::fmt::Write as _;

use hwgym_circuit::cards;

/// A deck and how it is called in the table.
pub struct Work {
    pub name: &'static str,
    pub deck: String,
}

/// `n` sections of 1 kOhm and 1 pF behind a source.
fn ladder(n: usize, analysis: &str) -> String {
    let mut text = format!("ladder of {n}\nv1 n0 0 dc 1 ac 1 pulse(0 1 1n 0.1n 0.1n 50n 100n)\n");
    for k in 1..=n {
        let _ = writeln!(text, "r{k} n{} n{k} 1k\nc{k} n{k} 0 1p", k - 1);
    }
    text + analysis + "\n.end\n"
}

/// A square of `side` by `side` nodes with 1 kOhm between neighbours, driven at one corner and loaded at the other.
fn mesh(side: usize, analysis: &str) -> String {
    let mut text = format!("mesh of {side} x {side}\nv1 n0_0 0 dc 1 ac 1\nrl n{0}_{0} 0 1k\n", side - 1);
    for x in 0..side {
        for y in 0..side {
            if x + 1 < side {
                let _ = writeln!(text, "rx{x}_{y} n{x}_{y} n{}_{y} 1k", x + 1);
            }
            if y + 1 < side {
                let _ = writeln!(text, "ry{x}_{y} n{x}_{y} n{x}_{} 1k", y + 1);
            }
        }
    }
    text + analysis + "\n.end\n"
}

/// Which transistors a deck is made of.
#[derive(Clone, Copy)]
enum Level {
    One,
    Bsim4,
}

impl Level {
    /// The model cards `n` and `p`, the sizes of both transistors, and the supply.
    fn cards(self) -> (String, [&'static str; 2], f64) {
        match self {
            Self::One => (
                ".model n nmos level=1 vto=0.7 kp=110u gamma=0.4 lambda=0.04 tox=15n cgso=0.2n cgdo=0.2n cj=0.4m\n\
                 .model p pmos level=1 vto=-0.7 kp=40u gamma=0.5 lambda=0.05 tox=15n cgso=0.2n cgdo=0.2n cj=0.4m"
                    .into(),
                ["w=4u l=1u ad=8p as=8p", "w=8u l=1u ad=16p as=16p"],
                3.3,
            ),
            Self::Bsim4 => {
                let text = cards::BSIM4_BASE.replace(".model n4 ", ".model n ").replace(".model p4 ", ".model p ");
                (text, ["w=1u l=0.13u", "w=2u l=0.13u"], 1.2)
            }
        }
    }
}

/// A ripple-carry adder of nine NAND gates, 36 transistors, per bit; the carry runs through all of it.
fn adder(bits: usize, level: Level, analysis: &str) -> String {
    let (cards, [n, p], supply) = level.cards();
    let mut text = format!(
        "adder of {bits} bits\n{cards}\n\
         .subckt nand a b y vdd\nmp1 y a vdd vdd p {p}\nmp2 y b vdd vdd p {p}\nmn1 y a m 0 n {n}\nmn2 m b 0 0 n {n}\n.ends\n\
         .subckt full a b ci s co vdd\nx1 a b k vdd nand\nx2 a k l vdd nand\nx3 b k q vdd nand\nx4 l q h vdd nand\n\
         x5 h ci r vdd nand\nx6 h r t vdd nand\nx7 ci r u vdd nand\nx8 t u s vdd nand\nx9 r k co vdd nand\n.ends\n\
         vdd vdd 0 {supply}\nvb b 0 {supply}\nvc c0 0 pulse(0 {supply} 1n 0.1n 0.1n 20n 40n)\n"
    );
    for k in 0..bits {
        let _ = writeln!(text, "x{k} 0 b c{k} s{k} c{} vdd full\ncs{k} s{k} 0 10f", k + 1);
    }
    text + analysis + "\n.end\n"
}

/// `count` ring oscillators of 31 inverters, 62 transistors, each.
fn rings(count: usize, level: Level, analysis: &str) -> String {
    let (cards, [n, p], supply) = level.cards();
    let mut text = format!("{count} rings\n{cards}\nvdd vdd 0 {supply}\n");
    for ring in 0..count {
        for k in 0..31 {
            let (a, y) = (format!("r{ring}_{k}"), format!("r{ring}_{}", (k + 1) % 31));
            let _ = writeln!(text, "mp{ring}_{k} {y} {a} vdd vdd p {p}\nmn{ring}_{k} {y} {a} 0 0 n {n}");
        }
        let _ = writeln!(text, ".ic v(r{ring}_0)=0");
    }
    text + analysis + "\n.end\n"
}

/// Everything that is measured.
pub fn all() -> Vec<Work> {
    let op = ".op";
    let ac = ".ac dec 10 1k 1g";
    let tran = ".tran 1n 20n";
    let work = |name, deck| Work { name, deck };
    vec![
        work("ladder-1000-op", ladder(1_000, op)),
        work("ladder-1000-ac", ladder(1_000, ac)),
        work("ladder-1000-tran", ladder(1_000, tran)),
        work("ladder-10000-op", ladder(10_000, op)),
        work("ladder-10000-ac", ladder(10_000, ac)),
        work("ladder-10000-tran", ladder(10_000, tran)),
        work("ladder-50000-op", ladder(50_000, op)),
        work("mesh-71-op", mesh(71, op)),
        work("mesh-100-op", mesh(100, op)),
        work("adder-576-level1-op", adder(16, Level::One, op)),
        work("adder-576-level1-tran", adder(16, Level::One, ".tran 0.1n 20n")),
        work("adder-2304-level1-op", adder(64, Level::One, op)),
        work("adder-2304-level1-tran", adder(64, Level::One, ".tran 0.1n 20n")),
        work("rings-2480-level1-tran", rings(40, Level::One, ".tran 0.1n 10n")),
        work("adder-576-bsim4-op", adder(16, Level::Bsim4, op)),
        work("adder-576-bsim4-tran", adder(16, Level::Bsim4, ".tran 0.05n 5n")),
        work("adder-2304-bsim4-op", adder(64, Level::Bsim4, op)),
        work("adder-2304-bsim4-tran", adder(64, Level::Bsim4, ".tran 0.05n 5n")),
        work("rings-2480-bsim4-tran", rings(40, Level::Bsim4, ".tran 0.05n 2n")),
    ]
}
