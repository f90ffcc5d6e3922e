//! codeloops, the program.

fn main() {}
