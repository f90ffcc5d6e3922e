//! The commands, one module each, and the way from the arguments to the right one.

mod backup;
mod demo;
mod dispatch;
mod doctor;
mod dry_run;
mod fork;
mod init;
mod next_steps;
mod page;
mod pager;
mod receipt;
mod replay;
mod restore;
mod run;
mod runs;
mod sessions;
mod shell;
mod states;
mod table;
mod unavailable;
mod verify;

pub(crate) use dispatch::dispatch;
pub(crate) use sessions::store_error;
