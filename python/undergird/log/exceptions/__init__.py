"""Exceptions as texts: tracebacks, variables of frames, and what catches them."""
