//! The settings as the sink itself takes them.

use codeloops_sink_otel as sink;
use codeloops_sink_otel::{ClientIdentity, OtelOptions, Target, Tls};

use super::{ExportedRun, MAX_VALUE_BYTES, Otel, OtelSettings, PemFiles, SignalSettings, resource};
use crate::error::CliError;
use crate::values::otel::{Compression, Content, Protocol};
use crate::world::Environment;

impl Otel {
    /// What the sink of a run is made with; none where there is to be no sink: it is disabled, or
    /// has nothing to export.
    ///
    /// # Errors
    /// As [`SignalSettings::read_files`].
    pub fn options(
        &self,
        run: &ExportedRun<'_>,
        env: &Environment,
    ) -> Result<Option<OtelOptions>, CliError> {
        match self {
            Self::Disabled => Ok(None),
            Self::On(settings) if !settings.spans.value && settings.metrics.is_none() => Ok(None),
            Self::On(settings) => settings.options(run, env).map(Some),
        }
    }
}

impl OtelSettings {
    /// Where spans and metrics go.
    ///
    /// # Errors
    /// As [`SignalSettings::read_files`].
    pub(crate) fn targets(&self) -> Result<Vec<Target>, CliError> {
        self.signals().map(SignalSettings::target).collect()
    }

    fn options(&self, run: &ExportedRun<'_>, env: &Environment) -> Result<OtelOptions, CliError> {
        let resource = resource(self, run, env).into_iter();
        Ok(OtelOptions {
            traces: self.traces.target()?,
            metrics: self.metrics.as_ref().map(SignalSettings::target).transpose()?,
            resource: resource.map(|(name, value)| (name, value.into())).collect(),
            content: self.content.value == Content::Attributes,
            longest_text: Some(self.max_value_bytes.value).filter(|limit| *limit < MAX_VALUE_BYTES),
            tools: self.tools.value,
            sampled: self.samples(run.trace_id, run.parent_sampled),
            trace_url: self.trace_url.as_ref().map(|url| url.value.as_str().to_owned()),
        })
    }
}

impl SignalSettings {
    fn target(&self) -> Result<Target, CliError> {
        let headers = self.headers.value.iter();
        Ok(Target {
            url: self.url.value.clone(),
            protocol: match self.protocol.value {
                Protocol::Grpc => sink::Protocol::Grpc,
                Protocol::HttpProtobuf => sink::Protocol::HttpProtobuf,
            },
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            compression: match self.compression.value {
                Compression::None => sink::Compression::None,
                Compression::Gzip => sink::Compression::Gzip,
            },
            timeout: self.timeout.value,
            tls: self.read_files()?.into(),
        })
    }
}

impl From<PemFiles> for Tls {
    fn from(files: PemFiles) -> Self {
        let client = files.client.map(|(certificate, key)| ClientIdentity { certificate, key });
        Self { certificates: files.certificates, client }
    }
}
