//! The end-to-end tests: one binary, one module for each part of the product.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod tidy;
