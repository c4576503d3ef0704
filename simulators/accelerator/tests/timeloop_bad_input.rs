//! What the reader says to wrong specifications: file, line, what is wrong and the remedy.
use hwgym_accelerator::Error;
use hwgym_accelerator::timeloop::Specification;

const ARCH: &str = "\
architecture:
  version: 0.3
  subtree:
  - name: system
    local:
    - name: DRAM
      class: DRAM
      attributes: {width: 64, word_bits: 16}
    - name: buf
      class: SRAM
      attributes: {width: 16, word_bits: 16, depth: 64, read_bandwidth: 2}
    - name: mac[0..3]
      class: intmac
      attributes: {datawidth: 16, meshX: 4}
";
const PROBLEM: &str = "\
problem:
  instance: {C: 4, M: 2, P: 3}
  shape:
    name: gemm
    dimensions: [C, M, P]
    data_spaces:
    - {name: Weights, projection: [[[C]], [[M]]]}
    - {name: Inputs, projection: [[[C]], [[P]]]}
    - {name: Outputs, projection: [[[M]], [[P]]], read_write: true}
";
const MAPPING: &str = "\
mapping:
- target: DRAM
  type: temporal
  factors: C=1 M=2 P=1
  permutation: CMP
- target: buf
  type: temporal
  factors: C=1 M=1 P=3
  permutation: PMC
- target: buf
  type: spatial
  factors: C=4 M=1 P=1
  permutation: CMP
  split: 3
";

fn read(arch: &str, problem: &str, mapping: &str) -> Result<Specification, Error> {
    Specification::from_texts(&[("arch.yaml", arch), ("problem.yaml", problem), ("mapping.yaml", mapping)])
}

/// The error of a specification where `from` is replaced by `to`, which must be in `file` at `line` and hold all `words`.
fn wrong(from: &str, to: &str, file: &str, line: usize, words: &[&str]) {
    let change = |text: &str| text.replacen(from, to, 1);
    assert!([ARCH, PROBLEM, MAPPING].iter().any(|t| t.contains(from)), "{from}");
    let error = read(&change(ARCH), &change(PROBLEM), &change(MAPPING)).expect_err(to);
    let text = error.to_string();
    assert!(text.contains(&format!("{file}:{line}:")), "{from} -> {to}: {text}");
    for word in words {
        assert!(text.contains(word), "{from} -> {to}: {text} lacks {word}");
    }
    assert!(text.contains("remedy: "), "{text}");
}

#[test]
fn the_unchanged_specification_is_fine() {
    let spec = read(ARCH, PROBLEM, MAPPING).unwrap();
    let report = spec.model().unwrap().report(&spec.mapping.unwrap()).unwrap();
    assert_eq!((report.cycles, report.macs, report.violations.len()), (24, 24, 0));
}

#[test]
fn architecture() {
    wrong("class: SRAM", "class: SRAMM", "arch.yaml", 10, &["unknown class \"SRAMM\"", "SRAM"]);
    wrong("mac[0..3]", "mac[3..0]", "arch.yaml", 12, &["index range"]);
    wrong("read_bandwidth: 2", "read_bandwidth: 0", "arch.yaml", 11, &["read_bandwidth 0", "positive"]);
    wrong("depth: 64, ", "", "arch.yaml", 9, &["has no size"]);
    wrong("meshX: 4", "meshX: 3", "arch.yaml", 12, &["do not divide"]);
    wrong("meshX: 4", "meshX: 0", "arch.yaml", 12, &["meshX"]);
    wrong("word_bits: 16, depth", "word_bits: 0, depth", "arch.yaml", 11, &["word_bits 0"]);
    wrong("width: 16, word_bits", "width: 16 / 3, word_bits", "arch.yaml", 11, &["not a whole number"]);
    wrong("width: 16, word_bits", "width: 16 * lanes, word_bits", "arch.yaml", 11, &["called \"lanes\""]);
    wrong("class: intmac", "class: SRAM", "arch.yaml", 12, &["no size"]);
    wrong("local:", "locals:", "arch.yaml", 2, &["arithmetic"]);
    wrong(
        "attributes: {datawidth: 16, meshX: 4}",
        "attributes: {datawidth: 16, instances: 0}",
        "arch.yaml",
        12,
        &["instances"],
    );
}

