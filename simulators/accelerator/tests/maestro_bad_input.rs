//! Mistakes in a mapping are reported at their place, and mappings that make no sense are refused with a reason.
use hwgym_accelerator::{
    Error,
    maestro::{Dim, Directive, Evaluator, Hardware, Layer, LayerKind, MappingFile, Rejection},
};

const HEAD: &str = "Network net {\nLayer one {\nType: CONV\nStride { X: 1, Y: 1 }\n\
                    Dimensions { K: 8, C: 4, R: 3, S: 3, Y: 10, X: 10 }\nDataflow {\n";

/// The message for a dataflow, whose first line is line 7.
fn dataflow_error(dataflow: &str) -> String {
    MappingFile::parse("bad.m", &format!("{HEAD}{dataflow}\n}}\n}}\n}}\n")).unwrap_err().to_string()
}

fn text_error(text: &str) -> String {
    MappingFile::parse("bad.m", text).unwrap_err().to_string()
}

#[test]
fn mistakes_are_reported_at_their_place() {
    let cases = [
        ("SpatialMap(1,1) K;\nTemporalMpa(1,1) C;", "bad.m:8:1", "did you mean \"TemporalMap\"?"),
        ("SpatialMap(1,1) Q;", "bad.m:7:17", "unknown dimension \"Q\""),
        ("SpatialMap(0,1) K;", "bad.m:7:12", "0 is out of range"),
        ("SpatialMap(1,99999999999) K;", "bad.m:7:14", "out of range"),
        ("SpatialMap(1,one) K;", "bad.m:7:14", "\"one\" stands where a number"),
        ("SpatialMap(Sz(G),1) K;", "bad.m:7:15", "does not list"),
        ("SpatialMap(1,1) K;\n  TemporalMap(2,2) R;", "bad.m:8:3", "splits dimension R"),
        ("SpatialMap(1,1) K;\nCluster(0,P);", "bad.m:8:9", "out of range"),
        ("SpatialMap(1,1) K; @", "bad.m:7:20", "has no meaning"),
        ("", "bad.m:6:1", "the dataflow is empty"),
    ];
    for (dataflow, place, words) in cases {
        let message = dataflow_error(dataflow);
        assert!(message.starts_with(place) && message.contains(words), "{dataflow}: {message}");
    }
}

#[test]
fn mistakes_around_the_dataflow_are_reported_too() {
    let cases = [
        ("", "bad.m:1:1", "\"Network\""),
        ("Netwrok n {}", "bad.m:1:1", "starts with"),
        ("Network n {", "bad.m:1:12", "the text ends"),
        ("Network n { }", "bad.m:1:1", "no layer"),
        ("Network n { Layer a { Type: CONVV } }", "bad.m:1:29", "did you mean \"CONV\"?"),
        ("Network n { Layer a { Dimensions { K: 1 } } }", "bad.m:1:23", "precede the layer type"),
        ("Network n { Layer a { Type: CONV Dimensions { K: 1, K: 2 } } }", "bad.m:1:53", "twice"),
        (
            "Network n { Layer a { Type: CONV Dimensions { K: 1 } } }",
            "bad.m:1:34",
            "does not list dimension C",
        ),
        ("Network n { Layer a { Type: CONV Stride { K: 2 } } }", "bad.m:1:43", "no meaning"),
        ("Network n { Layer a { Type: CONV } }", "bad.m:1:19", "has no Dimensions"),
        ("Network n { Layer a { Typo: CONV } }", "bad.m:1:23", "did you mean \"Type\"?"),
    ];
    for (text, place, words) in cases {
        let message = text_error(text);
        assert!(message.starts_with(place) && message.contains(words), "{text}: {message}");
    }
}

#[test]
fn a_huge_text_is_refused_before_it_is_read() {
    let message = text_error(&" ".repeat(17 << 20));
    assert!(message.contains("too long"), "{message}");
}

#[test]
fn constants_comments_and_arrows_are_understood() {
    let text = "Constant TILE 2 // two\nNetwork n {\nLayer a {\nType: GEMM // a product\n\
                Dimensions { M: 4, N: 8, K: 6 }\nDataflow {\nSpatialMap(TILE,TILE) M; TemporalMap(1,1)->N; }\n}\n}";
    let file = MappingFile::parse("good.m", text).unwrap();
    assert_eq!(
        file.layers[0].directives,
        [
            Directive::SpatialMap { size: 2, offset: 2, dim: Dim::M },
            Directive::TemporalMap { size: 1, offset: 1, dim: Dim::N },
        ]
    );
    assert_eq!(file.layers[0].layer.macs(), 4 * 8 * 6);
}

