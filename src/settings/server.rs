//! Which server is asked, with which key and headers: URLs and header lines as users write them.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use ureq::http::{HeaderName, HeaderValue, Uri};

use super::cli::{Auth, Cli};
use super::key::Source as KeySource;
use super::variable;
use crate::api::{self, Header};
use crate::error::{Failure, Kind};

const BASE_URL: &str = "https://api.anyrouter.top";

/// The server and, where `needs_key`, the key that belongs to it and goes nowhere else.
pub fn server(
    cli: &Cli,
    chosen: Option<(String, &str)>,
    needs_key: bool,
) -> Result<(api::Endpoint, KeySource)> {
    let own_key = variable("ANYROUTER_API_KEY");
    let key_given =
        cli.api_key_file.is_some() || cli.api_key_command.is_some() || own_key.is_some();
    let at = |(base, from): (String, &str)| messages_url(&base, from, cli.allow_http);
    // a token of another tool counts only together with that tool's server
    let pair = variable("ANTHROPIC_BASE_URL").zip(variable("ANTHROPIC_AUTH_TOKEN"));
    let pair = pair.filter(|_| !key_given);
    let (url, token) = match (chosen, pair) {
        (None, None) => (at((BASE_URL.into(), "--base-url"))?, None),
        (None, Some((base, token))) => (at((base, "ANTHROPIC_BASE_URL"))?, Some(token)),
        (Some(chosen), None) => (at(chosen)?, None),
        (Some(chosen), Some((base, token))) => {
            let url = at(chosen)?;
            let same = messages_url(&base, "ANTHROPIC_BASE_URL", true).is_ok_and(|its| its == url);
            (url, same.then_some(token))
        }
    };
    let headers = headers(&cli.header)?;
    let auth = match cli.auth {
        Some(Auth::XApiKey) => api::Auth::XApiKey,
        _ => api::Auth::Bearer,
    };
    let brings_key = headers.iter().any(|header| header.name == auth.header());
    let key = match (&cli.api_key_file, &cli.api_key_command) {
        _ if !needs_key || brings_key => KeySource::NotNeeded,
        (Some(path), _) => KeySource::File(path.clone()),
        (_, Some(command)) => KeySource::Command(command.clone()),
        _ => match (own_key, token) {
            (Some(value), _) => KeySource::Variable("ANYROUTER_API_KEY", value),
            (_, Some(value)) => KeySource::Variable("ANTHROPIC_AUTH_TOKEN", value),
            _ => KeySource::Missing,
        },
    };
    let proxies = api::Proxies {
        https: variable("https_proxy").or_else(|| variable("HTTPS_PROXY")),
        http: variable("http_proxy"),
        all: variable("all_proxy").or_else(|| variable("ALL_PROXY")),
        none_for: variable("no_proxy").or_else(|| variable("NO_PROXY")),
    };
    let endpoint = api::Endpoint {
        proxy: api::proxy_for(&url, &proxies)?,
        url,
        auth,
        headers,
        timeout: Duration::from_secs_f64(cli.timeout.unwrap_or(300.0)),
        own_roots: ["SSL_CERT_FILE", "SSL_CERT_DIR"]
            .into_iter()
            .find(|name| variable(name).is_some()),
        connections: 0,
        connect_timeout: Duration::from_secs_f64(cli.connect_timeout.unwrap_or(10.0)),
    };
    Ok((endpoint, key))
}

