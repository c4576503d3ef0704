//! A toy of a systolic matrix multiplier in closed form: all its constants are illustrative, none is measured.

use super::Definition;
use crate::Parameter;

/// Rows, columns and depth of six matrix products, like those of a residual network.
const LAYERS: [[f64; 3]; 6] = [
    [3136.0, 64.0, 147.0],
    [3136.0, 64.0, 576.0],
    [784.0, 128.0, 1152.0],
    [196.0, 256.0, 2304.0],
    [49.0, 512.0, 4608.0],
    [1.0, 1000.0, 2048.0],
];

fn parameters(_: usize) -> Vec<Parameter> {
    let buffer = |name| Parameter::powers_of_two(name, 16, 2048).unit("KiB");
    vec![
        Parameter::powers_of_two("rows", 4, 256),
        Parameter::powers_of_two("columns", 4, 256),
        Parameter::categorical("dataflow", ["output-stationary", "weight-stationary", "input-stationary"]),
        buffer("input_buffer"),
        buffer("weight_buffer"),
        buffer("output_buffer"),
        Parameter::powers_of_two("bandwidth", 4, 256).unit("GB/s"),
        Parameter::ordinal("frequency", [200.0, 400.0, 600.0, 800.0, 1000.0, 1200.0]).unit("MHz"),
        Parameter::ordinal("precision", [1.0, 2.0, 4.0]).unit("byte"),
        Parameter::boolean("double_buffered"),
    ]
}

struct Cost {
    time_ms: f64,
    energy_mj: f64,
    area_mm2: f64,
    power_w: f64,
}

fn cost(v: &[f64]) -> Cost {
    let (rows, columns, dataflow) = (v[0], v[1], v[2] as usize);
    let (input, weight, output) = (v[3], v[4], v[5]);
    let (bandwidth, frequency, bytes, double) = (v[6], v[7], v[8], v[9] != 0.0);
    let mac_pj = match bytes as u8 {
        1 => 0.2,
        2 => 0.6,
        _ => 2.2,
    };
    let usable = if double { 0.5 } else { 1.0 };
    let (mut seconds, mut joules) = (0.0, 0.0);
    for [m, n, k] in LAYERS {
        let (across, down, stream) = [(m, n, k), (k, n, m), (k, m, n)][dataflow];
        let (row_folds, column_folds) = ((across / rows).ceil(), (down / columns).ceil());
        let fill = if dataflow == 0 { 0.0 } else { rows };
        let cycles = row_folds * column_folds * (stream + rows + columns - 2.0 + fill);
        let (inputs, weights, outputs) =
            (m * k * bytes / 1024.0, k * n * bytes / 1024.0, m * n * 4.0 / 1024.0);
        let input_traffic = if inputs <= input * usable {
            inputs
        } else {
            let folds = if dataflow == 0 { column_folds } else { row_folds };
            inputs * folds.min((weights / (weight * usable)).ceil()).max(1.0)
        };
        let weight_traffic = if weights <= weight * usable {
            weights
        } else {
            weights * row_folds.min((inputs / (input * usable)).ceil()).max(1.0)
        };
        let output_traffic = match dataflow {
            1 if outputs > output * usable => 2.0 * row_folds * outputs,
            2 if outputs > output * usable => row_folds * outputs,
            _ => outputs,
        };
        let traffic = (input_traffic + weight_traffic + output_traffic) * 1024.0;
        let (compute, memory) = (cycles / (frequency * 1e6), traffic / (bandwidth * 1e9));
        seconds += if double { compute.max(memory) } else { compute + memory };
        let macs = m * n * k;
        joules += macs * mac_pj * (0.7 + 0.3 * frequency / 1000.0) * 1e-12
            + traffic * 8.0 * (6.0 + 40.0 / bandwidth) * 1e-12
            + macs * bytes * (0.3 * ((input + weight) / 64.0).sqrt() / rows.min(columns).max(1.0)) * 1e-12;
    }
    let cell = match bytes as u8 {
        1 => 0.0006,
        2 => 0.0013,
        _ => 0.004,
    };
    let buffers = 0.0012 * (input + weight + output) * if double { 1.15 } else { 1.0 };
    let area = rows * columns * cell + buffers + 0.02 * bandwidth + 0.3;
    let leakage = 0.01 * area * frequency / 600.0;
    Cost {
        time_ms: seconds * 1e3,
        energy_mj: joules * 1e3 + leakage * seconds * 1e3,
        area_mm2: area,
        power_w: joules / seconds + leakage,
    }
}

pub(super) fn definitions() -> Vec<Definition> {
    vec![
        Definition {
            name: "gemm-energy-delay",
            summary: "log energy-delay product of a toy matrix multiplier within 12 mm2 and 3 W",
            parameters,
            dimensions: (10, 10, 10),
            goals: 1,
            constraints: 2,
            function: |v| {
                let cost = cost(v);
                (
                    vec![(cost.time_ms * cost.energy_mj).log10()],
                    vec![cost.area_mm2 / 12.0 - 1.0, cost.power_w / 3.0 - 1.0],
                )
            },
            reference: &[],
            best_known: |_| None,
        },
        Definition {
            name: "gemm-pareto",
            summary: "log time, energy and area of a toy matrix multiplier within 5 W",
            parameters,
            dimensions: (10, 10, 10),
            goals: 3,
            constraints: 1,
            function: |v| {
                let cost = cost(v);
                (
                    vec![cost.time_ms.log10(), cost.energy_mj.log10(), cost.area_mm2.log10()],
                    vec![cost.power_w / 5.0 - 1.0],
                )
            },
            reference: &[3.0, 3.0, 3.0],
            best_known: |_| None,
        },
    ]
}
