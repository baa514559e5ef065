//! How records become lines.
