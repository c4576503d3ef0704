//! Reporting problems from chip design, in closed form: no constant of an agent was chosen on any of them. The formulas are the textbook's
//! (Elmore delay, logical effort, power laws of misses); their constants are illustrative, none is measured.

use super::Definition;
use crate::Parameter;

/// Speed of a transistor at a supply, relative to that at 1 V: the alpha-power law of Sakurai and Newton (1990).
fn drive(vdd: f64, threshold: f64) -> f64 {
    let at = |v: f64| (v - threshold).max(1e-3).powf(1.3) / v;
    at(vdd) / at(1.0)
}

fn supplies(low: f64, steps: usize) -> Parameter {
    Parameter::ordinal("vdd", (0..steps).map(move |k| low + 0.05 * k as f64)).unit("V")
}

struct Wire {
    delay_ns: f64,
    energy_pj: f64,
    area_um2: f64,
    segment_ps: f64,
}

/// Ten millimetres of wire with repeaters (Bakoglu 1990).
fn wire(v: &[f64]) -> Wire {
    let (count, size, width, spacing) = (v[0], v[1], v[2], v[3]);
    let (layer, vdd, shielded) = (v[4] as usize, v[5], v[6] != 0.0);
    // Ohm and femtofarad per millimetre at the least width and spacing.
    let (ohm, plate, coupling) = [(1200.0, 60.0, 90.0), (400.0, 70.0, 80.0), (90.0, 95.0, 75.0)][layer];
    let length = 10.0 / count;
    let resistance = ohm / width * length;
    // A shield halves what a neighbour's swing adds.
    let miller = if shielded { 1.0 } else { 2.0 };
    let capacitance = (plate * width.powf(0.6) + miller * coupling / spacing) * length;
    let (gate, drain) = (0.9 * size, 0.7 * size);
    let source = 9000.0 / (size * drive(vdd, 0.3));
    let segment =
        0.69 * source * (drain + capacitance + gate) + resistance * (0.38 * capacitance + 0.69 * gate);
    let switched = count * (drain + gate + capacitance);
    let pitch = (width + spacing) * [0.1, 0.2, 0.8][layer] * if shielded { 2.0 } else { 1.0 };
    Wire {
        delay_ns: count * segment * 1e-6,
        energy_pj: (0.15 * switched * vdd * vdd + 0.002 * count * size * vdd) * 1e-3,
        area_um2: count * size * 0.25 + 10_000.0 * pitch,
        segment_ps: segment * 1e-3,
    }
}

fn wire_parameters(_: usize) -> Vec<Parameter> {
    vec![
        Parameter::integer("repeaters", 1, 40),
        Parameter::real("size", 1.0, 200.0),
        Parameter::ordinal("width", [1.0, 1.5, 2.0, 3.0, 4.0]),
        Parameter::ordinal("spacing", [1.0, 1.5, 2.0, 3.0, 4.0]),
        Parameter::categorical("layer", ["intermediate", "semi-global", "global"]),
        supplies(0.55, 12),
        Parameter::boolean("shielded"),
    ]
}

struct Hierarchy {
    time_ns: f64,
    energy_pj: f64,
    area_mm2: f64,
}

/// Two levels of cache before a memory: misses fall with the square root of the size, ways and lines bend that.
fn hierarchy(v: &[f64]) -> Hierarchy {
    let (size1, ways1, line) = (v[0], v[1], v[2]);
    let (size2, ways2, banks) = (v[3], v[4], v[5]);
    let (policy, vdd, prefetch) = (v[6] as usize, v[7], v[8]);
    let speed = drive(vdd, 0.35);
    let conflict = |ways: f64| 1.0 + 0.45 / ways;
    let locality = (64.0 / line).powf(0.35) + (line / 256.0).powi(2);
    let useful = 1.0 - 0.35 * (1.0 - (-0.7 * prefetch).exp());
    let pollution = 1.0 + 0.4 * prefetch / size1.sqrt();
    let misses1 = (0.05 * (32.0 / size1).sqrt() * conflict(ways1) * locality * pollution).min(1.0);
    let effective = [size2, size2 + size1, (size2 - 0.3 * size1).max(16.0)][policy];
    let misses2 = (0.35 * (512.0 / effective).powf(0.5) * conflict(ways2) * locality * useful).min(1.0);
    let access = |size: f64, ways: f64| 0.25 + 0.045 * size.sqrt() + 0.05 * ways.log2();
    let (time1, time2) =
        (access(size1, ways1) / speed, (1.2 + access(size2 / banks, ways2) + 0.12 * banks) / speed);
    let energy = |size: f64, ways: f64| {
        vdd * vdd * (2.0 + 0.6 * size.sqrt() + 0.8 * ways + 0.02 * line) * (1.0 + 0.1 * ways)
    };
    let area = 0.004 * size1 * (1.0 + 0.04 * ways1) + 0.0022 * size2 * (1.0 + 0.02 * ways2) + 0.05 * banks;
    let memory = 55.0 + 0.05 * line;
    let exchange = [0.0, 0.6, 0.1][policy];
    let traffic = misses1 * misses2 * (1.0 + 0.5 * prefetch);
    let time = time1 + misses1 * (time2 + exchange + misses2 * memory);
    Hierarchy {
        time_ns: time,
        energy_pj: energy(size1, ways1)
            + misses1 * 2.5 * energy(size2 / banks, ways2)
            + traffic * (900.0 + 10.0 * line)
            + 2.2 * area * vdd * vdd * time,
        area_mm2: area,
    }
}

