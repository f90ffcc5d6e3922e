//! The working tree of a run: snapshots, their diffs, and what a critic changed.
//!
//! A snapshot is a tree object of everything that is in the working tree and not ignored, whether
//! committed, staged or neither. Diffs are made between two such trees, so commits, amends, resets
//! and switched branches change nothing about them. The user's index, HEAD, branches and stash are
//! only read; git works on a private index below `<git-dir>/codeloops/`.
//!
//! The private index holds the working tree as it was when the run was opened and is not written to
//! again: a look at the working tree tells the paths that differ from it, these are stored, and the
//! tree is the private index's own with these paths put over it. So nothing is hashed but what
//! changed, and nothing large is written.
//! Where the file system keeps the times of folders, git also notes in it which folders hold nothing
//! new (its untracked cache), and later reads only those that changed.
//!
//! Two ways lead there, behind one trait: the `git` program, and libgit2 in process where it gives
//! the same answers faster. libgit2 cannot open reftable, SHA-256 or sparse-index repositories.

mod attributes;
mod backend;
mod command;
mod discover;
mod error;
mod fingerprint;
mod folder_times;
mod index_copy;
mod inner;
mod library;
mod library_diff;
mod lock;
mod open;
mod patch;
mod path;
mod private_index;
mod program;
mod put_backs;
mod restore;
mod scan;
mod seal;
mod snapshots;
mod tracked;
