//! A recording that is exported as a trace.

use codeloops_sinks::Sink;

use super::recording::Recording;
use crate::app::ReplayShowArgs;
use crate::error::CliError;
use crate::exported::sink_of_recording;
use crate::settings::ReplaySettings;
use crate::world::World;

/// The sink `otel`, where there is one.
pub(super) fn sink(
    recording: &Recording,
    args: &ReplayShowArgs,
    settings: &ReplaySettings,
    world: &World,
) -> Result<Option<Box<dyn Sink>>, CliError> {
    let Some(otel) = &settings.otel else { return Ok(None) };
    let times = args.times.unwrap_or_default();
    let ahead = recording.ahead(times)?;
    let told = ahead.recording(times, world.clock.now().at);
    sink_of_recording(Some(otel), &told, settings.close_timeout, &world.env)
}

/// A trace is one of a whole recording, and its times are for the sink `otel` alone.
pub(super) fn refuse_contradictions(
    args: &ReplayShowArgs,
    settings: &ReplaySettings,
) -> Result<(), CliError> {
    let of_a_part = [(args.from.is_some(), "--from"), (args.until.is_some(), "--until")];
    let part = of_a_part.into_iter().find_map(|(given, flag)| given.then_some(flag));
    match (&settings.otel, part) {
        (Some(_), Some(flag)) => Err(CliError::usage(format!(
            "`{flag}` is given, but the sink `otel` exports a recording as a whole"
        ))
        .hint("leave it out, or name other sinks: `--sink console`")),
        (None, _) if args.times.is_some() => {
            Err(CliError::usage("`--times` is given, but there is no sink `otel`")
                .hint("add `--sink otel`, or put \"otel\" into `enabled` of `[sinks]`"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[cfg(feature = "otel")]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::app::{App, Command};
    use crate::testing::Sandbox;

    /// Message and hint.
    fn refused(sandbox: &Sandbox, flags: &[&str]) -> Option<String> {
        let args = [&["codeloops", "replay", "latest"], flags].concat();
        let Some(Command::Replay(args)) = App::try_parse_from(args).unwrap().command else {
            panic!("a replay")
        };
        let settings = ReplaySettings::resolve(&args.show, &sandbox.world().0).unwrap();
        let error = refuse_contradictions(&args.show, &settings).err()?;
        Some(format!("{error}; {}", error.hints.join("; ")))
    }

    #[test]
    fn a_part_of_a_recording_is_no_trace() {
        let sandbox = Sandbox::new();
        for flag in ["--from", "--until"] {
            let refused = refused(&sandbox, &["--sink", "otel", flag, "1"]).unwrap();
            assert!(refused.contains(flag) && refused.contains("as a whole"), "{refused}");
        }
        assert_eq!(refused(&sandbox, &["--from", "1", "--until", "2"]), None);
        sandbox.global("[defaults.sinks]\nenabled = [\"console\", \"otel\"]\n");
        assert!(refused(&sandbox, &["--from", "1"]).is_some());
        assert_eq!(refused(&sandbox, &["--from", "1", "--sink", "console"]), None);
    }

    #[test]
    fn times_are_those_of_a_trace() {
        let sandbox = Sandbox::new();
        for times in ["original", "now"] {
            assert_eq!(refused(&sandbox, &["--sink", "otel", "--times", times]), None);
            let refused = refused(&sandbox, &["--times", times]).unwrap();
            assert!(refused.contains("no sink `otel`"), "{refused}");
        }
    }
}
