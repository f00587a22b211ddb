//! Why TLS refused a connection, and what the user can do about it.

use rustls::CertificateError as Bad;
use ureq::ProxyProtocol;

use crate::api::endpoint::Endpoint;

/// Whether the machine has no root certificates at all.
pub fn has_no_roots(error: &ureq::Error) -> bool {
    // the verifier says so before it connects; what fails later comes as an I/O error
    matches!(error, ureq::Error::Rustls(rustls::Error::General(_)))
}

/// Whether rustls names the reason only by a debug form, which says nothing.
pub fn is_unnamed(error: &std::io::Error) -> bool {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(tls, Some(rustls::Error::InvalidCertificate(Bad::Other(_))))
}

/// What to do if TLS refused the connection; `None` if that is not the reason.
pub fn hint(error: &ureq::Error, endpoint: &Endpoint) -> Option<String> {
    let tls = match error {
        ureq::Error::Rustls(tls) => tls,
        ureq::Error::Io(io) => io.get_ref()?.downcast_ref()?,
        _ => return None,
    };
    let hint = match tls {
        rustls::Error::InvalidCertificate(bad) => certificate_hint(bad),
        rustls::Error::General(_) => match endpoint.roots_variable {
            Some(variable) => {
                return Some(format!("{variable} has no readable certificate"));
            }
            None => "this machine has no CA certificates; install ca-certificates",
        },
        rustls::Error::AlertReceived(_) => {
            "the server speaks TLS, but refuses this connection; does it want a client certificate?"
        }
        _ if endpoint
            .proxy
            .as_ref()
            .is_some_and(|proxy| proxy.protocol() == ProxyProtocol::Https) =>
        {
            "does the proxy itself speak TLS? if not, write http:// in front of its address"
        }
        _ => "does the server at --base-url speak TLS?",
    };
    Some(hint.into())
}

fn certificate_hint(bad: &Bad) -> &'static str {
    match bad {
        Bad::Expired | Bad::ExpiredContext { .. } => {
            "the server's certificate has expired, or this machine's clock is wrong"
        }
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet, or this machine's clock is wrong"
        }
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "the certificate belongs to another host; check --base-url"
        }
        Bad::UnknownIssuer | Bad::BadSignature => {
            "if you trust the issuer, put its certificate into a file and set SSL_CERT_FILE to its path"
        }
        _ => {
            "perhaps the server's certificate is a CA certificate, as openssl req -x509 makes it; add basicConstraints=CA:FALSE"
        }
    }
}
