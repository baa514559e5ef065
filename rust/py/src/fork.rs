//! What a forked child closes, keeps and forgets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use undergird_core::descriptor::Descriptor;
use undergird_core::sink::Estate;

use crate::generation::generation;
use crate::table::Table;

/// Locks of rings, which a child must close at once: while it has them, they are held.
pub static RINGS: Table<Descriptor> = Table::new();
/// Logs, which a child keeps open: it may give up the right to open them again.
pub static LOGS: Table<Estate> = Table::new();

/// This process, once somebody has asked; 0 before.
static PROCESS: AtomicU32 = AtomicU32::new(0);

static FORKED: AtomicBool = AtomicBool::new(false);
/// Whether the fork handler ran and the fork has not been noticed.
static HANDLED: AtomicBool = AtomicBool::new(false);
/// Whether `LOGS` holds the parent's.
static LEFT: AtomicBool = AtomicBool::new(false);

/// What the parent left, once.
pub fn inheritance() -> Vec<Arc<Estate>> {
    if LEFT.swap(false, Ordering::Relaxed) { LOGS.take().collect() } else { Vec::new() }
}

/// This process's id, without a system call.
pub fn process() -> u32 {
    match PROCESS.load(Ordering::Relaxed) {
        0 => {
            let id = std::process::id();
            PROCESS.store(id, Ordering::Relaxed);
            id
        }
        id => id,
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
    for ring in RINGS.take() {
        ring.close_in_child();
        // Its owner is the parent's; and freeing memory is not for fork handlers.
        std::mem::forget(ring);
    }
    // SAFETY: a child has one thread.
    unsafe { LOGS.each(Estate::pass_on) };
    LEFT.store(true, Ordering::Relaxed);
    PROCESS.store(0, Ordering::Relaxed);
    crate::current::abandon();
    crate::dropin::counts::begin_anew();
    FORKED.store(true, Ordering::Relaxed);
    HANDLED.store(true, Ordering::Relaxed);
    generation().store(0, Ordering::Relaxed);
}

/// Whether this process was forked and has not noticed; a fork that ran no fork handlers shows only in the wiped
/// generation. Afterwards it has noticed.
pub fn notice() -> bool {
    static NEXT: AtomicU64 = AtomicU64::new(1 << 32);
    if generation().load(Ordering::Relaxed) != 0 {
        return false;
    }
    if !HANDLED.load(Ordering::Relaxed) {
        in_child();
    }
    HANDLED.store(false, Ordering::Relaxed);
    // A range of its own for each child, so that no plan made before a fork can look valid after it.
    generation().store(NEXT.fetch_add(1 << 32, Ordering::Relaxed), Ordering::Relaxed);
    true
}

/// Registers the fork handler.
pub fn install() {
    // SAFETY: `in_child` is a function for the process's whole life that only does what a fork handler may.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}
