//! Whole-product tests live in `it/`; this library holds nothing.
