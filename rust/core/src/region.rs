//! The memory of a ring: a shared mapping, or plain heap, behind one face.
//!
//! The ring's code knows offsets only. That lets loom, the sanitizers and valgrind run it on heap memory, and
//! lets a reader work on a copy of somebody else's ring file without mapping it (a mapping of a file that
//! another process may truncate can kill its reader).

#[cfg(not(loom))]
pub use real::{Lent, Region};

#[cfg(loom)]
pub use modelled::{Lent, Region};

#[cfg(not(loom))]
mod real {
    use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
    use std::io;
    use std::os::fd::AsFd;
    use std::ptr::NonNull;

    use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

    use crate::ledger::Ledger;
    use crate::sync::AtomicU64;

    const ALIGNMENT: usize = 4096;

    /// Bytes of a region, for as long as they are needed.
    pub type Lent<'a> = &'a [u8];

    /// A fixed run of zero-initialised bytes that several threads or processes may share.
    #[derive(Debug)]
    pub struct Region {
        base: NonNull<u8>,
        length: usize,
        mapped: bool,
    }

    // SAFETY: a region is raw memory without thread affinity; who may touch which bytes when is the contract of
    // `write` and `bytes`.
    unsafe impl Send for Region {}
    // SAFETY: as above; the only safe access is through atomics.
    unsafe impl Sync for Region {}

    impl Region {
        /// Zeroed memory of this process.
        ///
        /// # Panics
        /// If `length` is 0.
        pub fn heap(length: usize) -> Self {
            assert!(length > 0, "a region has at least one byte");
            let layout =
                Layout::from_size_align(length, ALIGNMENT).expect("a region is smaller than the address space");
            // SAFETY: the layout's size is not zero.
            let base = unsafe { alloc_zeroed(layout) };
            let Some(base) = NonNull::new(base) else { handle_alloc_error(layout) };
            Self { base, length, mapped: false }
        }

        /// The first `length` bytes of a file, shared with every process that maps it, and faulted in.
        ///
        /// # Errors
        /// What `mmap` says.
        pub fn map(file: impl AsFd, length: usize) -> io::Result<Self> {
            let access = ProtFlags::READ | ProtFlags::WRITE;
            // SAFETY: a new mapping at an address of the kernel's choice touches no existing memory.
            let base = unsafe {
                mmap(std::ptr::null_mut(), length, access, MapFlags::SHARED | MapFlags::POPULATE, file.as_fd(), 0)?
            };
            let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::other("mmap returned null"))?;
            Ok(Self { base, length, mapped: true })
        }

        /// A copy of bytes, as a region.
        pub fn copy_of(bytes: &[u8]) -> Self {
            let region = Self::heap(bytes.len().max(1));
            // SAFETY: nobody else knows the region yet.
            unsafe { region.write(0, bytes) };
            region
        }

        /// Its size in bytes.
        pub fn len(&self) -> usize {
            self.length
        }

        /// Never: a region has at least one byte.
        pub fn is_empty(&self) -> bool {
            self.length == 0
        }

