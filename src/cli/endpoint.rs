//! The server: its URL, the user's headers, the proxy and the source of the key.

use std::net::IpAddr;

use anyhow::{Context, Result};
use ureq::http::Uri;

use super::args::Args;
use super::key::Source as KeySource;
use super::values::{HeaderArg, messages_url, parse_header};
use super::{usage_error, variable};
use crate::api::{self, Endpoint, Header, Origin};
use crate::error::{Failure, Kind};

const DEFAULT_URL: &str = "https://api.anyrouter.top/v1/messages";

/// The server and the source of its key. The endpoint has no key yet.
pub fn endpoint(args: &Args) -> Result<(Endpoint, KeySource)> {
    let own_key = own_key(args);
    // another tool's token counts only together with that tool's server
    let pair = variable("ANTHROPIC_BASE_URL").zip(variable("ANTHROPIC_AUTH_TOKEN"));
    let pair = pair.filter(|_| own_key.is_none());
    let pair = pair.map(|(base, token)| (messages_url(&base, "ANTHROPIC_BASE_URL"), token));
    let (url, token) = match (args.base_url.clone(), pair) {
        (None, None) => (Uri::from_static(DEFAULT_URL), None),
        (None, Some((url, token))) => (url?, Some(token)),
        (Some(url), pair) => {
            let token = pair.filter(|(other, _)| other.as_ref().is_ok_and(|other| *other == url));
            (url, token.map(|(_, token)| token))
        }
    };
    let host = url.host().unwrap_or_default();
    if url.scheme_str() == Some("http") && !args.allow_http && !is_loopback(host) {
        let failure = usage_error(format!("http:// would send the key unencrypted to {host}"));
        return Err(failure.hint("use https://, or --allow-http if you trust the network").into());
    }
    let headers = headers(args)?;
    let carrying = headers.iter().find(|header| header.name == args.auth.name());
    let key = match (carrying, own_key, token) {
        (Some(header), ..) => KeySource::Header(header.value.clone()),
        (_, Some(own), _) => own,
        (.., Some(token)) => KeySource::Variable("ANTHROPIC_AUTH_TOKEN", token),
        _ => KeySource::Missing,
    };
    let proxies = api::Proxies {
        https: variable("https_proxy").or_else(|| variable("HTTPS_PROXY")),
        http: variable("http_proxy"),
        all: variable("all_proxy").or_else(|| variable("ALL_PROXY")),
        none_for: variable("no_proxy").or_else(|| variable("NO_PROXY")),
    };
    let roots = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
    let endpoint = Endpoint {
        proxy: api::proxy_for(&url, &proxies)?,
        url,
        auth: args.auth,
        key: None,
        headers,
        timeout: args.timeout,
        connect_timeout: args.connect_timeout,
        language: language(),
        keep_alive: args.batch.is_some(),
        roots_variable: roots.into_iter().find(|name| variable(name).is_some()),
    };
    Ok((endpoint, key))
}

/// The user's language as HTTP has it: `zh_CN.UTF-8` is `zh-CN`, and no locale is `en`.
fn language() -> String {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(variable);
    let locale = locale.unwrap_or_default();
    let name = locale.split(['.', '@']).next().unwrap_or_default().replace('_', "-");
    let is_language = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match &*name {
        "" | "C" | "POSIX" => "en".into(),
        _ if is_language => name,
        _ => "en".into(),
    }
}

/// The key that is given for this program.
fn own_key(args: &Args) -> Option<KeySource> {
    let file = args.api_key_file.clone().map(KeySource::File);
    file.or_else(|| args.api_key_command.clone().map(KeySource::Command))
        .or_else(|| Some(KeySource::Variable("ANYROUTER_API_KEY", variable("ANYROUTER_API_KEY")?)))
}

/// Whether requests to `host` stay on this machine. Names below localhost are looked up, so they may not.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let name = host.trim_end_matches('.');
    address.map_or(name.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}

fn headers(args: &Args) -> Result<Vec<Header>> {
    let mut headers = Vec::new();
    for value in &args.header {
        match value {
            HeaderArg::Plain(header) => headers.push(header.clone()),
            HeaderArg::File(path) => {
                let read = read_headers(path);
                headers.extend(read.map_err(|error| args.locate("header", path, error))?);
            }
        }
    }
    Ok(headers)
}

/// The headers in a file, one per line.
fn read_headers(path: &str) -> Result<Vec<Header>> {
    let cannot = || Failure::new(Kind::Local, format!("cannot read the header file {path}"));
    let text = std::fs::read_to_string(path).with_context(cannot)?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let headers = lines.map(|(number, line)| {
        parse_header(line, &format!("{path}:{number}"), Origin::File(path.into()))
    });
    Ok(headers.collect::<Result<_, _>>()?)
}
