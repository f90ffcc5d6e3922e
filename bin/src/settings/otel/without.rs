//! A build that has no sink `otel` says so.

use crate::app::OtelArgs;
use crate::config::Config;
use crate::settings::origin::Layers;
use crate::testing::Sandbox;
use crate::values::SinkSpec;

#[test]
fn the_sink_is_refused_by_a_build_that_has_none() {
    let (env, config) = (Sandbox::new().world().0.env, Config::default());
    let (args, layers) = (OtelArgs::default(), Layers { config: &config });
    let error = super::Otel::resolve(&[SinkSpec::Otel], &args, layers, &env).unwrap_err();
    insta::assert_snapshot!(error, @"this build of codeloops has no sink `otel`");
    assert!(super::Otel::resolve(&[], &args, layers, &env).unwrap().is_none());
}