#[test]
fn problem() {
    wrong("C: 4", "C: 0", "problem.yaml", 2, &["C has the bound 0"]);
    wrong("C: 4, ", "", "problem.yaml", 2, &["bound of dimension C is missing"]);
    wrong("[[[C]], [[P]]]", "[[[C]], [[X]]]", "problem.yaml", 8, &["\"X\"", "no dimension"]);
    wrong("read_write: true", "read_write: false", "problem.yaml", 2, &["exactly one"]);
    wrong(
        "dimensions: [C, M, P]",
        "dimension: [C, M, P]",
        "problem.yaml",
        4,
        &["\"dimensions\" is missing", "did you mean \"dimension\""],
    );
    wrong("C: 4", "C: 99999999999", "problem.yaml", 2, &["99999999999"]);
    wrong("read_write: true", "read_write: maybe", "problem.yaml", 9, &["neither true nor false"]);
}

#[test]
fn mapping() {
    wrong(
        "factors: C=4 M=1",
        "factors: C=3 M=1",
        "mapping.yaml",
        2,
        &["dimension C multiply to 3", "bound is 4"],
    );
    wrong("target: buf", "target: bug", "mapping.yaml", 6, &["\"bug\"", "did you mean \"buf\""]);
    wrong("permutation: PMC", "permutation: PM", "mapping.yaml", 9, &["lacks C"]);
    wrong("permutation: PMC", "permutation: PMCC", "mapping.yaml", 9, &["appears twice"]);
    wrong("permutation: PMC", "permutation: PMX", "mapping.yaml", 9, &["unknown dimension \"X\""]);
    wrong("type: spatial", "type: spacial", "mapping.yaml", 11, &["did you mean \"spatial\""]);
    wrong("P=3", "P=3,2", "mapping.yaml", 8, &["imperfect"]);
    wrong("C=1 M=2 P=1", "C=0 M=2 P=1", "mapping.yaml", 4, &["exactly"]);
    wrong(
        "- target: DRAM",
        "- target: DRAM\n  type: bypass\n  bypass: [Inputs]\n- target: DRAM",
        "mapping.yaml",
        2,
        &["outermost"],
    );
    wrong("mapping:\n", "mapping:\n- [\n", "mapping.yaml", 3, &[]);
}

#[test]
fn a_mapping_that_does_not_fit_is_reported_with_its_amount() {
    let arch = ARCH
        .replace("depth: 64", "depth: 6")
        .replace("mac[0..3]", "mac[0..1]")
        .replace("meshX: 4", "meshX: 2");
    let spec = read(&arch, PROBLEM, MAPPING).unwrap();
    let report = spec.model().unwrap().report(&spec.mapping.unwrap()).unwrap();
    let found: Vec<_> = report.violations.iter().map(|v| (v.constraint, v.amount)).collect();
    assert_eq!(found, [("mesh_x", 2), ("capacity", 13)]);
    assert!(report.violations[1].to_string().contains("buf: 19 words do not fit 6 (13 too many)"));
}

#[test]
fn anchors_and_merges_are_followed() {
    let arch = ARCH
        .replace("attributes: {width: 64, word_bits: 16}", "attributes: &a {width: 64, word_bits: 16}")
        .replace(
            "{width: 16, word_bits: 16, depth: 64, read_bandwidth: 2}",
            "{<<: *a, width: 16, depth: 64}",
        );
    let spec = read(&arch, PROBLEM, MAPPING).unwrap();
    assert_eq!(spec.architecture.levels[0].word_bits, 16);
    assert_eq!(spec.architecture.levels[0].size_words, Some(64));
}

