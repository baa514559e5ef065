//! A handler's file: written through what the handler has opened, found again without it, and no other in its place.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use undergird_core::descriptor::Held;
use undergird_core::lockfile::Stream;
use undergird_core::sink::{FileSink, Handed, Origin};

struct Lent {
    directory: tempfile::TempDir,
    path: PathBuf,
    /// The handler's own.
    file: File,
    handed: Arc<Handed>,
    sink: FileSink,
}

fn lent(options: &mut OpenOptions) -> Lent {
    let directory = tempfile::tempdir().unwrap();
    let (path, lock) = (directory.path().join("app.log"), directory.path().join("1.ring-0.lock"));
    let file = options.create(true).open(&path).unwrap();
    let held = Held::copy_of(file.as_fd(), &Arc::default()).unwrap();
    let (identity, handed) = (held.identity(), Arc::<Handed>::default());
    handed.lend(Some(held));
    let sink = FileSink::of_handler(&path, identity, Arc::clone(&handed), &lock, Arc::default());
    Lent { directory, path, file, handed, sink }
}

fn append(sink: &mut FileSink, from: u64, bytes: &[u8]) {
    let stream = Stream { ring: [7; 16], sink: 0 };
    let origin = Origin { stream, ring_path: Path::new(""), dictionary: 0, from, to: from + 8, pid: 1, stamp: from };
    sink.lock(&mut || false).unwrap().expect("it is free").append(&origin, bytes).unwrap();
}

#[test]
fn a_handlers_file_is_written_where_the_handler_is() {
    let Lent { directory: _directory, path, mut file, handed, mut sink } = lent(OpenOptions::new().write(true));
    file.write_all(b"one\n").unwrap();
    append(&mut sink, 0, b"two\n");
    assert!(handed.shows(b"two\n") && !handed.shows(b"one\n") && !handed.shows(b"zero\none\ntwo\n"));
    file.write_all(b"three\r\n").unwrap();
    assert!(handed.shows(b"three\r\n") && !handed.shows(b"three\n"));
    assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\nthree\r\n");
}

#[test]
fn a_handlers_file_is_found_without_the_handler_also_where_it_was_put_aside() {
    let Lent { directory, path, file: _file, handed, mut sink } = lent(OpenOptions::new().append(true));
    append(&mut sink, 0, b"one\n");
    handed.lend(None);
    append(&mut sink, 8, b"two\n");
    fs::rename(&path, directory.path().join("app.log.1")).unwrap();
    fs::write(&path, b"of somebody else\n").unwrap();
    append(&mut sink, 16, b"three\n");
    assert_eq!(fs::read(directory.path().join("app.log.1")).unwrap(), b"one\ntwo\nthree\n");
    assert_eq!(fs::read(&path).unwrap(), b"of somebody else\n");
}

#[test]
fn a_handlers_file_that_is_gone_is_not_made_again() {
    let Lent { directory: _directory, path, file: _file, handed, mut sink } = lent(OpenOptions::new().append(true));
    handed.lend(None);
    fs::remove_file(&path).unwrap();
    assert_eq!(sink.lock(&mut || false).map(drop).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!path.exists());
}
