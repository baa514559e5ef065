"""The main job of the package in one run: a real simulation, every event of it logged, compared and checked.

`run_demo` runs the cell sorting of `undergird.testing.sorting` four times side by side: without logging, and with every
exchange of cells logged through undergird, the standard library and structlog. It measures what each adds, reads all
files back, and reports. The command ``undergird demo`` calls it.
"""

from undergird.testing.demo.results import Check, Control, DemoReport, Measurement
from undergird.testing.demo.run import run_demo

__all__ = ["Check", "Control", "DemoReport", "Measurement", "run_demo"]
