"""A run: set up, joined by other processes, ended; looked at and recovered from outside."""