/// The URL of the messages endpoint under `base`: the path is appended to, never replaced.
/// `from` names the flag or variable that gave it.
pub fn messages_url(base: &str, from: &str, allow_http: bool) -> Result<Uri> {
    // what is shown of it has no password in it
    let wrong = |why: &str| {
        Failure::new(
            Kind::Usage,
            format!("{from} {}: {why}", without_password(base)),
        )
    };
    let example = "it looks like https://api.anyrouter.top or http://localhost:8080";
    let url: Uri = base
        .trim()
        .parse()
        .map_err(|_| wrong("this is no URL").hint(example))?;
    let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return Err(wrong("the URL lacks its https:// or http://")
            .hint(example)
            .into());
    };
    if !matches!(scheme, "http" | "https") {
        return Err(wrong("only https:// and http:// can be asked")
            .hint(example)
            .into());
    }
    if authority.as_str().contains('@') {
        return Err(wrong("a URL with a user name or password is not taken")
            .hint("the key goes its own ways: see --api-key-file")
            .into());
    }
    let port = authority
        .as_str()
        .strip_prefix(authority.host())
        .unwrap_or_default();
    let port = port.strip_prefix(':').map(str::parse::<u16>);
    if port.is_some_and(|port| !port.is_ok_and(|port| port > 0)) {
        return Err(wrong("the port is no number from 1 to 65535")
            .hint(example)
            .into());
    }
    if scheme == "http" && !allow_http && !is_loopback(authority.host()) {
        return Err(wrong("the key would travel unencrypted")
            .hint("use https://, or --allow-http if that network is yours")
            .into());
    }
    let path = url.path().trim_end_matches('/');
    let path = if path.ends_with("/v1/messages") {
        path.to_string()
    } else if path.ends_with("/v1") {
        format!("{path}/messages")
    } else {
        format!("{path}/v1/messages")
    };
    let query = url
        .query()
        .map_or(String::new(), |query| format!("?{query}"));
    let whole = format!("{scheme}://{authority}{path}{query}");
    whole
        .parse()
        .map_err(|_| wrong("this is no URL").hint(example).into())
}

/// Whether requests to `host` stay on this machine.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let name = host.trim_end_matches('.');
    // a name below localhost is asked of whoever answers for names
    address.map_or(name.eq_ignore_ascii_case("localhost"), |address| {
        address.is_loopback()
    })
}

fn without_password(url: &str) -> String {
    match (url.find("//"), url.rfind('@')) {
        (Some(start), Some(end)) if start < end => {
            format!("{}//[redacted]{}", &url[..start], &url[end..])
        }
        _ => url.into(),
    }
}

/// The headers of all `--header` values: `Name: value`, or `@FILE` with one a line.
pub fn headers(given: &[String]) -> Result<Vec<Header>> {
    let mut headers = Vec::new();
    for text in given {
        match text.strip_prefix('@') {
            None => headers.push(header(text, &Place::Argument)?),
            Some(path) => {
                let lines = std::fs::read_to_string(path).with_context(|| {
                    Failure::new(Kind::Local, format!("cannot read the header file {path}"))
                })?;
                for (number, line) in (1..).zip(lines.lines()) {
                    if !line.trim().is_empty() {
                        headers.push(header(line, &Place::File(path, number))?);
                    }
                }
            }
        }
    }
    Ok(headers)
}

/// Where a header was written.
enum Place<'a> {
    Argument,
    /// A file, and the number of the line in it.
    File(&'a str, usize),
}

fn header(line: &str, place: &Place) -> Result<Header> {
    // the value may be a secret, so at most the name is shown
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    let name = name.trim();
    let shown = match place {
        Place::File(path, number) => format!("line {number} of {path}"),
        Place::Argument => format!("--header '{name}'"),
    };
    let wrong = |why: &str| Failure::new(Kind::Usage, format!("{shown}: {why}"));
    let form = "it is 'Name: value', such as 'x-trace: ci-42'";
    let parsed: HeaderName = name
        .parse()
        .map_err(|_| wrong("this is no header name").hint(form))?;
    let value = value.trim();
    if value.is_empty() {
        return Err(wrong("the header has no value").hint(form).into());
    }
    let value = HeaderValue::from_str(value)
        .map_err(|_| wrong("the header's value has control characters"))?;
    match parsed.as_str() {
        "content-length" | "transfer-encoding" | "connection" => Err(wrong("this header belongs to the connection").into()),
        "authorization" | "x-api-key" | "proxy-authorization" | "cookie" if matches!(place, Place::Argument) => {
            Err(wrong("a secret on the command line can be read by every user of the machine")
                .hint("--header @FILE reads it from a file; the key itself goes into ANYROUTER_API_KEY or --api-key-file")
                .into())
        }
        _ => Ok(Header { name: parsed, value, file: match place {
                Place::File(path, _) => Some((*path).into()),
                Place::Argument => None,
            } }),
    }
}