#[test]
fn hostile_texts_end_in_an_error() {
    let deep = "[".repeat(100_000);
    let bomb = format!(
        "a: &a [x, x]\n{}architecture: *z\n",
        ('b'..='z').zip('a'..).map(|(k, v)| format!("{k}: &{k} [*{v}, *{v}]\n")).collect::<String>()
    );
    let large = format!("problem: {}", "x ".repeat(60_000_000));
    for text in [
        deep.as_str(),
        bomb.as_str(),
        large.as_str(),
        "\u{0}\u{1}",
        "a: b: c",
        "? [1]: 2",
        "&a [*a]",
        "<<: 3",
    ] {
        let error = Specification::from_texts(&[("hostile.yaml", text)]).unwrap_err().to_string();
        assert!(error.len() < 2000, "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.yaml");
    std::fs::write(&path, &large).unwrap();
    let error = Specification::from_files(&[&path]).unwrap_err().to_string();
    assert!(error.contains("large.yaml:1:1: the file has 120000009 bytes"), "{error}");
    assert!(matches!(Specification::from_files(&[folder.path().join("none.yaml")]), Err(Error::File { .. })));
}

#[test]
fn contradicting_constraints_are_named() {
    let constraints = "\
constraints:
  targets:
  - {target: buf, type: temporal, factors: C=2 M=1}
  - {target: buf, type: temporal, factors: C=4}
";
    let read = |text: &str| {
        Specification::from_texts(&[("arch.yaml", ARCH), ("problem.yaml", PROBLEM), ("c.yaml", text)])
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    let error = read(constraints);
    assert!(error.contains("c.yaml:4:") && error.contains("contradict"), "{error}");
    let error = read(&constraints.replace("C=4", "C=3"));
    assert!(error.contains("does not divide the bound 4"), "{error}");
    let error = read(&constraints.replace("target: buf", "target: buffer"));
    assert!(
        error.contains("no storage level \"buffer\"") && error.contains("did you mean \"buf\""),
        "{error}"
    );
    let error = read("constraints:\n- {target: DRAM, type: bypass, bypass: [Weights]}\n");
    assert!(error.contains("outermost level"), "{error}");
}

#[test]
fn hierarchies_of_tagged_nodes_are_read() {
    let arch = "\
architecture:
  version: 0.4
  nodes:
  - !Container {name: system}
  - !Component {name: DRAM, class: DRAM, attributes: {width: 64, datawidth: 16}}
  - !Container {name: chip, attributes: {datawidth: 16}}
  - !Component
    name: glb
    class: smartbuffer_SRAM
    attributes: {depth: 1024, width: 64}
    constraints: {dataspace: {keep: [Inputs, Outputs], bypass: [Weights]}}
  - !Container
    name: column
    spatial: {meshX: 2}
    constraints: {spatial: {permutation: [C, P, M], factors: [C=1, P=1], split: 999}}
  - !Container
    name: PE
    spatial: {meshY: 2}
    constraints: {spatial: {permutation: [M, P, C], factors: [M=1, P=1], split: 0}}
  - !Parallel
    nodes:
    - !Component {name: weights, class: smartbuffer_RF, attributes: {depth: 8, width: 16}, constraints: {dataspace: {keep: [Weights]}}}
    - !Component {name: psums, class: smartbuffer_RF, attributes: {depth: 8, width: 16}, constraints: {dataspace: {keep: [Outputs]}}}
  - !Component {name: mac, class: intmac, attributes: {datawidth: 16}}
";
    let spec = Specification::from_texts(&[("arch.yaml", arch), ("problem.yaml", PROBLEM)]).unwrap();
    let names: Vec<&str> = spec.architecture.levels.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["psums", "weights", "inter_PE_spatial", "glb", "DRAM"]);
    assert_eq!(spec.architecture.arithmetic.instances, 4);
    let limits = spec.constraints.compile(&spec.architecture, &spec.problem).unwrap();
    // glb fans out to columns along X over M only, a column to its elements along Y over C only.
    assert_eq!((spec.architecture.fanout(3), spec.architecture.fanout(2)), ((2, 1), (1, 2)));
    assert_eq!(limits.spatial[3].most[..3], [1, 2, 1]);
    assert_eq!(limits.spatial[2].most[..3], [2, 1, 1]);
    // Nothing is stored or looped over between the two, and a component keeps what it names and no more.
    assert_eq!(
        (limits.keep[2], limits.bypass[2], limits.temporal[2].most[..3].to_vec()),
        (0, 7, vec![1, 1, 1])
    );
    assert_eq!((limits.bypass[0], limits.bypass[1]), (3, 6));

    // A mapping names a fan-out by its container, or as Timeloop writes it.
    let mapping = |columns: &str, elements: &str| {
        format!(
            "mapping:
- {{target: glb, type: temporal, factors: C=2 M=1 P=3, permutation: CMP}}
- {{target: {columns}, type: spatial, factors: C=1 M=2 P=1, permutation: CMP, split: 3}}
- {{target: inter_PE_spatial, type: temporal, factors: C=1 M=1 P=1, permutation: CMP}}
- {{target: inter_PE_spatial, type: bypass, bypass: [Weights, Inputs, Outputs]}}
- {{target: {elements}, type: spatial, factors: C=2 M=1 P=1, permutation: CMP, split: 0}}
- {{target: weights, type: bypass, keep: [Weights], bypass: [Inputs, Outputs]}}
- {{target: psums, type: bypass, keep: [Outputs], bypass: [Weights, Inputs]}}
- {{target: glb, type: bypass, bypass: [Weights]}}
"
        )
    };
    let nest = |mapping: &str| {
        let texts = [("arch.yaml", arch), ("problem.yaml", PROBLEM), ("mapping.yaml", mapping)];
        Specification::from_texts(&texts).map(|spec| (spec.mapping.unwrap(), spec))
    };
    let (by_container, spec) = nest(&mapping("column", "PE")).unwrap();
    let (by_level, _) = nest(&mapping("inter_column_spatial", "inter_PE_spatial")).unwrap();
    assert_eq!(by_container, by_level);
    assert_eq!((by_container.spatial[3][1], by_container.spatial[2][0], by_container.keep[2]), (2, 2, 0));
    let report = spec.model().unwrap().report(&by_container).unwrap();
    assert_eq!((report.cycles, report.violations.len()), (6, 0));
    let error = nest(
        &mapping("column", "PE")
            .replace("inter_PE_spatial, type: temporal, factors: C=1", "PE, type: temporal, factors: C=2"),
    )
    .unwrap_err();
    assert!(error.to_string().contains("a fan-out has no loops in time"), "{error}");
}

#[test]
fn a_null_is_the_same_as_no_key() {
    let arch = ARCH.replace("depth: 64,", "depth: 64, write_bandwidth: null, entries: ~, power_gated_at:,");
    assert_eq!(read(&arch, PROBLEM, MAPPING).unwrap(), read(ARCH, PROBLEM, MAPPING).unwrap());
}

#[test]
fn classes_that_the_files_define_are_known() {
    let compound = "compound_components:\n  classes:\n  - {name: my_buffer}\n  - {name: my_mac}\n";
    // Large enough to be estimated as SRAM, whatever the name.
    let plain = ARCH.replace("depth: 64", "depth: 65");
    let arch = plain.replace("class: SRAM", "class: my_buffer").replace("class: intmac", "class: my_mac");
    assert!(read(&arch, PROBLEM, MAPPING).unwrap_err().to_string().contains("unknown class \"my_buffer\""));
    assert_eq!(
        read(&format!("{arch}{compound}"), PROBLEM, MAPPING).unwrap(),
        read(&plain, PROBLEM, MAPPING).unwrap()
    );
}

#[test]
fn what_is_not_modelled_is_refused() {
    let read = |text: &str| {
        let texts =
            [("arch.yaml", ARCH), ("problem.yaml", PROBLEM), ("mapping.yaml", MAPPING), ("s.yaml", text)];
        Specification::from_texts(&texts)
    };
    let error = read("sparse_optimizations:\n  targets:\n  - {name: buf}\n").unwrap_err().to_string();
    assert!(error.contains("s.yaml:2:") && error.contains("not modelled"), "{error}");
    assert!(read("sparse_optimizations: {targets: []}\n").is_ok());
    let error = read("a: 1\n{% if x %}\n").unwrap_err().to_string();
    assert!(error.contains("looks like a template"), "{error}");
    let error = read("architecture: {{include(problem)}}\n").unwrap_err().to_string();
    assert!(error.contains("s.yaml:1:16:") && error.contains("give the rendered file"), "{error}");
}

#[test]
fn shapes_can_be_named() {
    for (shape, dims) in [
        ("{shape: cnn_layer, R: 3, S: 3, P: 4, Q: 4, C: 2, K: 2, N: 1}", "RSPQCKN"),
        ("{shape: cnn-layer, R: 3, S: 3, P: 4, Q: 4, C: 2, M: 2, N: 1}", "RSPQCMN"),
        ("{R: 3, S: 3, P: 4, Q: 4, C: 2, K: 2, N: 1, Wstride: 2}", "RSPQCKN"),
        ("{shape: gemm_ABZ, instance: {M: 2, N: 3, K: 4}}", "MNK"),
    ] {
        let text = format!("problem: {shape}");
        let spec =
            Specification::from_texts(&[("arch.yaml", ARCH), ("problem.yaml", text.as_str())]).unwrap();
        assert_eq!(spec.problem.dims.concat(), dims);
    }
}
