//! The end-to-end tests: one binary, one module for each part of the product.

mod tidy;
