//! Child processes: started, watched, killed, and stopped at their system calls.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// A child inherits every descriptor, and with them the locks of other tests: so one test at a time.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Numbers that a child and its parent both see.
pub struct Shared(NonNull<AtomicU64>);

impl Shared {
    pub fn new() -> Self {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping; it is never unmapped.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), 4096, access, flags, -1, 0) };
        assert_ne!(page, libc::MAP_FAILED);
        Self(NonNull::new(page.cast()).expect("mapped"))
    }

    fn at(&self, index: usize) -> &AtomicU64 {
        assert!(index < 512);
        // SAFETY: inside the page, which is zeroed and lives as long as the process.
        unsafe { self.0.add(index).as_ref() }
    }

    pub fn get(&self, index: usize) -> u64 {
        // ORDERING: Acquire pairs with the Release in `set`.
        self.at(index).load(Ordering::Acquire)
    }

    /// Waits until a number is not zero.
    pub fn wait_for(&self, index: usize) {
        while self.get(index) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn set(&self, index: usize, value: u64) {
        // ORDERING: Release pairs with the Acquire in `get`.
        self.at(index).store(value, Ordering::Release);
    }
}

/// A child process; it does not outlive its test.
pub struct Child(pub i32, std::cell::Cell<bool>);

impl Child {
    /// A process that runs `work` and ends without any cleaning up.
    pub fn start(work: impl FnOnce()) -> Self {
        // SAFETY: the child runs on with this thread alone; what it calls needs no other, and it ends by `_exit`.
        match unsafe { libc::fork() } {
            -1 => panic!("no fork: {}", std::io::Error::last_os_error()),
            0 => {
                let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
                // SAFETY: ends this process.
                unsafe { libc::_exit(if done.is_ok() { 0 } else { 99 }) }
            }
            child => Self(child, false.into()),
        }
    }

    pub fn kill(&self) {
        // SAFETY: our child, not waited for yet, so the number is still its own.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: as in `kill`.
        unsafe { libc::kill(self.0, signal) };
    }

    pub fn wait(&self, options: i32) -> i32 {
        let mut status = 0;
        // SAFETY: `status` is valid for writing.
        assert_eq!(unsafe { libc::waitpid(self.0, &raw mut status, options) }, self.0);
        self.1.set(libc::WIFEXITED(status) || libc::WIFSIGNALED(status));
        status
    }

    pub fn join(&self) {
        let status = self.wait(0);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "the child failed: {status:#x}");
    }

    /// Lets a child that called [`traced`] run to the `n`-th beginning or end of a system call and kills it there;
    /// whether it came so far.
    pub fn kill_at_stop(&self, n: u64) -> bool {
        let mut status = self.wait(0);
        for _ in 0..n {
            if libc::WIFEXITED(status) {
                assert_eq!(libc::WEXITSTATUS(status), 0, "the child failed");
                return false;
            }
            assert!(libc::WIFSTOPPED(status), "{status:#x}");
            // SAFETY: our stopped, traced child.
            unsafe { libc::ptrace(libc::PTRACE_SYSCALL, self.0, 0, 0) };
            status = self.wait(0);
        }
        if libc::WIFEXITED(status) {
            return false;
        }
        self.kill();
        self.wait(0);
        true
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.1.get() {
            self.kill();
            self.wait(0);
        }
    }
}

/// Called by a child that is to be killed at a system call: stops until the parent lets it go on.
pub fn traced() {
    // SAFETY: makes the parent the tracer and stops.
    unsafe {
        assert_eq!(libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0), 0, "tracing is not allowed here");
        libc::raise(libc::SIGSTOP);
    }
}
