//! Surrogates.
