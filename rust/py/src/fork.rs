//! What a forked child closes and forgets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

use undergird_core::descriptor::Descriptor;

use crate::generation::generation;

/// Descriptors that a child must close at once; a fixed table, so that the fork handler needs no lock.
static DESCRIPTORS: [AtomicPtr<Descriptor>; 64] = [const { AtomicPtr::new(std::ptr::null_mut()) }; 64];
static FORKED: AtomicBool = AtomicBool::new(false);

/// Adds a descriptor to those that a child closes.
pub fn show(descriptor: &Arc<Descriptor>) {
    let new = Arc::as_ptr(descriptor).cast_mut();
    // ORDERING: Acquire and Release here and in `hide` pair with each other: who sees the pointer sees the
    // descriptor.
    if DESCRIPTORS.iter().any(|slot| slot.load(Ordering::Acquire) == new) {
        return;
    }
    for slot in &DESCRIPTORS {
        if slot.compare_exchange(std::ptr::null_mut(), new, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            std::mem::forget(Arc::clone(descriptor));
            return;
        }
    }
}

/// Takes a descriptor out again.
pub fn hide(descriptor: &Arc<Descriptor>) {
    let old = Arc::as_ptr(descriptor).cast_mut();
    for slot in &DESCRIPTORS {
        // ORDERING: as in `show`.
        if slot.compare_exchange(old, std::ptr::null_mut(), Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            // SAFETY: the reference that `show` left there.
            drop(unsafe { Arc::from_raw(old) });
        }
    }
}

/// Makes a child that sets itself up a main process.
pub fn set_up() {
    FORKED.store(false, Ordering::Relaxed);
}

/// Whether this process is a child that was forked with undergird loaded, and logs as its parent had set it up.
pub fn is_child() -> bool {
    FORKED.load(Ordering::Relaxed)
}

/// The child's side of a fork: nothing of the parent's is taken over, and nothing here waits or allocates.
extern "C" fn in_child() {
    for slot in &DESCRIPTORS {
        // SAFETY: null, or kept alive by the reference that `show` left; it is leaked here, with its owners.
        // ORDERING: as in `show`.
        if let Some(descriptor) = unsafe { slot.swap(std::ptr::null_mut(), Ordering::Acquire).as_ref() } {
            descriptor.close_in_child();
        }
    }
    crate::current::abandon();
    FORKED.store(true, Ordering::Relaxed);
    generation().store(0, Ordering::Relaxed);
}

/// Whether this process was forked and has not noticed; a fork that ran no fork handlers shows only in the wiped
/// generation. Afterwards it has noticed.
pub fn notice() -> bool {
    static NEXT: AtomicU64 = AtomicU64::new(1 << 32);
    if generation().load(Ordering::Relaxed) != 0 {
        return false;
    }
    in_child();
    // A range of its own for each child, so that no plan made before a fork can look valid after it.
    generation().store(NEXT.fetch_add(1 << 32, Ordering::Relaxed), Ordering::Relaxed);
    true
}

/// Registers the fork handler.
pub fn install() {
    // SAFETY: `in_child` is a function for the process's whole life that only does what a fork handler may.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}