        /// The eight bytes at an offset, as an atomic.
        ///
        /// # Panics
        /// If they are not aligned to eight or not inside the region.
        #[inline]
        pub fn atomic(&self, offset: usize) -> &AtomicU64 {
            assert!(offset.is_multiple_of(8) && offset + 8 <= self.length, "no atomic at offset {offset}");
            // SAFETY: in bounds and aligned (the base is page-aligned); the memory lives as long as `self`; these
            // offsets are touched as atomics only.
            unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(offset).cast()) }
        }

        /// The ledger at an offset.
        ///
        /// # Panics
        /// If it is not aligned to eight or not inside the region.
        pub fn ledger(&self, offset: usize) -> &Ledger {
            let inside = offset.checked_add(size_of::<Ledger>()).is_some_and(|end| end <= self.length);
            assert!(offset.is_multiple_of(8) && inside, "no ledger at offset {offset}");
            // SAFETY: in bounds and aligned; a ledger is atomics, for which any bytes will do; the memory lives as long
            // as `self`; these bytes are touched as a ledger only.
            unsafe { &*self.base.as_ptr().add(offset).cast::<Ledger>() }
        }

        /// Copies bytes to an offset.
        ///
        /// # Safety
        /// Nobody reads or writes these bytes at the same time.
        ///
        /// # Panics
        /// If they do not fit.
        #[inline]
        pub unsafe fn write(&self, offset: usize, bytes: &[u8]) {
            assert!(offset <= self.length && bytes.len() <= self.length - offset, "write outside of the region");
            // SAFETY: in bounds; the caller promises that nobody else touches the range.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.base.as_ptr().add(offset), bytes.len()) };
        }

        /// The bytes at an offset.
        ///
        /// # Safety
        /// Nobody writes these bytes while the slice lives.
        ///
        /// # Panics
        /// If they are not inside the region.
        #[inline]
        pub unsafe fn bytes(&self, offset: usize, length: usize) -> Lent<'_> {
            assert!(offset <= self.length && length <= self.length - offset, "read outside of the region");
            // SAFETY: in bounds and initialised (zeroed or file-backed); the caller promises that nobody writes.
            unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(offset), length) }
        }

        /// Copies bytes from an offset.
        ///
        /// # Safety
        /// As [`Region::bytes`].
        #[inline]
        pub unsafe fn read(&self, offset: usize, into: &mut [u8]) {
            // SAFETY: the caller's promise.
            into.copy_from_slice(unsafe { self.bytes(offset, into.len()) });
        }
    }

    impl Drop for Region {
        fn drop(&mut self) {
            if self.mapped {
                // SAFETY: `base` and `length` are those of our mapping, and borrows of it have ended.
                let unmapped = unsafe { munmap(self.base.as_ptr().cast(), self.length) };
                debug_assert!(unmapped.is_ok());
            } else {
                // SAFETY: allocated in `heap` with this layout.
                unsafe { dealloc(self.base.as_ptr(), Layout::from_size_align_unchecked(self.length, ALIGNMENT)) };
            }
        }
    }
}

#[cfg(loom)]
mod modelled {
    use loom::cell::UnsafeCell;

    use crate::ring::CONTROL;
    use crate::sync::AtomicU64;

    /// Bytes of a region: a copy, for loom's memory cannot be borrowed.
    pub type Lent<'a> = Vec<u8>;

    /// The region as loom sees it: one atomic per eight bytes of control, one checked cell per eight bytes of data.
    #[derive(Debug)]
    pub struct Region {
        control: Vec<AtomicU64>,
        data: Vec<UnsafeCell<[u8; 8]>>,
    }

    impl Region {
        /// A region whose control words are followed by `length - CONTROL` bytes of data.
        pub fn heap(length: usize) -> Self {
            Self {
                control: (0..CONTROL / 8).map(|_| AtomicU64::new(0)).collect(),
                data: (0..(length - CONTROL) / 8).map(|_| UnsafeCell::new([0; 8])).collect(),
            }
        }

        /// Its size in bytes.
        pub fn len(&self) -> usize {
            CONTROL + self.data.len() * 8
        }

        /// The control word at an offset.
        pub fn atomic(&self, offset: usize) -> &AtomicU64 {
            &self.control[offset / 8]
        }

        /// # Safety
        /// None needed: loom fails the test if somebody else touches the bytes.
        pub unsafe fn write(&self, offset: usize, bytes: &[u8]) {
            for (index, byte) in bytes.iter().enumerate() {
                let at = offset - CONTROL + index;
                // SAFETY: loom checks the access.
                self.data[at / 8].with_mut(|word| unsafe { (*word)[at % 8] = *byte });
            }
        }

        /// # Safety
        /// None needed, as `write`.
        pub unsafe fn bytes(&self, offset: usize, length: usize) -> Lent<'_> {
            let mut bytes = vec![0; length];
            // SAFETY: none needed.
            unsafe { self.read(offset, &mut bytes) };
            bytes
        }

        /// # Safety
        /// None needed, as `write`.
        pub unsafe fn read(&self, offset: usize, into: &mut [u8]) {
            for (index, byte) in into.iter_mut().enumerate() {
                let at = offset - CONTROL + index;
                // SAFETY: loom checks the access.
                *byte = self.data[at / 8].with(|word| unsafe { (*word)[at % 8] });
            }
        }
    }
}
