//! Properties of the data-centric model over random mappings: nothing panics, nothing depends on what was evaluated before.
use hwgym_accelerator::maestro::{Dim, Directive, Evaluator, Hardware, Layer, LayerKind, MappingFile};
use proptest::prelude::*;

fn directive() -> impl Strategy<Value = Directive> {
    let dim = prop::sample::select(Dim::ALL.to_vec());
    (0..10u8, 1..40i64, 1..40i64, dim).prop_map(|(kind, size, offset, dim)| match kind {
        0..=5 => Directive::TemporalMap { size, offset, dim },
        6..=8 => Directive::SpatialMap { size, offset, dim },
        _ => Directive::Cluster { size },
    })
}

fn layer() -> impl Strategy<Value = Layer> {
    let extents = prop::collection::vec(1..40i64, 6);
    (prop::sample::select(LayerKind::ALL.to_vec()), extents, 1..4i64, 1..4i64).prop_filter_map(
        "incomplete",
        |(kind, extents, y, x)| {
            let dims = match kind {
                LayerKind::Gemm => vec![Dim::M, Dim::N, Dim::K],
                _ => vec![Dim::K, Dim::C, Dim::R, Dim::S, Dim::Y, Dim::X, Dim::G],
            };
            let mut listed: Vec<_> = dims.into_iter().zip(extents.into_iter().cycle()).collect();
            if kind != LayerKind::Gemm {
                // The window is not larger than the input.
                listed[2].1 = listed[2].1.min(listed[4].1);
                listed[3].1 = listed[3].1.min(listed[5].1);
            }
            Layer::new(kind, &listed, (y, x)).ok()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_mapping_is_evaluated_or_refused(
        layer in layer(),
        directives in prop::collection::vec(directive(), 0..9),
        num_pes in 1..300i64,
        noc_bw in 1..64i64,
    ) {
        let hardware = Hardware { num_pes, noc_bw, ..Hardware::default() };
        let mut used = Evaluator::new();
        let first = used.evaluate(&layer, &directives, &hardware, false);
        // A used evaluator gives what a fresh one gives.
        let again = used.evaluate(&layer, &directives, &hardware, false);
        let fresh = Evaluator::new().evaluate(&layer, &directives, &hardware, false);
        prop_assert_eq!(format!("{first:?}"), format!("{fresh:?}"));
        prop_assert_eq!(format!("{first:?}"), format!("{again:?}"));
        if let Ok(result) = first {
            prop_assert!(result.runtime_cycles > 0);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(Network|Layer|[{}(),;:/'>-]|Sz|K|X'|Type|CONV|[0-9]{1,3}|\\n| |é){0,60}") {
        let _ = MappingFile::parse("any.m", &text);
    }
}