#[test]
fn what_is_written_reads_back() {
    let directives = [
        Directive::SpatialMap { size: 1, offset: 1, dim: Dim::K },
        Directive::TemporalMap { size: 3, offset: 1, dim: Dim::OutY },
        Directive::TemporalMap { size: 3, offset: 3, dim: Dim::R },
        Directive::Cluster { size: 4 },
        Directive::SpatialMap { size: 2, offset: 2, dim: Dim::C },
    ];
    let text: String = directives.iter().map(|directive| format!("{directive}\n")).collect();
    let file = MappingFile::parse("again.m", &format!("{HEAD}{text}\n}}\n}}\n}}\n")).unwrap();
    assert_eq!(file.layers[0].directives, directives);
}

fn layer() -> Layer {
    let extents = [(Dim::K, 8), (Dim::C, 4), (Dim::R, 3), (Dim::S, 3), (Dim::Y, 10), (Dim::X, 10)];
    Layer::new(LayerKind::Conv, &extents, (1, 1)).unwrap()
}

fn rejection(directives: &[Directive], hardware: &Hardware) -> Rejection {
    Evaluator::new().evaluate(&layer(), directives, hardware, false).unwrap_err()
}

#[test]
fn senseless_mappings_are_refused_with_a_reason() {
    use Directive::{Cluster, SpatialMap, TemporalMap};
    let hardware = Hardware { num_pes: 16, ..Hardware::default() };
    let spatial = SpatialMap { size: 1, offset: 1, dim: Dim::K };
    let none = rejection(&[TemporalMap { size: 1, offset: 1, dim: Dim::K }], &hardware);
    assert_eq!(none, Rejection::SpatialMaps { level: 0, count: 0 });
    let twice = rejection(&[spatial, spatial], &hardware);
    assert_eq!(twice, Rejection::RepeatedDimension { level: 0, dim: Dim::K });
    let unknown = rejection(&[spatial, TemporalMap { size: 1, offset: 1, dim: Dim::G }], &hardware);
    assert_eq!(unknown, Rejection::UnknownDimension { level: 0, dim: Dim::G });
    let window = rejection(&[spatial, TemporalMap { size: 1, offset: 1, dim: Dim::OutY }], &hardware);
    assert_eq!(window, Rejection::NoWindow { level: 0, dim: Dim::OutY });
    let pes = rejection(&[spatial, Cluster { size: 17 }, spatial], &hardware);
    assert_eq!(pes, Rejection::TooFewPes { num_pes: 16, cluster: 17 });
    let deep = [spatial, Cluster { size: 1 }, spatial, Cluster { size: 1 }, spatial, Cluster { size: 1 }];
    let levels = rejection(&[&deep[..], &deep[..]].concat(), &hardware);
    assert_eq!(levels, Rejection::TooManyLevels { levels: 7 });
    let zero = rejection(&[SpatialMap { size: 0, offset: 1, dim: Dim::K }], &hardware);
    assert_eq!(zero, Rejection::Size { value: 0 });
    let huge = 1 << 24;
    let large = rejection(
        &[
            SpatialMap { size: huge, offset: huge, dim: Dim::K },
            TemporalMap { size: huge, offset: huge, dim: Dim::C },
            TemporalMap { size: huge, offset: huge, dim: Dim::Y },
        ],
        &hardware,
    );
    assert_eq!(large, Rejection::TooLarge { level: 0 });
    let small = rejection(&[spatial, TemporalMap { size: 1, offset: 1, dim: Dim::Y }], &hardware);
    assert_eq!(small, Rejection::NoWork);
    for rejection in [none, twice, unknown, window, pes, levels, zero, large, small] {
        let text = Error::from(rejection).to_string();
        assert!(text.contains("remedy: "), "{text}");
    }
}

