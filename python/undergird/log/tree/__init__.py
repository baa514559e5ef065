"""The standard library's tree of loggers: our nodes and handlers on it, and its own way of a call."""
