//! Where no bar is ever drawn.

/// Calls `write`: nothing is in its way.
pub(super) fn above(write: impl FnOnce()) {
    write();
}

/// Nothing is drawn.
pub(super) fn clear() {}
