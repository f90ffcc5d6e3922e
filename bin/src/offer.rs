//! Values of options that a shell can complete.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};

/// A parser, with the values that completion scripts offer and the help names. What else the parser
/// accepts is as good.
#[derive(Debug, Clone)]
pub(crate) struct Offering<P> {
    parser: P,
    offered: Vec<String>,
}

impl<P> Offering<P> {
    pub(crate) fn new(parser: P, offered: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { parser, offered: offered.into_iter().map(Into::into).collect() }
    }
}

impl<P: TypedValueParser> TypedValueParser for Offering<P> {
    type Value = P::Value;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, Error> {
        self.parser.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.offered.iter().map(PossibleValue::new)))
    }
}
