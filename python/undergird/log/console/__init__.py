"""Records for people, where they look."""
