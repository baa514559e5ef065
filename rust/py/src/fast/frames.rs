//! The Python frame that is running, seen without making an object of it where the interpreter allows that.

use std::ffi::c_int;

use pyo3::ffi;

/// A code object, held, and the offset of the instruction that is running in it, in bytes.
pub struct Place {
    code: *mut ffi::PyObject,
    /// The offset of the instruction.
    pub offset: c_int,
}

impl Place {
    /// The code object; lives as long as this.
    pub fn code(&self) -> *mut ffi::PyObject {
        self.code
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // SAFETY: the reference that was taken; the frame holds another, so that nothing is freed here.
        unsafe { ffi::Py_DECREF(self.code) };
    }
}

/// The frame whose code called us; `None` if there is none, as in a thread that C started.
///
/// # Safety
/// The GIL is held. On CPython 3.11 Python code may run.
#[cfg(Py_3_12)]
#[inline]
pub unsafe fn innermost() -> Option<Place> {
    // SAFETY: with the GIL held there is a thread state; while a function of ours runs, the frame that called it is
    // complete and stays.
    unsafe {
        let frame = layout::current_frame(ffi::PyThreadState_Get().cast());
        if frame.is_null() {
            return None;
        }
        let code = ffi::PyUnstable_InterpreterFrame_GetCode(frame);
        let place = Place { code, offset: ffi::PyUnstable_InterpreterFrame_GetLasti(frame) };
        (ffi::Py_TYPE(code) == &raw mut ffi::PyCode_Type).then_some(place)
    }
}

/// As above. CPython 3.11 has no function that looks into a frame before it is an object.
#[cfg(not(Py_3_12))]
#[inline]
pub unsafe fn innermost() -> Option<Place> {
    // SAFETY: the caller's promise.
    unsafe { place_of(ffi::PyEval_GetFrame()) }
}

/// Frames from the innermost to the outermost, as objects. Going through them may run Python code.
pub struct Frames(*mut ffi::PyFrameObject);

/// All frames of this thread.
///
/// # Safety
/// The GIL is held as long as the result lives.
pub unsafe fn all() -> Frames {
    // SAFETY: null, or borrowed from the interpreter, so that a reference of our own is taken.
    unsafe {
        let frame = ffi::PyEval_GetFrame();
        ffi::Py_XINCREF(frame.cast());
        Frames(frame)
    }
}

impl Iterator for Frames {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        // SAFETY: null, or a live frame that we hold, which is exchanged for the one that called it.
        unsafe {
            let place = place_of(self.0)?;
            let back = ffi::PyFrame_GetBack(self.0);
            ffi::Py_DECREF(std::mem::replace(&mut self.0, back).cast());
            Some(place)
        }
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        // SAFETY: null, or the reference that we hold.
        unsafe { ffi::Py_XDECREF(self.0.cast()) };
    }
}

/// # Safety
/// Null or a live frame, and the GIL is held.
unsafe fn place_of(frame: *mut ffi::PyFrameObject) -> Option<Place> {
    // SAFETY: the caller's promise; the code comes with a reference.
    unsafe {
        (!frame.is_null())
            .then(|| Place { code: ffi::PyFrame_GetCode(frame).cast(), offset: ffi::PyFrame_GetLasti(frame) })
    }
}

/// The beginning of `struct _ts` as `cpython/pystate.h` declares it, which is the same in all releases of a version.
#[cfg(Py_3_12)]
mod layout {
    use std::ffi::{c_int, c_uint, c_void};

    use pyo3::ffi::_PyInterpreterFrame;

    #[cfg(Py_3_13)]
    #[repr(C)]
    pub struct ThreadState {
        _prev_next_interp: [*mut c_void; 3],
        _eval_breaker: usize,
        _status: c_uint,
        _whence_state: [c_int; 2],
        _recursion: [c_int; 4],
        _tracing_what_event: [c_int; 2],
        current_frame: *mut _PyInterpreterFrame,
    }

    #[cfg(not(Py_3_13))]
    #[repr(C)]
    pub struct ThreadState {
        _prev_next_interp: [*mut c_void; 3],
        _status: c_uint,
        _recursion: [c_int; 4],
        _tracing_what_event: [c_int; 2],
        cframe: *mut *mut _PyInterpreterFrame,
    }

    /// # Safety
    /// This thread's state.
    #[cfg(Py_3_13)]
    #[inline]
    pub unsafe fn current_frame(state: *mut ThreadState) -> *mut _PyInterpreterFrame {
        // SAFETY: the caller's promise.
        unsafe { (*state).current_frame }
    }

    /// # Safety
    /// This thread's state.
    #[cfg(not(Py_3_13))]
    #[inline]
    pub unsafe fn current_frame(state: *mut ThreadState) -> *mut _PyInterpreterFrame {
        // SAFETY: the caller's promise; `cframe` is never null, and begins with the frame.
        unsafe { *(*state).cframe }
    }
}
