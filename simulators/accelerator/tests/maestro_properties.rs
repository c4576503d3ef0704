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

/// Makes most random lists sensible: one directive for a dimension and level, windows whole, one spatial map at least.
fn mend(layer: &Layer, directives: &[Directive]) -> Vec<Directive> {
    let mut mended = Vec::new();
    let levels: Vec<&[Directive]> =
        directives.split(|directive| matches!(directive, Directive::Cluster { .. })).take(3).collect();
    for (index, level) in levels.iter().enumerate() {
        if index > 0 {
            mended.push(Directive::Cluster { size: 2 + index as i64 });
        }
        let mut seen = Vec::new();
        let mut spatial = 0;
        let start = mended.len();
        for directive in *level {
            let (Directive::TemporalMap { size, offset, dim } | Directive::SpatialMap { size, offset, dim }) =
                *directive
            else {
                continue;
            };
            let Some(extent) = layer.extent(dim) else { continue };
            if seen.contains(&dim) || matches!(dim, Dim::R | Dim::S) {
                continue;
            }
            seen.push(dim);
            let window = match dim {
                Dim::Y => layer.extent(Dim::R),
                Dim::X => layer.extent(Dim::S),
                _ => None,
            };
            let size = size.min(extent).max(window.unwrap_or(1));
            let offset = offset.min(size);
            if matches!(directive, Directive::SpatialMap { .. }) && spatial == 0 {
                spatial += 1;
                mended.push(Directive::SpatialMap { size, offset, dim });
            } else {
                mended.push(Directive::TemporalMap { size, offset, dim });
            }
        }
        if spatial == 0
            && let Some(Directive::TemporalMap { size, offset, dim }) = mended.get(start).copied()
        {
            mended[start] = Directive::SpatialMap { size, offset, dim };
        }
    }
    mended
}

#[test]
fn sensible_mappings_are_evaluated_and_count_positive_activity() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let strategy = (layer(), prop::collection::vec(directive(), 3..12));
    let (mut evaluated, mut right) = (0, 0);
    let mut evaluator = Evaluator::new();
    let hardware = Hardware { num_pes: 64, noc_bw: 8, ..Hardware::default() };
    for _ in 0..2000 {
        let (layer, directives) = strategy.new_tree(&mut runner).unwrap().current();
        let directives = mend(&layer, &directives);
        if let Ok(result) = evaluator.evaluate(&layer, &directives, &hardware, false) {
            evaluated += 1;
            right += i32::from(result.macs == result.true_macs);
            // One operation an element and cycle at most, if the operations are counted rightly.
            if result.macs == result.true_macs {
                assert!(
                    result.runtime_cycles as f64 * 64.0 >= result.macs as f64,
                    "{layer:?} {directives:?}"
                );
            }
            assert!(result.area_um2 > 0.0 && result.power.total_mw() > 0.0);
        }
    }
    assert!(evaluated > 500 && right > 200, "{evaluated} evaluated, {right} counted rightly");
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
