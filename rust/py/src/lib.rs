//! `undergird._core`: the binding between Python and undergird-core. It converts and forwards.

use pyo3::prelude::*;

mod accept;
mod announcement;
mod compression;
mod control;
mod current;
mod dropin;
mod durability;
mod emit;
mod fast;
mod fork;
mod generation;
mod gil;
mod home;
mod hooks;
mod host;
mod inspection;
mod lending;
mod line;
mod outlets;
mod overload;
mod parts;
mod producer;
mod retirement;
mod route;
mod runtime;
mod siblings;
mod stats;
mod table;
mod thread;
mod waiting;

/// The native half of undergird. Not for use by itself: see `undergird` and `undergird.log`.
#[pymodule(gil_used = true)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::control::{
        compressions, configure, encode_rotation, flush, invalidate, probe, puts_aside_as, shutdown, start, take_back,
    };
    #[pymodule_export]
    use crate::dropin::attribute::stream_attribute;
    #[pymodule_export]
    use crate::dropin::counts::{logging_calls, native_calls};
    #[pymodule_export]
    use crate::dropin::lanes::let_go;
    #[pymodule_export]
    use crate::dropin::methods::{native_methods, stand_for};
    #[pymodule_export]
    use crate::dropin::write::fail;
    #[pymodule_export]
    use crate::emit::emit;
    #[pymodule_export]
    use crate::fast::bound::BoundLogger;
    #[pymodule_export]
    use crate::fast::clock::{SimulationClock, clock_failures, clock_times, set_clock, watch_clock};
    #[pymodule_export]
    use crate::fast::constants::set_constants;
    #[pymodule_export]
    use crate::fast::context::{get_context, set_context};
    #[pymodule_export]
    use crate::fast::fields::Fields;
    #[pymodule_export]
    use crate::fast::levels::{add_level_method, learn_level, level_numbers};
    #[pymodule_export]
    use crate::fast::logger::Logger;
    #[pymodule_export]
    use crate::fast::many::many;
    #[pymodule_export]
    use crate::fast::redaction::redact;
    #[pymodule_export]
    use crate::fast::sampling::{Gate, held_back, let_record_through, let_through, set_sampling, tell_held_back};
    #[pymodule_export]
    use crate::fast::site::skip_frames_in;
    #[pymodule_export]
    use crate::fast::values::ask_for_subclasses;
    #[pymodule_export]
    use crate::hooks::set_hooks;
    #[pymodule_export]
    use crate::inspection::{discard_ring, inspect_log, inspect_rings, recover_rings, ring_directories};
    #[pymodule_export]
    use crate::line::line;
    #[pymodule_export]
    use crate::stats::{positions, stats};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // PyO3 sees to this from CPython 3.12 on only.
        // SAFETY: the GIL is held, so there is a current interpreter.
        let interpreter = unsafe { pyo3::ffi::PyInterpreterState_GetID(pyo3::ffi::PyInterpreterState_Get()) };
        if interpreter != 0 {
            return Err(pyo3::exceptions::PyImportError::new_err(
                "undergird works in the main interpreter only, and this is a subinterpreter",
            ));
        }
        crate::generation::install();
        crate::fork::install();
        crate::fast::context::install(module.py())?;
        crate::fast::methods::install(&module.py().get_type::<Logger>())?;
        crate::fast::methods::install_bound(&module.py().get_type::<BoundLogger>())
    }
}
