//! DRAM traffic of a run that never stalls, as SCALE-Sim estimates it for a bandwidth that is "as much as needed".
use super::{
    calc::first_request,
    config::{Array, Buffers, Layer},
    geometry::{Geometry, Operand},
    traffic::{MemoryTraffic, Transfer},
    walk::for_each_request,
    write_buffer::WriteBuffer,
};
use crate::error::{Error, Result};

/// Largest operand in elements that is followed element by element.
const MOST_ELEMENTS: u64 = 1 << 28;

/// Estimates the DRAM traffic of an array that never waits: an element costs one read unless it was read since half
/// the buffer was last replaced. `buffers.words_per_cycle` is not used.
///
/// Takes time proportional to the SRAM reads where an operand does not fit into half of its buffer, and constant time
/// otherwise.
///
/// # Errors
/// When the layer, the array or the buffers do not pass their `check`, or an operand that does not fit has more than
/// 2^28 elements.
pub fn estimate_dram(layer: &Layer, array: &Array, buffers: &Buffers) -> Result<MemoryTraffic> {
    layer.check()?;
    array.check()?;
    buffers.check_prefetcher()?;
    let g = Geometry::new(layer, array);
    let traffic = MemoryTraffic {
        ifmap: reads(&g, Operand::Input, buffers.ifmap_words)?,
        filter: reads(&g, Operand::Filter, buffers.filter_words)?,
        ofmap: writes(&g, buffers.ofmap_words),
    };
    Ok(traffic)
}

fn reads(g: &Geometry, operand: Operand, size: u64) -> Result<Transfer> {
    let hundredth = size / 100;
    let capacity = 50 * hundredth;
    let distinct = g.distinct(operand);
    let never_closed = |words: u64| {
        let lead = (hundredth * words.div_ceil(hundredth)).div_ceil(10);
        Transfer { words, start: -(lead as i64), stop: -1, latest: -1 }
    };
    if distinct < capacity {
        return Ok(never_closed(distinct));
    }
    let addresses = match operand {
        Operand::Filter => distinct,
        Operand::Input => g.layer.ifmap_height * g.layer.ifmap_width * g.layer.channels,
    };
    if addresses > MOST_ELEMENTS {
        return Err(Error::invalid(
            format!("an operand of {addresses} elements does not fit into half a buffer of {size} words"),
            "split the layer, or simulate it with a limited bandwidth instead",
        ));
    }
    let mut epoch_of = vec![0u32; addresses as usize];
    let (mut epoch, mut held, mut count) = (1u32, 0, 0);
    let mut last_close = None;
    for_each_request(g, operand, |line, address| {
        let seen = &mut epoch_of[address as usize];
        if *seen != epoch {
            *seen = epoch;
            held += 1;
            count += 1;
            if held == capacity {
                epoch += 1;
                held = 0;
                last_close = Some(line);
            }
        }
    });
    Ok(match last_close {
        Some(line) => Transfer {
            words: count,
            start: first_request(g, operand) as i64 - capacity.div_ceil(10) as i64,
            stop: line as i64 + 1,
            latest: line as i64 + 1,
        },
        None => never_closed(count),
    })
}

fn writes(g: &Geometry, size: u64) -> Transfer {
    let mut buffer = WriteBuffer::new(size, g.columns);
    super::user::write_all(g, &mut buffer);
    buffer.finish(g.lines() as i64 - 1)
}
