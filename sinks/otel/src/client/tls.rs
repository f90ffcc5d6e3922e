//! The connection to a receiver: whom it trusts, and what it shows of itself.

use std::sync::Arc;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::SetUpError;
use crate::options::{ClientIdentity, Protocol, Target, Tls};

/// What connects to the receiver. The system's authorities are read for `https` alone.
pub(super) fn connector(
    target: &Target,
    is_https: bool,
) -> Result<HttpsConnector<HttpConnector>, SetUpError> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(target.timeout));
    let roots = if is_https { roots(&target.tls)? } else { RootCertStore::empty() };
    let builder = HttpsConnectorBuilder::new().with_tls_config(config(roots, &target.tls)?);
    let builder = builder.https_or_http();
    Ok(match target.protocol {
        Protocol::Grpc => builder.enable_http2().wrap_connector(http),
        Protocol::HttpProtobuf => builder.enable_http1().wrap_connector(http),
    })
}

fn config(roots: RootCertStore, tls: &Tls) -> Result<ClientConfig, SetUpError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SetUpError::Tls(error.to_string()))?
        .with_root_certificates(roots);
    match &tls.client {
        None => Ok(builder.with_no_client_auth()),
        Some(ClientIdentity { certificate, key }) => {
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_slice(key)
                .map_err(|error| SetUpError::Tls(format!("the client's key: {error}")))?;
            let with_identity = builder.with_client_auth_cert(chain, key);
            with_identity.map_err(|error| SetUpError::Tls(error.to_string()))
        }
    }
}

fn roots(tls: &Tls) -> Result<RootCertStore, SetUpError> {
    let mut store = RootCertStore::empty();
    match &tls.certificates {
        Some(pem) => {
            for certificate in certificates(pem)? {
                let added = store.add(certificate);
                added.map_err(|error| SetUpError::Tls(error.to_string()))?;
            }
        }
        None => {
            let _unusable = store.add_parsable_certificates(native()?);
        }
    }
    Ok(store)
}

fn native() -> Result<Vec<CertificateDer<'static>>, SetUpError> {
    let loaded = rustls_native_certs::load_native_certs();
    if loaded.certs.is_empty() {
        let why = loaded.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        let message = format!("the system has no certificates of authorities{why}");
        return Err(SetUpError::Tls(message));
    }
    Ok(loaded.certs)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SetUpError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|error| SetUpError::Tls(format!("a certificate: {error}")))?;
    if read.is_empty() {
        return Err(SetUpError::Tls("there is no certificate in PEM in the file".to_owned()));
    }
    Ok(read)
}
