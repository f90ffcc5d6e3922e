# Everything there is to check; the same as CI.
test:
    cargo xtask test

# What to run before a commit.
check:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings

# Look at changed snapshots, one by one.
snapshots:
    cargo insta review

# Write the generated pages of the book.
docs:
    cargo xtask docs

# Figures of docs/src/performance.md.
bench *names:
    cargo xtask bench {{names}}

# The terminal picture of the README.
picture:
    script -qec 'cargo run --quiet --release -- demo' target/demo.txt
    cargo xtask picture target/demo.txt