fn hierarchy_parameters(_: usize) -> Vec<Parameter> {
    vec![
        Parameter::powers_of_two("l1_size", 4, 128).unit("KiB"),
        Parameter::powers_of_two("l1_ways", 1, 16),
        Parameter::powers_of_two("line", 16, 256).unit("byte"),
        Parameter::powers_of_two("l2_size", 64, 4096).unit("KiB"),
        Parameter::powers_of_two("l2_ways", 1, 16),
        Parameter::powers_of_two("l2_banks", 1, 16),
        Parameter::categorical("policy", ["inclusive", "exclusive", "neither"]),
        supplies(0.6, 11),
        Parameter::integer("prefetch", 0, 4),
    ]
}

struct Path {
    delay_ps: f64,
    energy_fj: f64,
    area: f64,
}

/// Seven gates in a row by logical effort (Sutherland, Sproull and Harris 1999): sizes of six of them, threshold by half of the path, supply.
fn path(v: &[f64]) -> Path {
    const EFFORT: [f64; 7] = [1.0, 4.0 / 3.0, 5.0 / 3.0, 1.0, 2.0, 4.0 / 3.0, 1.0];
    const PARASITIC: [f64; 7] = [1.0, 2.0, 2.0, 1.0, 4.0, 2.0, 1.0];
    /// Off-path load of each gate's output, in unit inverters.
    const BRANCH: [f64; 7] = [2.0, 0.0, 6.0, 0.0, 4.0, 0.0, 0.0];
    /// Threshold in volts and leakage, of low, standard and high threshold.
    const FLAVOUR: [(f64, f64); 3] = [(0.22, 12.0), (0.32, 1.5), (0.42, 0.2)];
    let vdd = v[6];
    let size = |k: usize| if k == 0 { 1.0 } else { v[k - 1] };
    let (mut delay, mut switched, mut leak, mut area) = (0.0, 0.0, 0.0, 0.0);
    for k in 0..7 {
        let (threshold, leakage) = FLAVOUR[v[if k < 4 { 7 } else { 8 }] as usize];
        let load = if k == 6 { 160.0 } else { EFFORT[k + 1] * size(k + 1) };
        delay += 5.0 * (PARASITIC[k] + (load + BRANCH[k]) / size(k)) / drive(vdd, threshold);
        switched += load + BRANCH[k] + PARASITIC[k] * size(k);
        leak += leakage * size(k) * vdd;
        area += EFFORT[k] * size(k);
    }
    Path { delay_ps: delay, energy_fj: 0.2 * switched * vdd * vdd + 2e-3 * leak * delay, area }
}

fn path_parameters(_: usize) -> Vec<Parameter> {
    let mut all: Vec<_> = (2..=7).map(|k| Parameter::log_real(&format!("size{k}"), 0.5, 128.0)).collect();
    all.push(supplies(0.6, 11));
    for half in ["front", "back"] {
        all.push(Parameter::categorical(&format!("threshold_{half}"), ["low", "standard", "high"]));
    }
    all
}

pub(super) fn definitions() -> Vec<Definition> {
    vec![
        Definition::new(
            "repeaters",
            "energy of a repeated wire within 1.2 ns, 60 ps a segment and 30,000 um2",
            wire_parameters,
            7,
            3,
            |v| {
                let w = wire(v);
                let g = vec![w.delay_ns / 1.2 - 1.0, w.segment_ps / 60.0 - 1.0, w.area_um2 / 30_000.0 - 1.0];
                (vec![w.energy_pj], g)
            },
        ),
        Definition::new(
            "caches",
            "access time of two caches within 40 pJ and 4 mm2",
            hierarchy_parameters,
            9,
            2,
            |v| {
                let h = hierarchy(v);
                (vec![h.time_ns], vec![h.energy_pj / 40.0 - 1.0, h.area_mm2 / 4.0 - 1.0])
            },
        ),
        Definition::new("logic-path", "energy of seven gates within 190 ps", path_parameters, 9, 2, |v| {
            let p = path(v);
            (vec![p.energy_fj], vec![p.delay_ps / 190.0 - 1.0, p.area / 250.0 - 1.0])
        }),
        Definition {
            goals: 2,
            reference: &[3.0, 2.0],
            ..Definition::new(
                "repeaters-pareto",
                "delay and energy of a repeated wire within 80 ps a segment",
                wire_parameters,
                7,
                2,
                |v| {
                    let w = wire(v);
                    (
                        vec![w.delay_ns, w.energy_pj],
                        vec![w.segment_ps / 80.0 - 1.0, w.area_um2 / 40_000.0 - 1.0],
                    )
                },
            )
        },
        Definition {
            goals: 2,
            reference: &[8.0, 150.0],
            ..Definition::new(
                "caches-pareto",
                "access time and energy of two caches within 6 mm2",
                hierarchy_parameters,
                9,
                1,
                |v| {
                    let h = hierarchy(v);
                    (vec![h.time_ns, h.energy_pj], vec![h.area_mm2 / 6.0 - 1.0])
                },
            )
        },
        Definition {
            goals: 2,
            reference: &[800.0, 400.0],
            ..Definition::new(
                "logic-path-pareto",
                "delay and energy of seven gates",
                path_parameters,
                9,
                1,
                |v| {
                    let p = path(v);
                    (vec![p.delay_ps, p.energy_fj], vec![p.area / 300.0 - 1.0])
                },
            )
        },
    ]
}
