"""The standard library's `logging.handlers`: every name is read and written there."""

import sys

from undergird.logging import _face

_face.make(sys.modules[__name__])
