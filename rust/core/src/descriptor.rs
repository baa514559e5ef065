//! File descriptors in a process that is not ours alone: others may close them, reuse their numbers, or fork.

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use rustix::fs::{Mode, OFlags, Stat, fstat, open};
use rustix::io::{DupFlags, Errno, dup3, fcntl_dupfd_cloexec};

/// Opens a file to write to under a number of its own: where standard error was closed, its number is the next to be
/// given away, and people go on printing to it.
///
/// # Errors
/// What `open` says.
pub fn open_apart(options: &OpenOptions, path: &Path) -> io::Result<File> {
    // What is printed to these fails, as it did before.
    let mut standing_in = Vec::new();
    loop {
        let stand_in = open(c"/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        match stand_in.as_raw_fd() {
            0..3 => standing_in.push(stand_in),
            _ => break,
        }
    }
    options.open(path)
}

/// A descriptor's number and which file it is, to be read in a fork handler.
#[derive(Debug)]
pub struct Descriptor {
    number: AtomicI32,
    device: AtomicU64,
    inode: AtomicU64,
}

impl Default for Descriptor {
    fn default() -> Self {
        Self { number: AtomicI32::new(-1), device: AtomicU64::new(0), inode: AtomicU64::new(0) }
    }
}

impl Descriptor {
    fn show(&self, number: i32, (device, inode): (u64, u64)) {
        self.device.store(device, Ordering::Relaxed);
        self.inode.store(inode, Ordering::Relaxed);
        // ORDERING: Release pairs with the Acquire in `close_in_child`: the number comes with its file.
        self.number.store(number, Ordering::Release);
    }

    /// Takes the number out, if it still is that file.
    fn take(&self) -> Option<OwnedFd> {
        // ORDERING: Acquire pairs with the Release in `show`.
        let number = self.number.swap(-1, Ordering::Acquire);
        if number < 0 {
            return None;
        }
        // SAFETY: borrowed for the call only; `fstat` says whether the number is open at all.
        let stat = fstat(unsafe { BorrowedFd::borrow_raw(number) });
        // SAFETY: the parent's owner of this number is leaked in the child and never used again.
        stat.is_ok_and(|stat| identity(&stat) == self.identity()).then(|| unsafe { OwnedFd::from_raw_fd(number) })
    }

    fn identity(&self) -> (u64, u64) {
        (self.device.load(Ordering::Relaxed), self.inode.load(Ordering::Relaxed))
    }

    /// Closes this process's copy. For the child's side of a fork only: it allocates nothing and takes no lock.
    pub fn close_in_child(&self) {
        drop(self.take());
    }

    /// Opens the file at `path` anew in the place of this process's copy, so that a lock on it is no longer shared
    /// with the parent. In the fork handler, because the child may give up the right to do so later.
    pub fn reopen_in_child(&self, path: &CStr) {
        let Some(mut copy) = self.take() else { return };
        let Ok(anew) = open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) else { return };
        let same = fstat(&anew).is_ok_and(|stat| identity(&stat) == self.identity());
        if same && dup3(&anew, &mut copy, DupFlags::CLOEXEC).is_ok() {
            self.show(copy.into_raw_fd(), self.identity());
        }
    }
}

/// An open file that notices when its descriptor changed hands.
#[derive(Debug)]
pub struct Held {
    file: ManuallyDrop<File>,
    identity: (u64, u64),
    shown: Option<Arc<Descriptor>>,
}

impl Held {
    /// Takes a file that was just opened.
    ///
    /// # Errors
    /// What `fstat` says.
    pub fn new(file: File) -> io::Result<Self> {
        let identity = identity(&fstat(&file)?);
        Ok(Self { file: ManuallyDrop::new(file), identity, shown: None })
    }

    /// The same, and shows the descriptor to the fork handler.
    ///
    /// # Errors
    /// What `fstat` says.
    pub fn shown(file: File, descriptor: &Arc<Descriptor>) -> io::Result<Self> {
        let mut held = Self::new(file)?;
        descriptor.show(held.file.as_raw_fd(), held.identity);
        held.shown = Some(Arc::clone(descriptor));
        Ok(held)
    }

    /// Another descriptor of what somebody else has opened, under a number of its own.
    ///
    /// # Errors
    /// If there is none left.
    pub fn copy_of(theirs: BorrowedFd<'_>, descriptor: &Arc<Descriptor>) -> io::Result<Self> {
        Self::shown(File::from(fcntl_dupfd_cloexec(theirs, 3)?), descriptor)
    }

    /// Takes over what a parent left to this process, if the descriptor still is that file.
    pub fn inherited(from: &Descriptor, shown: &Arc<Descriptor>) -> Option<Self> {
        Self::shown(File::from(from.take()?), shown).ok()
    }

    /// The file; check first.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Device and inode.
    pub fn identity(&self) -> (u64, u64) {
        self.identity
    }

    /// The file's state, or `None` if the descriptor is no longer this file.
    pub fn check(&self) -> Option<Stat> {
        fstat(self.file.as_fd()).ok().filter(|stat| identity(stat) == self.identity)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(shown) = &self.shown {
            shown.show(-1, (0, 0));
        }
        // Where a network's file system only fails to answer, the descriptor is ours, and with it perhaps a lock.
        let is_ours = match fstat(self.file.as_fd()) {
            Ok(stat) => identity(&stat) == self.identity,
            Err(error) => error != Errno::BADF,
        };
        if is_ours {
            // SAFETY: dropped once, here; the descriptor is still ours, so closing it closes our file.
            unsafe { ManuallyDrop::drop(&mut self.file) };
        }
        // Else the number belongs to somebody else by now, and closing it would close their file.
    }
}

/// What tells one file from another: device and inode.
#[expect(clippy::useless_conversion, reason = "the fields' types differ between platforms")]
pub fn identity(stat: &Stat) -> (u64, u64) {
    (u64::from(stat.st_dev), u64::from(stat.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};

    #[test]
    fn a_descriptor_that_changed_hands_is_neither_used_nor_closed() {
        let held = Held::new(tempfile::tempfile().unwrap()).unwrap();
        assert!(held.check().is_some());
        let other = tempfile::tempfile().unwrap();
        // SAFETY: what an unruly neighbour does: it puts its own file under our number.
        let mut target = unsafe { std::os::fd::OwnedFd::from_raw_fd(held.file().as_raw_fd()) };
        rustix::io::dup2(&other, &mut target).unwrap();
        assert!(held.check().is_none());
        drop(held);
        let mut theirs = File::from(target);
        theirs.write_all(b"theirs").unwrap();
        theirs.rewind().unwrap();
        let mut text = String::new();
        theirs.read_to_string(&mut text).unwrap();
        assert_eq!(text, "theirs");
    }

    #[test]
    fn a_child_closes_the_descriptor_only_while_it_is_that_file() {
        let shown = Arc::new(Descriptor::default());
        let held = Held::shown(tempfile::tempfile().unwrap(), &shown).unwrap();
        // Other tests run beside this one: while this copy is open, none of them gets a file with the same inode.
        let _same_file = held.file().try_clone().unwrap();
        shown.close_in_child();
        assert!(held.check().is_none());
        drop(held);
        let number = tempfile::tempfile().unwrap().into_raw_fd();
        shown.show(number, (0, 0));
        shown.close_in_child();
        // SAFETY: the number is the file's that was leaked above, and must still be open.
        assert!(fstat(unsafe { File::from_raw_fd(number) }).is_ok());
    }
}