#[test]
fn hardware_out_of_range_is_refused() {
    let directives = [Directive::SpatialMap { size: 1, offset: 1, dim: Dim::K }];
    let good = Hardware { num_pes: 16, ..Hardware::default() };
    let cases = [
        (Hardware { num_pes: 0, ..good }, "num_pes"),
        (Hardware { noc_bw: 0, ..good }, "noc_bw"),
        (Hardware { offchip_bw: -1, ..good }, "offchip_bw"),
        (Hardware { noc_hops: -1, ..good }, "noc_hops"),
        (Hardware { num_simd_lanes: 0, ..good }, "num_simd_lanes"),
        (Hardware { l1_size: Some(0), ..good }, "l1_size"),
        (Hardware { num_pes: i64::MAX, ..good }, "num_pes"),
    ];
    for (hardware, expected) in cases {
        match rejection(&directives, &hardware) {
            Rejection::Hardware { name, .. } => assert_eq!(name, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn requirements_above_the_given_buffers_are_violations() {
    let hardware = Hardware { num_pes: 16, l1_size: Some(8), l2_size: Some(1 << 20), ..Hardware::default() };
    let directives = [Directive::SpatialMap { size: 1, offset: 1, dim: Dim::K }];
    let result = Evaluator::new().evaluate(&layer(), &directives, &hardware, false).unwrap();
    let violations: Vec<_> = result.violations().collect();
    assert_eq!(violations.len(), 1);
    assert_eq!((violations[0].buffer, violations[0].available_bytes), ("l1_size", 8));
    assert_eq!(violations[0].required_bytes, result.l1_bytes);
}

/// What the reference refuses or counts as nothing although it is plain: maps that cover a whole dimension.
#[test]
fn maps_that_cover_a_dimension_are_read() {
    let text = "\u{feff}Network n { Layer a { Type: CONV Dimensions { K: 4, C: 4, R: 3, S: 3, Y: 7, X: 7 } Dataflow { \
                TemporalMap(7,7) R; TemporalMap(Sz(S),9) S; TemporalMap(8,1) X; SpatialMap(1,1) K; } } }";
    let file = MappingFile::parse("a.m", text).unwrap();
    let mapped = &file.layers[0];
    assert_eq!(mapped.directives[0], Directive::TemporalMap { size: 3, offset: 3, dim: maestro_dim("R") });
    let hardware = Hardware { num_pes: 4, ..Hardware::default() };
    let evaluate = |directives: &[Directive]| {
        Evaluator::new().evaluate(&mapped.layer, directives, &hardware, false).map(|result| result.macs)
    };
    assert_ne!(evaluate(&mapped.directives), Ok(mapped.layer.macs()));
    assert_eq!(evaluate(&mapped.covering_directives()), Ok(mapped.layer.macs()));
    let split = text.replace("(7,7) R", "(1,1) R");
    assert!(MappingFile::parse("a.m", &split).unwrap_err().to_string().contains("splits dimension R"));
}

fn maestro_dim(name: &str) -> hwgym_accelerator::maestro::Dim {
    hwgym_accelerator::maestro::Dim::from_name(name).unwrap()
}

/// No limit is no quantity: the network is as wide as it is used.
#[test]
fn a_network_without_a_limit_is_sized_to_its_use() {
    let text = "Network n { Layer a { Type: CONV Dimensions { K: 4, C: 4, R: 3, S: 3, Y: 7, X: 7 } Dataflow { \
                TemporalMap(1,1) C; SpatialMap(1,1) K; } } }";
    let file = MappingFile::parse("a.m", text).unwrap();
    let mapped = &file.layers[0];
    let area = |noc_bw: i64, compat: bool| {
        let hardware = Hardware { num_pes: 4, noc_bw, ..Hardware::default() };
        Evaluator::new().evaluate(&mapped.layer, &mapped.directives, &hardware, compat).unwrap()
    };
    let free = area(Hardware::NO_LIMIT, false);
    let width = free.network_sized_to.unwrap();
    assert_eq!(free.area_um2, area(width, false).area_um2);
    assert!(free.area_um2 < 1e7, "{}", free.area_um2);
    assert!(area(Hardware::NO_LIMIT, true).area_um2 > 1e12);
    assert_eq!(area(width, false).network_sized_to, None);
}

/// Behind another layer the reference adds that layer's private buffers where it leaves this one's out.
#[test]
fn the_energy_of_the_layer_before_leaks_in_compat_mode() {
    let text = "Network n { Layer a { Type: CONV Dimensions { K: 4, C: 4, R: 3, S: 3, Y: 7, X: 7 } Dataflow { \
                TemporalMap(1,1) C; SpatialMap(1,1) K; Cluster(2, P); SpatialMap(1,1) C; } } }";
    let file = MappingFile::parse("a.m", text).unwrap();
    let mapped = &file.layers[0];
    let hardware = Hardware { num_pes: 4, ..Hardware::default() };
    let evaluate = |compat: bool| {
        Evaluator::new().evaluate(&mapped.layer, &mapped.directives, &hardware, compat).unwrap()
    };
    // The same layer twice: what leaks is what was left out.
    let leaked = evaluate(true).with_energy_leaked_from(&evaluate(true));
    assert!((leaked.energy_nj - evaluate(false).energy_nj).abs() < 1e-9);
    assert!(evaluate(true).energy_nj < leaked.energy_nj);
}
