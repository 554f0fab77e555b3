//! The wall clock, read here only.
