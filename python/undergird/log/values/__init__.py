"""Any Python value as a field: bounded, redacted, and never raising."""
