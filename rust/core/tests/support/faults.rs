//! System calls that fail: a traced child is told an error in the place of what its calls would have done.

use libc::{c_long, user_regs_struct};

use crate::support::process::Child;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does what it should.
    Done,
    /// It does nothing and says this error.
    Failed(i32),
    /// It does nothing and answers this.
    Answered(u64),
    /// A `write` writes half of what it was given; other calls do what they should.
    Half,
}

/// The calls by which the writer reaches its files, and the one that says whose they may be. A mapping counts only if it
/// is one of a file.
const CALLS: [c_long; 20] = [
    libc::SYS_geteuid,
    libc::SYS_openat,
    libc::SYS_open,
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_fallocate,
    libc::SYS_ftruncate,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_rename,
    libc::SYS_unlink,
    libc::SYS_getdents64,
    libc::SYS_mkdir,
    libc::SYS_mmap,
];

fn of_a_file(registers: &user_regs_struct) -> bool {
    let call = registers.orig_rax as c_long;
    CALLS.contains(&call) && (call != libc::SYS_mmap || registers.r8 as i32 >= 0)
}

impl Child {
    /// Lets a child that called `traced` run to its end, which must be a good one. `fate` is asked for each of its
    /// calls that concern files, by their number from 0.
    #[track_caller]
    pub fn run_with(&self, mut fate: impl FnMut(u64, c_long) -> Fate) {
        let mut status = self.wait(0);
        let mut asked = 0;
        let mut answer = None;
        let mut inside = false;
        while !libc::WIFEXITED(status) {
            assert!(libc::WIFSTOPPED(status), "the child was killed: {status:#x}");
            if libc::WSTOPSIG(status) == libc::SIGTRAP | 0x80 {
                inside = !inside;
                let mut registers = self.registers();
                if inside && of_a_file(&registers) {
                    let call = registers.orig_rax as c_long;
                    match fate(asked, call) {
                        Fate::Done => {}
                        Fate::Half if call == libc::SYS_write => registers.rdx /= 2,
                        Fate::Half => {}
                        Fate::Failed(number) => answer = Some(-i64::from(number) as u64),
                        Fate::Answered(value) => answer = Some(value),
                    }
                    if answer.is_some() {
                        // No such call.
                        registers.orig_rax = u64::MAX;
                    }
                    asked += 1;
                    self.set_registers(&registers);
                } else if let Some(value) = answer.take_if(|_| !inside) {
                    registers.rax = value;
                    self.set_registers(&registers);
                }
            } else {
                // Its first stop: from here on those at system calls can be told from others.
                // SAFETY: our stopped, traced child.
                unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, self.0, 0, libc::PTRACE_O_TRACESYSGOOD) };
            }
            // SAFETY: as above.
            unsafe { libc::ptrace(libc::PTRACE_SYSCALL, self.0, 0, 0) };
            status = self.wait(0);
        }
        assert_eq!(libc::WEXITSTATUS(status), 0, "the child failed");
    }

    fn registers(&self) -> user_regs_struct {
        // SAFETY: plain numbers, which may be zero; the child is ours, traced and stopped.
        unsafe {
            let mut registers: user_regs_struct = std::mem::zeroed();
            assert_eq!(libc::ptrace(libc::PTRACE_GETREGS, self.0, 0, &raw mut registers), 0);
            registers
        }
    }

    fn set_registers(&self, registers: &user_regs_struct) {
        // SAFETY: as in `registers`.
        unsafe { assert_eq!(libc::ptrace(libc::PTRACE_SETREGS, self.0, 0, registers), 0) };
    }
}
