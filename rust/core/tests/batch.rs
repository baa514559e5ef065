//! A ring as its readers see it.

use crate::support::*;
use undergird_core::batch::spill_path;

#[test]
fn a_spill_file_is_removed_with_its_record_whether_that_was_formatted_here_or_not() {
    for formatted in 0..=4 {
        let run = Run::new();
        let mut maker = run.maker("a");
        let mut positions = Vec::new();
        for _ in 0..4 {
            positions.push(maker.file.memory().ring().head());
            maker.log_spilled();
        }
        let head = maker.file.memory().ring().head();
        positions.push(head);
        let is_there = |place: usize| spill_path(maker.file.path(), positions[place]).exists();

        let mut source = maker.source();
        source.refresh();
        // Twice, as for two files.
        for _ in 0..2 {
            source.format(0, positions[0], positions[formatted], usize::MAX, &mut Vec::new(), None);
        }
        for removed in 0..4 {
            source.remove_spills(positions[removed], positions[removed + 1]);
            let left: Vec<usize> = (0..4).filter(|place| is_there(*place)).collect();
            assert_eq!(left, (removed + 1..4).collect::<Vec<_>>(), "{formatted} were formatted");
        }
    }
}
