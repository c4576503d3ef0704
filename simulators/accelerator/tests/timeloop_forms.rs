//! The forms of Timeloop's YAML: variables, expressions, hierarchical merges and short constraints of v0.4, attributes that change
//! numbers, and energies with and without tables.
use hwgym_accelerator::Error;
use hwgym_accelerator::timeloop::{Report, Specification};

const PROBLEM: &str = "\
problem:
  instance: {C: 4, M: 2, P: channels * 3 // 4}
  shape:
    name: gemm
    dimensions: [C, M, P]
    data_spaces:
    - {name: Weights, projection: [[[C]], [[M]]]}
    - {name: Inputs, projection: [[[C]], [[P]]]}
    - {name: Outputs, projection: [[[M]], [[P]]], read_write: true}
variables:
  version: 0.4
  channels: 4
  columns: 2 * rows
  rows: 1
  technology: 45nm
";
const ARCH: &str = "\
architecture:
  version: 0.4
  nodes:
  - !Container {name: system, attributes: {word: 16, datawidth: word}}
  - !Component {name: DRAM, class: DRAM, attributes: {width: 4 * word}}
  - !Component
    name: glb
    class: smartbuffer_SRAM
    attributes: {depth: ceil(1000 / columns), width: 'word * max(rows, columns)', read_bandwidth: columns}
    constraints: {dataspace: {keep_only: [Inputs, Outputs]}}
  - !Container {name: unused, enabled: false, spatial: {meshX: 5}}
  - !Container
    name: column
    spatial: {meshX: columns}
    constraints: {spatial: {factors_only: [M<=2]}}
  - !Component
    name: registers
    class: storage
    subclass: regfile
    attributes: {depth: 8, width: datawidth}
    constraints: {temporal: {no_iteration_over_dataspaces: [Outputs], default_max_factor: 2}}
  - !Component {name: mac, class: intmac, spatial: {meshY: rows * 2}}
";

fn read(texts: &[&str]) -> Result<Specification, Error> {
    let names = ["a.yaml", "b.yaml", "c.yaml", "d.yaml"];
    Specification::from_texts(&names.into_iter().zip(texts.iter().copied()).collect::<Vec<_>>())
}

fn report(specification: &Specification) -> Report {
    specification.model().unwrap().report(&specification.mapping.unwrap()).unwrap()
}

#[test]
fn variables_and_expressions_are_evaluated() {
    let spec = read(&[PROBLEM, ARCH]).unwrap();
    assert_eq!(spec.problem.bounds, [4, 2, 3]);
    let names: Vec<&str> = spec.architecture.levels.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["registers", "glb", "DRAM"]);
    let glb = &spec.architecture.levels[1];
    assert_eq!((glb.block_size, glb.size_words, glb.read_bandwidth), (2, Some(1000), Some(2.0)));
    assert_eq!(spec.architecture.levels[2].block_size, 4);
    assert_eq!((spec.architecture.fanout(1), spec.architecture.fanout(0)), ((2, 1), (1, 2)));
    for (from, to, why) in [
        ("meshX: columns", "meshX: colums", "did you mean \"columns\""),
        ("meshX: columns", "meshX: columns - 2", "meshX 0"),
        ("meshX: columns", "meshX: columns / 4", "= 0.5 is not a whole number"),
        ("width: 'word *", "width: 'width *", "no variable or attribute is called \"width\""),
    ] {
        let error = read(&[PROBLEM, &ARCH.replace(from, to)]).unwrap_err().to_string();
        assert!(error.contains(why) && error.starts_with("b.yaml:"), "{to}: {error}");
    }
}

#[test]
fn short_constraints_stand_for_long_ones() {
    let spec = read(&[PROBLEM, ARCH]).unwrap();
    let limits = spec.constraints.compile(&spec.architecture, &spec.problem).unwrap();
    assert_eq!((limits.keep[1], limits.bypass[1]), (0b110, 0b001));
    assert_eq!(limits.spatial[1].most[..3], [1, 2, 1]);
    // Outputs do not depend on C alone.
    assert_eq!(limits.temporal[0].most[..3], [2, 1, 1]);
    let more = "mapspace_constraints_2:\n  targets:\n  - {target: glb, type: temporal, must_iterate_over_dataspaces: [Weights]}\n";
    let spec = read(&[PROBLEM, ARCH, more]).unwrap();
    let limits = spec.constraints.compile(&spec.architecture, &spec.problem).unwrap();
    assert_eq!(limits.temporal[1].most[..3], [4, 2, 1]);
    for (text, why) in [
        ("factors_onyl: [M=1]", "did you mean \"factors_only\""),
        ("maximize_dims: [[M]]", "not modelled"),
        ("no_reuse: [Weights]", "not modelled"),
    ] {
        let text = format!("constraints:\n  targets:\n  - {{target: glb, type: temporal, {text}}}\n");
        let error = read(&[PROBLEM, ARCH, &text]).unwrap_err().to_string();
        assert!(error.contains(why) && error.starts_with("c.yaml:3:"), "{error}");
    }
}

