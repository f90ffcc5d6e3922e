//! decoders on recordings.
