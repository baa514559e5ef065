//! What the core asks of the process: the clock, who we are, and patience.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use undergird_core::descriptor::Descriptor;
use undergird_core::sink::{Estate, Handed};
use undergird_core::writer::Host;

use crate::fork::{LOGS, RINGS, process};
use crate::lending::Lending;

/// Nanoseconds since the epoch.
#[inline]
pub fn wall_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is valid for writing; the call reads the clock through the vDSO and cannot fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut now) };
    (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
}

/// Seconds since some moment, never going back; `coarse` is cheaper and some milliseconds late.
#[inline]
pub fn monotonic(coarse: bool) -> f64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: as in `wall_ns`; both clocks are there on every Linux.
    unsafe { libc::clock_gettime(if coarse { COARSE } else { libc::CLOCK_MONOTONIC }, &mut now) };
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

#[cfg(target_os = "linux")]
const COARSE: libc::clockid_t = libc::CLOCK_MONOTONIC_COARSE;
#[cfg(not(target_os = "linux"))]
const COARSE: libc::clockid_t = libc::CLOCK_MONOTONIC;

/// The user whose process this is.
pub fn user() -> u32 {
    // SAFETY: no preconditions, and it cannot fail.
    unsafe { libc::geteuid() }
}

/// The kernel's boot id, or zeros where there is none.
pub fn boot_id() -> [u8; 16] {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: Vec<u8> =
        text.bytes().filter_map(|byte| (byte as char).to_digit(16)).map(|digit| digit as u8).collect();
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    id
}

/// When this process started, in ticks since boot; 0 where the kernel does not say.
pub fn process_start() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The command's name is in parentheses and may hold anything, so count from the last of them.
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().nth(19).and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
}

/// This process, with a limit to its patience for another process's lock.
#[derive(Debug)]
pub struct Process {
    patience: Duration,
    since: Instant,
    ring: Option<Arc<Descriptor>>,
    lending: Arc<Lending>,
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(lock) = &self.ring {
            RINGS.remove(lock);
        }
    }
}

impl Process {
    /// Waits at most `patience` for each lock.
    pub fn new(patience: Duration) -> Self {
        Self { patience, since: Instant::now(), ring: None, lending: Arc::default() }
    }

    /// The same, with what handlers lend.
    pub fn with(mut self, lending: &Arc<Lending>) -> Self {
        self.lending = Arc::clone(lending);
        self
    }
}

impl Host for Process {
    fn pid(&self) -> u32 {
        process()
    }

    fn now(&mut self) -> u64 {
        wall_ns()
    }

    fn wait(&mut self, first: bool) -> bool {
        if first {
            self.since = Instant::now();
        }
        if self.since.elapsed() >= self.patience {
            return false;
        }
        std::thread::sleep(Duration::from_micros(200));
        true
    }

    fn opens(&mut self, estate: &Arc<Estate>) {
        LOGS.add(estate);
    }

    fn closes(&mut self, estate: &Arc<Estate>) {
        LOGS.remove(estate);
    }

    fn ring_lock(&mut self) -> Arc<Descriptor> {
        let lock = self.ring.get_or_insert_default();
        RINGS.add(lock);
        Arc::clone(lock)
    }

    fn lent(&mut self, sink: u32) -> Arc<Handed> {
        self.lending.of(sink)
    }
}
