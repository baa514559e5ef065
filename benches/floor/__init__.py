"""A native module with empty methods, compiled when a bench first needs it."""
