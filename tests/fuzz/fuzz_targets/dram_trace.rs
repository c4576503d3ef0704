//! The trace readers: any bytes give requests in order of time, or one error with a place; never a panic.
#![no_main]

use hwgym_dram::Error;
use hwgym_dram::trace::lackey::LackeyReader;
use hwgym_dram::trace::{GeneratorSpec, MAX_CYCLE, StlReader, StlWriter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut lackey = LackeyReader::new("fuzz", bytes);
    while let Ok(Some(_)) = lackey.next_record() {}
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = GeneratorSpec::parse(text);
    }
    let Ok(reader) = StlReader::new("fuzz", bytes) else { return };
    let reader = reader.with_strict(true);
    let mut read = Vec::new();
    for next in reader {
        match next {
            Ok(request) => {
                assert!(request.cycle <= MAX_CYCLE);
                read.push(request);
            }
            Err(Error::Source { line, column, .. }) => {
                assert!(line >= 1 && column >= 1);
                return;
            }
            Err(error) => panic!("an error without a place: {error}"),
        }
    }
    assert!(!read.is_empty() && read.is_sorted_by_key(|request| request.cycle));
    // What was read is written and read back.
    let mut writer = StlWriter::new(Vec::new());
    for request in &read {
        writer.write(request).unwrap();
    }
    let text = writer.finish().unwrap();
    let again: Result<Vec<_>, _> = StlReader::new("again", text.as_slice()).unwrap().collect();
    assert_eq!(again.unwrap(), read);
});