#[test]
fn merges_are_flat_or_hierarchical() {
    let arch = "\
storage: &storage
  class: smartbuffer_SRAM
  attributes: {depth: 64, width: 32, datawidth: 16}
  constraints: {dataspace: {keep: [Inputs]}, temporal: {factors: [C=1]}}
architecture:
  version: 0.4
  nodes:
  - !Component {name: DRAM, class: DRAM, attributes: {width: 64, datawidth: 16}}
  - !Component
    <<<: *storage
    name: outer
    attributes: {depth: 128}
    constraints: {dataspace: {keep: [Outputs]}, temporal: {factors: !nomerge [P=1]}}
  - !Component
    name: inner
    <<: *storage
    attributes: {depth: 32, datawidth: 16}
  - !Component {name: mac, class: mac}
";
    let spec = read(&[PROBLEM, arch]).unwrap();
    let sizes: Vec<_> = spec.architecture.levels.iter().map(|l| (l.block_size, l.size_words)).collect();
    assert_eq!(sizes[..2], [(1, Some(32)), (2, Some(256))]);
    let limits = spec.constraints.compile(&spec.architecture, &spec.problem).unwrap();
    assert_eq!((limits.keep[1], limits.keep[0]), (0b110, 0b010));
    assert_eq!(limits.temporal[1].most[..3], [4, 2, 1]);
    assert_eq!(limits.temporal[0].most[..3], [1, 2, 3]);
    let error = read(&[PROBLEM, "a: {<<<: [1, 2]}\n"]).unwrap_err().to_string();
    assert!(error.contains("merges mappings only"), "{error}");
}

const FLAT: &str = "\
architecture:
  version: 0.3
  subtree:
  - name: system
    local:
    - {name: DRAM, class: DRAM, attributes: {width: 64, word_bits: 16}}
    - {name: 'buf[0..3]', class: SRAM, attributes: {width: 32, word_bits: 16, depth: 64, cluster_size: 2, meshX: 4}}
    - {name: 'mac[0..3]', class: intmac, attributes: {datawidth: 16, meshX: 4}}
";
const MAPPING: &str = "\
mapping:
- {target: DRAM, type: temporal, factors: C=1 M=2 P=3, permutation: CMP}
- {target: DRAM, type: spatial, factors: C=4 M=1 P=1, permutation: CMP, split: 3}
";
const TABLES: &str = "\
ERT:
  version: 0.4
  tables:
  - name: system.DRAM
    actions: [{name: read, energy: 100}, {name: write, energy: 100}]
  - name: system.buf[0..3]
    actions: [{name: read, energy: 2}, {name: random_read, energy: 3}, {name: write, energy: 5}, {name: update, energy: 7}, {name: leak, energy: 0.5}]
  - name: system.mac[0..3]
    actions: [{name: compute, energy: 1}, {name: leak, energy: 9}]
";

/// Instances in use are spread over the clusters, and an access of a cluster serves all of its instances.
#[test]
fn clusters_share_their_accesses_and_their_depth() {
    let spec = read(&[PROBLEM, FLAT, MAPPING, TABLES]).unwrap();
    let buf = &spec.architecture.levels[0];
    assert_eq!((buf.block_size, buf.cluster_size, buf.size_words), (1, 2, Some(64)));
    assert_eq!((buf.energy.read_pj, buf.energy.fill_pj, buf.energy.update_pj), (3.0, 5.0, 7.0));
    let report = report(&spec);
    let weights = &report.levels[1].dataspaces["Weights"];
    assert_eq!((report.levels[1].utilized_instances, weights.reads, weights.fills), (4, 6, 6));
    // Two clusters, not four instances.
    assert_eq!(weights.energy_pj, 2.0 * (6.0 * 3.0 + 6.0 * 5.0));
    // Every instance leaks; the arithmetic's leakage is in no total of the reference.
    assert_eq!(report.leakage_energy_pj, 0.5 * 4.0 * report.cycles as f64);
    let single =
        read(&[PROBLEM, &FLAT.replace("cluster_size: 2", "cluster_size: 1"), MAPPING, TABLES]).unwrap();
    assert_eq!(single.architecture.levels[0].block_size, 2);
    let error =
        read(&[PROBLEM, &FLAT.replace("cluster_size: 2", "block_size: 2, cluster_size: 2")]).unwrap_err();
    assert!(error.to_string().contains("leave out one"), "{error}");
    let error =
        read(&[PROBLEM, &FLAT.replace("width: 32", "width: 48").replace("e: 2", "e: 3")]).unwrap_err();
    assert!(error.to_string().contains("clusters of 3"), "{error}");
}

#[test]
fn networks_take_time_to_fill_and_to_drain() {
    let plain = report(&read(&[PROBLEM, FLAT, MAPPING, TABLES]).unwrap());
    let slow =
        FLAT.replace("cluster_size: 2", "cluster_size: 2, network_fill_latency: 5, network_drain_latency: 7");
    let slow = report(&read(&[PROBLEM, &slow, MAPPING, TABLES]).unwrap());
    assert_eq!(slow.cycles, plain.cycles + 12);
    assert_eq!(slow.energy_pj, plain.energy_pj);
    assert_eq!(slow.levels[1].cycles, plain.levels[1].cycles);
}

