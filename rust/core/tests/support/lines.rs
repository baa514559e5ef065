//! What stands in the logs of a run.

use std::fs;
use std::path::Path;

/// The makers and numbers of the records in a log, in order. Every line must be whole.
pub fn records(text: &str) -> Vec<(String, u64)> {
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is torn: {text:?}");
    text.lines().map(|line| record(line).unwrap_or_else(|| panic!("a broken line: {line:?}"))).collect()
}

/// The maker and number of a line, if it is whole.
pub fn record(line: &str) -> Option<(String, u64)> {
    let rest = line.strip_prefix("{\"timestamp\":\"")?.strip_suffix('}')?;
    let (head, fields) = rest.split_once(",\"maker\":\"")?;
    // The rest of a torn line before it would look like a part of it.
    if head.contains("{\"timestamp\"") {
        return None;
    }
    let (maker, number) = fields.split_once("\",\"number\":")?;
    let number: u64 = number.parse().ok()?;
    let padding = "~".repeat(number as usize * 7 % 60);
    let ends_with = |message: &str| {
        head.ends_with(&format!("\"level\":\"INFO\",\"logger_name\":\"test\",\"message\":\"{maker} {message}\""))
    };
    (ends_with(&format!("{number} {padding}")) || ends_with("of many")).then(|| (maker.into(), number))
}

/// The numbers of a maker's records in a log, in order.
pub fn numbers(log: &Path, maker: &str) -> Vec<u64> {
    let text = fs::read_to_string(log).unwrap_or_default();
    records(&text).into_iter().filter(|(name, _)| name == maker).map(|(_, number)| number).collect()
}

/// Asserts that a maker's first `count` records are in a log, each once and in order, and no others.
#[track_caller]
pub fn assert_exactly(log: &Path, maker: &str, count: u64) {
    let found = numbers(log, maker);
    assert_eq!(found, (0..count).collect::<Vec<_>>(), "records of {maker}");
}
