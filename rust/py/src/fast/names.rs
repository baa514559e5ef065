//! Names of process, thread and task, and their numbers: what lines say on request about who logged. The fields that all
//! records of a run carry stand in the same group.

use std::sync::Arc;

use pyo3::exceptions::PyException;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use undergird_core::record::{Header, INLINE, Value, encode_group, flags};
use undergird_core::scratch::Scratch;

use super::constants::{Constants, constants};
use super::limits::Noticed;
use super::upcall::call;
use super::values::encode;
use crate::producer::GilSide;
use crate::runtime::Runtime;

/// The fields in their order; a bit each, as `undergird.log.names` numbers them.
const KEYS: [&[u8]; 6] = [b"process_name", b"process_id", b"rank", b"thread_name", b"thread_id", b"task_name"];
const PROCESS: u8 = 1;
const PROCESS_ID: u8 = 1 << 1;
const RANK: u8 = 1 << 2;
const THREAD: u8 = 1 << 3;
const THREAD_ID: u8 = 1 << 4;
/// Only the code of a task has one, so it is the last.
const TASK: u8 = 1 << 5;

/// Which fields a plan wants, and what they are in this process.
#[derive(Clone, Copy, Default)]
pub struct Names {
    wanted: u8,
    process_id: u32,
    rank: i64,
    /// The keys in the dictionary: of all fields, and of those but the task's.
    keys: [u32; 2],
    /// Whether there are fields of the run, which are those of now: with others, all plans are made anew.
    constants: bool,
}

impl Names {
    /// What is wanted; the rank of this process among those of its job, if it has one; and whether the run has fields.
    pub fn new(wanted: u8, rank: Option<i64>, constants: bool) -> Self {
        let wanted = if rank.is_some() { wanted } else { wanted & !RANK };
        // A plan is made anew after a fork.
        Self { wanted, process_id: std::process::id(), rank: rank.unwrap_or(0), keys: [INLINE; 2], constants }
    }

    /// Whether nothing is wanted.
    pub fn is_empty(self) -> bool {
        self.wanted == 0 && !self.constants
    }

    /// Enters the keys into the dictionary.
    pub fn enter(&mut self, py: Python<'_>, runtime: &Runtime, gil: &mut GilSide) {
        let of_the_run = self.of_the_run(py);
        let constants = of_the_run.iter().flat_map(|constants| constants.keys.iter().cloned());
        let mut number =
            |wanted| gil.shape(&runtime.memory, keys(wanted).map(Box::from).chain(constants.clone()).collect());
        self.keys = [number(self.wanted), number(self.wanted & !TASK)];
    }

    fn of_the_run(self, py: Python<'_>) -> Option<Arc<Constants>> {
        if self.constants { constants(py) } else { None }
    }

    /// Appends the group of those that there are.
    ///
    /// # Errors
    /// Only what is not for a logger to swallow.
    ///
    /// # Safety
    /// The GIL is held; Python code may run.
    #[inline(never)]
    pub unsafe fn encode(
        self,
        py: Python<'_>,
        header: &mut Header,
        out: &mut Scratch,
        noticed: &mut Noticed,
    ) -> PyResult<()> {
        let mut there = self.wanted;
        let mut task = None;
        if there & TASK != 0 {
            task = swallowed(task_name(py, noticed))?;
            there &= if task.is_some() { !0 } else { !TASK };
        }
        let of_the_run = self.of_the_run(py);
        let constants = of_the_run.as_deref();
        if there == 0 && constants.is_none() {
            return Ok(());
        }
        header.flags |= flags::NAMES;
        let number = self.keys[usize::from(there != self.wanted)];
        encode_group(number, there.count_ones() as u16 + constants.map_or(0, Constants::count), out);
        for (bit, key) in KEYS.iter().enumerate() {
            let field = there & 1 << bit;
            if field == 0 {
                continue;
            }
            if number == INLINE {
                out.text(key);
            }
            let name = match field {
                PROCESS => swallowed(process_name(py))?,
                THREAD => swallowed(thread_name(py, noticed))?,
                TASK => task.take(),
                _ => {
                    let value = match field {
                        PROCESS_ID => self.process_id.into(),
                        RANK => self.rank,
                        THREAD_ID => thread_id(),
                        _ => 0,
                    };
                    Value::Int(value).encode(out);
                    continue;
                }
            };
            match name {
                // SAFETY: live objects, and the GIL is held.
                Some(name) => unsafe { encode(name.as_ptr(), || pyo3::intern!(py, "name").as_ptr(), out, noticed)? },
                None => Value::None.encode(out),
            }
        }
        if let Some(constants) = constants {
            constants.encode(number, out);
        }
        Ok(())
    }
}

