//! Times as programs give them.

use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;

/// A number that a float can hold.
pub struct Moment(pub f64);

impl<'py> FromPyObject<'_, 'py> for Moment {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        given.extract().map(Self).map_err(|error: PyErr| {
            if error.is_instance_of::<PyOverflowError>(given.py()) {
                // Without its digits, of which there may be more than can be shown.
                return PyValueError::new_err("time is an integer that no float can hold");
            }
            error
        })
    }
}

/// The last whole second of a stamp: it is 64 bits of nanoseconds since the epoch.
const LATEST: f64 = 18_446_744_073.0;

/// A time that a record can bear.
pub fn possible(time: f64, stamps: bool) -> PyResult<f64> {
    let problem = if !time.is_finite() {
        "is not finite"
    } else if stamps && !(0.0..=LATEST).contains(&time) {
        "is no stamp: these are seconds since 1970, from 0 to 18446744073 (in the year 2554)"
    } else {
        return Ok(time);
    };
    Err(PyValueError::new_err(format!("time {time:?} {problem}")))
}
