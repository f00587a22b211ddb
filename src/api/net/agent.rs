//! The agent of the HTTP library, as this program needs it, and a request as the library takes it.

use std::net::IpAddr;
use std::time::Duration;

use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, http};

use super::resolver::Ipv4First;
use super::transport::Wrapping;
use crate::api::endpoint::Endpoint;
use crate::api::request::Prepared;

/// The largest head of an answer, in bytes.
const LARGEST_HEAD: usize = 64 << 10;
/// How much of a request is sent at once, in bytes.
const OUTPUT_BUFFER: usize = 16 << 10;

/// The request as the library takes it. Its answer has to be complete when no time is `left`.
pub fn request<'a>(
    agent: &Agent,
    prepared: &'a Prepared,
    left: Option<Duration>,
) -> Result<http::Request<&'a [u8]>, ureq::Error> {
    let mut request = http::Request::builder().method(&prepared.method).uri(&prepared.url);
    for header in &prepared.headers {
        request = request.header(&header.name, &header.value);
    }
    let request = request.body(&prepared.body[..])?;
    Ok(match left {
        Some(_) => agent.configure_request(request).timeout_global(left).build(),
        None => request,
    })
}

/// An agent that keeps an idle connection for the next request only if `reuse` says so.
pub fn agent(endpoint: &Endpoint, roots: RootCerts, wrapping: &Wrapping, reuse: bool) -> Agent {
    let host = endpoint.url.host().unwrap_or_default().trim_matches(['[', ']']);
    // a look-up with a time limit takes a thread, which an address does not need
    let resolve = host.parse::<IpAddr>().is_err().then_some(endpoint.connect_timeout);
    let connections = usize::from(endpoint.keep_alive && reuse);
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(endpoint.proxy.clone())
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .timeout_resolve(resolve)
        .timeout_connect(Some(endpoint.connect_timeout))
        .timeout_per_read(Some(endpoint.timeout))
        .timeout_per_write(Some(endpoint.timeout))
        .max_response_header_size(LARGEST_HEAD)
        .max_idle_connections(connections)
        .max_idle_connections_per_host(connections)
        // one more byte shows that a head is too large
        .input_buffer_size(LARGEST_HEAD + 1)
        .output_buffer_size(OUTPUT_BUFFER)
        .build();
    Agent::with_parts(config, wrapping.clone(), Ipv4First::default())
}
