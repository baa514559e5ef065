//! Compresses logs that were put aside, away from everybody who logs.
//!
//! A log is compressed into a hidden file beside it, which takes its place under the log's lock: meanwhile it may have
//! been moved on to another number. Who finds such a file without a lock on it finds the rest of a dead process.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use flate2::Compression as Effort;
use flate2::write::GzEncoder;
use rustix::fs::{FlockOperation, flock};

use super::names::compressed;
use super::{Compression, Rotation};
use crate::descriptor::open_apart;
use crate::sink::FileSink;

/// How the names of unfinished files end.
const PART: &str = ".part";

/// Compresses what is not compressed yet, if this build can. While another process holds the log's lock, `wait` is
/// called before each new try.
///
/// # Errors
/// What the file system says; then nothing is lost, and some of it may not be compressed.
pub fn compress(log: &Path, rotation: &Rotation, wait: &mut dyn FnMut() -> bool) -> io::Result<()> {
    if rotation.compression == Compression::None || !rotation.compression.is_built_in() {
        return Ok(());
    }
    for kept in rotation.names.kept(log)? {
        if !kept.is_compressed() {
            compress_one(log, &kept.path, rotation, wait)?;
        }
    }
    Ok(())
}

fn compress_one(log: &Path, from: &Path, rotation: &Rotation, wait: &mut dyn FnMut() -> bool) -> io::Result<()> {
    let mut source = match File::open(from) {
        // Moved on, or not to be kept any more.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let original = source.metadata()?;
    let part = log.with_file_name(part_name(log, original.ino()));
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(false).mode(original.mode() & 0o777);
    let target = open_apart(options, &part)?;
    if flock(&target, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(()); // Another process is at it.
    }
    target.set_len(0)?;
    let done = copy(&mut source, io::BufWriter::new(&target), rotation.compression);
    let done = done.and_then(|()| target.set_modified(original.modified()?));
    let placed = done.and_then(|()| place(log, &part, original.ino(), rotation, wait));
    if !matches!(placed, Ok(true)) {
        let _ = fs::remove_file(&part);
    }
    placed.map(drop)
}

fn copy(source: &mut File, target: io::BufWriter<&File>, compression: Compression) -> io::Result<()> {
    let target = match compression {
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(target, Effort::default());
            io::copy(source, &mut encoder)?;
            encoder.finish()?
        }
        #[cfg(feature = "zstd")]
        Compression::Zstd => {
            let mut encoder = zstd::Encoder::new(target, zstd::DEFAULT_COMPRESSION_LEVEL)?;
            io::copy(source, &mut encoder)?;
            encoder.finish()?
        }
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    target.into_inner().map(drop).map_err(Into::into)
}

/// Puts the finished file into the place of the log that it was made from; whether that was there.
fn place(log: &Path, part: &Path, inode: u64, rotation: &Rotation, wait: &mut dyn FnMut() -> bool) -> io::Result<bool> {
    let mut sink = FileSink::new(log);
    let Some(_locked) = sink.lock(wait)? else { return Ok(false) };
    let found = rotation.names.kept(log)?.into_iter().find(|kept| {
        !kept.is_compressed() && fs::symlink_metadata(&kept.path).is_ok_and(|metadata| metadata.ino() == inode)
    });
    let Some(found) = found else { return Ok(false) };
    fs::rename(part, compressed(&found.path, rotation.compression))?;
    fs::remove_file(&found.path)?;
    Ok(true)
}

fn part_name(log: &Path, inode: u64) -> OsString {
    let mut name = OsString::from(".");
    name.push(log.file_name().unwrap_or_default());
    name.push(format!(".{inode}{PART}"));
    name
}

/// Removes what dead processes left unfinished.
///
/// # Errors
/// If the directory cannot be read.
pub fn clear_up(log: &Path) -> io::Result<()> {
    let directory = log.parent().unwrap_or(Path::new("."));
    let begin = part_name(log, 0);
    let begin = &begin.as_bytes()[..begin.len() - PART.len() - 1];
    for entry in fs::read_dir(directory)?.flatten() {
        let name = entry.file_name();
        let inode = name.as_bytes().strip_prefix(begin).and_then(|rest| rest.strip_suffix(PART.as_bytes()));
        if inode.is_some_and(|inode| !inode.is_empty() && inode.iter().all(u8::is_ascii_digit))
            && let Ok(file) = File::open(entry.path())
            && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}