fn keys(wanted: u8) -> impl Iterator<Item = &'static [u8]> {
    KEYS.into_iter().enumerate().filter(move |(bit, _)| wanted & 1 << bit != 0).map(|(_, key)| key)
}

/// A name that could not be found is none.
fn swallowed<T>(name: PyResult<Option<T>>) -> PyResult<Option<T>> {
    match name {
        // SAFETY: the GIL is held while a call is put together.
        Err(error) if error.is_instance_of::<PyException>(unsafe { Python::assume_attached() }) => Ok(None),
        other => other,
    }
}

fn thread_id() -> i64 {
    // SAFETY: no preconditions.
    unsafe { ffi::PyThread_get_thread_ident() as i64 }
}

/// A module's variable, if the program has loaded the module. Runs no Python code.
fn variable<'py>(
    py: Python<'py>,
    module: &Bound<'py, PyString>,
    name: &Bound<'py, PyString>,
) -> Option<Bound<'py, PyAny>> {
    // SAFETY: live objects, and plain strs as keys; what is found is borrowed, so a reference of our own is taken.
    unsafe {
        let module = ffi::PyDict_GetItemWithError(ffi::PyImport_GetModuleDict(), module.as_ptr());
        if module.is_null() || ffi::PyModule_Check(module) == 0 {
            return None;
        }
        let value = ffi::PyDict_GetItemWithError(ffi::PyModule_GetDict(module), name.as_ptr());
        Bound::from_borrowed_ptr_or_opt(py, value)
    }
}

/// As the standard library's records have it: `MainProcess` unless `multiprocessing` says otherwise.
fn process_name(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    let process = variable(py, pyo3::intern!(py, "multiprocessing.process"), pyo3::intern!(py, "_current_process"));
    let Some(process) = process else { return Ok(Some(pyo3::intern!(py, "MainProcess").clone().into_any())) };
    process.getattr(pyo3::intern!(py, "_name")).map(Some)
}

/// The name that this thread has now. Its object is kept in the thread's own state, which goes with it.
fn thread_name<'py>(py: Python<'py>, noticed: &mut Noticed) -> PyResult<Option<Bound<'py, PyAny>>> {
    // SAFETY: the GIL is held; the dictionary is borrowed, and null only where there is no memory.
    let state = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyThreadState_GetDict()) };
    let Some(state) = state else { return Ok(None) };
    // SAFETY: the thread state's own dictionary.
    let state = unsafe { state.cast_unchecked::<PyDict>() };
    let key = pyo3::intern!(py, "undergird.thread");
    let thread = match state.get_item(key)? {
        Some(thread) => thread,
        None => {
            noticed.ran_python = true;
            let threading = py.import(pyo3::intern!(py, "threading"))?;
            let thread = call(&threading.getattr(pyo3::intern!(py, "current_thread"))?, [])?;
            // What a thread is called that is not Python's own may be found out later.
            if !thread.get_type().is(&threading.getattr(pyo3::intern!(py, "_DummyThread"))?) {
                state.set_item(key, &thread)?;
            }
            thread
        }
    };
    thread.getattr(pyo3::intern!(py, "_name")).map(Some)
}

/// The name of the task that is running, if there is one. Where asyncio is not loaded, none is.
fn task_name<'py>(py: Python<'py>, noticed: &mut Noticed) -> PyResult<Option<Bound<'py, PyAny>>> {
    let running_loop = variable(py, pyo3::intern!(py, "asyncio.events"), pyo3::intern!(py, "_get_running_loop"));
    let Some(running_loop) = running_loop else { return Ok(None) };
    let event_loop = call(&running_loop, [])?;
    if event_loop.is_none() {
        return Ok(None);
    }
    let current_task = variable(py, pyo3::intern!(py, "asyncio.tasks"), pyo3::intern!(py, "current_task"));
    let Some(current_task) = current_task else { return Ok(None) };
    noticed.ran_python = true;
    let task = call(&current_task, [&event_loop])?;
    if task.is_none() {
        return Ok(None);
    }
    call(&task.getattr(pyo3::intern!(py, "get_name"))?, []).map(Some)
}