#[test]
fn attributes_that_are_not_modelled_are_refused() {
    for attribute in [
        "router_energy: 0.5",
        "energy-per-ingress: 1",
        "network_read: noc",
        "power_gated_at: DRAM",
        "allow_overbooking: true",
        "reduction_supported: false",
        "per_dataspace_bandwidth_consumption_scale: {Inputs: 2}",
    ] {
        let text = FLAT.replace("cluster_size: 2", &format!("cluster_size: 2, {attribute}"));
        let error = read(&[PROBLEM, &text]).unwrap_err().to_string();
        assert!(error.contains("is not modelled") && error.contains("b.yaml:7:"), "{error}");
    }
}

/// Without tables, components are estimated by class and technology; with them, the rest is the public technology model.
#[test]
fn energies_without_tables_come_from_the_class() {
    let spec = |arch: &str, more: &str| read(&[PROBLEM, arch, more]).unwrap().architecture;
    let here = spec(FLAT, "a: 1");
    let small =
        spec(&FLAT.replace("name: system", "name: system\n    attributes: {technology: 22nm}"), "a: 1");
    assert!(here.levels[0].area_um2 > small.levels[0].area_um2 && small.levels[0].area_um2 > 0.0);
    assert!(here.arithmetic.compute_pj > small.arithmetic.compute_pj && small.arithmetic.compute_pj > 0.0);
    assert_eq!(here.levels[1].energy.read_pj, 64.0 * 8.0);
    assert_eq!(
        spec(&FLAT.replace("class: DRAM, attributes: {", "class: DRAM, attributes: {type: HBM2, "), "a: 1")
            .levels[1]
            .energy
            .read_pj,
        64.0 * 3.9
    );
    let registers = spec(&FLAT.replace("class: SRAM", "class: regfile"), "a: 1");
    assert_ne!(registers.levels[0].energy, here.levels[0].energy);
    // A table that leaves the buffer out.
    let tables = TABLES.replace("system.buf", "system.other");
    let public = spec(FLAT, &tables);
    let kb = 64.0 * 32.0 / 8.0 / 1024.0;
    let expected = (1.0 + 5.0 / 99.5 * (kb - 0.5)) * 2.0 / 2.0;
    assert!((public.levels[0].energy.read_pj - expected).abs() < 1e-12);
    assert_eq!(public.area_um2(), 0.0);
}

/// The front end writes `mapping: []` where no mapping was given.
#[test]
fn an_empty_mapping_is_no_mapping() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let (arch, problem) = (read("eyeriss168/arch.yaml"), read("problems/resnet18_l1.yaml"));
    let texts =
        [("arch.yaml", arch.as_str()), ("problem.yaml", &problem), ("map.yaml", "\u{feff}mapping: []\n")];
    let specification = hwgym_accelerator::timeloop::Specification::from_texts(&texts).unwrap();
    assert_eq!(specification.mapping, None);
}

/// The list form of before version 0.3, as CoSA's architectures have it: the same levels as in a hierarchy.
const LIST: &str = "arch:
  arithmetic:
    instances: 16
    word-bits: 8
  storage:
  - {name: Registers, entries: 16, instances: 16, word-bits: 8}
  - {name: Point, entries: 0, instances: 4, word-bits: 8}
  - {name: Global, sizeKB: 64, instances: 1, word-bits: 8, block-size: 8}
  - {name: DRAM, technology: DRAM, instances: 1, word-bits: 8, block-size: 64, bandwidth: 20.0}
";

#[test]
fn the_list_form_and_memories_without_entries_are_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let problem = std::fs::read_to_string(folder.join("problems/resnet18_l1.yaml")).unwrap();
    let texts = [("arch.yaml", LIST), ("problem.yaml", problem.as_str())];
    let specification = hwgym_accelerator::timeloop::Specification::from_texts(&texts).unwrap();
    let levels = &specification.architecture.levels;
    let names: Vec<&str> = levels.iter().map(|level| level.name.as_str()).collect();
    assert_eq!(names, ["Registers", "Point", "Global", "DRAM"]);
    assert_eq!((levels[0].size_words, levels[0].instances), (Some(16), 16));
    assert_eq!((levels[2].size_words, levels[3].size_words), (Some(65_536), None));
    assert_eq!(levels[3].read_bandwidth, Some(10.0));
    assert_eq!((specification.architecture.arithmetic.instances, levels[1].instances), (16, 4));
    // Nothing is kept at the fan-out point, in time neither.
    let mapper = hwgym_accelerator::mapper::Mapper::Evolutionary { evaluations: 300, seed: 1 };
    let goal = hwgym_accelerator::mapper::Goal::Energy;
    let model = specification.model().unwrap();
    let mapped =
        hwgym_accelerator::mapper::map_model(&model, &specification.constraints, goal, mapper).unwrap();
    let point = &mapped.report.levels.iter().find(|level| level.name == "Point").unwrap();
    assert!(point.dataspaces.values().all(|space| space.reads == 0 && space.fills == 0));
}
