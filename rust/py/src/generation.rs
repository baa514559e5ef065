//! One number that changes whenever what a logger knows about its surroundings may no longer be true.
//!
//! It lives on a page that the kernel clears in a forked child, however the fork was made: a child's loggers find
//! a generation they do not know and look around anew, which is when the child notices that it has no ring yet.

use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::fast::extras;

/// Where the number is if no page could be had: then only forks that run the fork handlers are noticed.
static FALLBACK: AtomicU64 = AtomicU64::new(1);
static GENERATION: AtomicPtr<AtomicU64> = AtomicPtr::new((&raw const FALLBACK).cast_mut());

/// Moves the number to a page of its own. Once, when the module is loaded.
pub fn install() {
    const SIZE: usize = 4096;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new anonymous mapping touches no existing memory; it begins with an aligned, zero atomic and is
    // never unmapped.
    unsafe {
        let page = libc::mmap(std::ptr::null_mut(), SIZE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        if page != libc::MAP_FAILED && libc::madvise(page, SIZE, libc::MADV_WIPEONFORK) == 0 {
            let number = page.cast::<AtomicU64>();
            (*number).store(1, Ordering::Relaxed);
            GENERATION.store(number, Ordering::Relaxed);
        }
    }
}

/// The number; 0 only in a process that was forked and has not looked around yet.
#[inline]
pub fn generation() -> &'static AtomicU64 {
    // SAFETY: a static or the page, both for the process's whole life.
    unsafe { &*GENERATION.load(Ordering::Relaxed) }
}

/// Makes every logger look around anew at its next call.
pub fn invalidate() {
    // Plans that want them say so again.
    extras::set(extras::PLANNED, false);
    let number = generation();
    // In a child that has not looked around yet every plan is void already, and it has to notice that it is one.
    if number.load(Ordering::Relaxed) != 0 {
        // Relaxed: what a plan was made from is read under the GIL.
        number.fetch_add(1, Ordering::Relaxed);
    }
}
