//! The server: its URL, the user's headers, the proxy and the source of the key.

use std::net::IpAddr;

use anyhow::Result;
use ureq::Proxy;
use ureq::http::Uri;

use super::args::Args;
use super::config;
use super::environment::variable;
use super::key::KeySource;
use super::values::{BaseUrl, HeaderArg, parse_header};
use crate::api::{self, Endpoint, Header, HeaderSource, Key};
use crate::error::Failure;
use crate::input::{self, InputFile};

const DEFAULT_URL: &str = "https://api.anyrouter.top/v1/messages";

/// The server and the source of its key. The endpoint has no key and no proxy yet.
pub fn endpoint(args: &Args) -> Result<(Endpoint, KeySource)> {
    let own_key = own_key(args);
    // another tool's token is used only with that tool's server
    let pair = variable("ANTHROPIC_BASE_URL").zip(variable("ANTHROPIC_AUTH_TOKEN"));
    let pair = pair.filter(|_| own_key.is_none());
    let pair = pair.map(|(base, token)| (BaseUrl::parse(&base, "ANTHROPIC_BASE_URL"), token));
    let (base, token) = match (args.base_url.clone(), pair) {
        (None, None) => (None, None),
        (None, Some((base, token))) => (Some(base?), Some(token)),
        (Some(base), pair) => {
            let is_same = |other: &BaseUrl| other.url == base.url;
            let token = pair.filter(|(other, _)| other.as_ref().is_ok_and(is_same));
            (Some(base), token.map(|(_, token)| token))
        }
    };
    if let Some(base) = &base
        && !args.allow_http
    {
        check_encryption(base)?;
    }
    let url = base.map_or(Uri::from_static(DEFAULT_URL), |base| base.url);
    let headers = headers(args)?;
    let carrying = headers.iter().find(|header| header.name == args.auth.name());
    let key = match (carrying, own_key, token) {
        (Some(header), ..) => KeySource::Header(header.value.clone()),
        (_, Some(own), _) => own,
        (.., Some(token)) => KeySource::Variable("ANTHROPIC_AUTH_TOKEN", token),
        _ if args.no_config => KeySource::Missing(None),
        _ => KeySource::Missing(config::missing()),
    };
    let roots = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
    let endpoint = Endpoint {
        proxy: None,
        url,
        auth: args.auth,
        key: Key::default(),
        headers,
        timeout: args.timeout,
        connect_timeout: args.connect_timeout,
        max_time: args.max_time,
        language: language(),
        keep_alive: args.batch.is_some(),
        roots_variable: roots.into_iter().find(|name| variable(name).is_some()),
    };
    Ok((endpoint, key))
}

/// The proxy for this URL; `None` for a server on this machine.
pub fn proxy(url: &Uri) -> Result<Option<Proxy>, Failure> {
    if is_loopback(url) { Ok(None) } else { api::proxy_for(url, variable) }
}

/// The user's language as HTTP writes it: `zh-CN` for the locale `zh_CN.UTF-8`, `en` without a locale.
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

/// The source of a key for this program, not for another tool.
fn own_key(args: &Args) -> Option<KeySource> {
    let file = args.api_key_file.clone().map(KeySource::File);
    let command = args.api_key_command.clone().map(KeySource::Command);
    file.or(command)
        .or_else(|| Some(KeySource::Variable("ANYROUTER_API_KEY", variable("ANYROUTER_API_KEY")?)))
}

/// Only a server on this machine may get the key unencrypted.
fn check_encryption(base: &BaseUrl) -> Result<(), Failure> {
    if base.url.scheme_str() != Some("http") || is_loopback(&base.url) {
        return Ok(());
    }
    let host = base.url.host().unwrap_or_default();
    Err(base
        .wrong(&format!("http:// would send the key unencrypted to {host}"))
        .hint("use https://, or --allow-http if you trust the network"))
}

/// Whether requests stay on this machine. A name such as `x.localhost` is looked up, and may lead elsewhere.
fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
    }
}

/// The user's headers. If several have the same name, the last one counts.
fn headers(args: &Args) -> Result<Vec<Header>> {
    let mut headers: Vec<Header> = Vec::new();
    for value in &args.header {
        let given = match value {
            HeaderArg::Plain(header) => vec![header.clone()],
            HeaderArg::File(file) => read_headers(file)?,
        };
        for header in given {
            headers.retain(|other| other.name != header.name);
            headers.push(header);
        }
    }
    Ok(headers)
}

/// The headers in a file, one per line.
fn read_headers(file: &InputFile) -> Result<Vec<Header>> {
    file.read(|bytes, name| {
        let text = input::text(bytes, name)?.text;
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let headers = lines.map(|(number, line)| {
            parse_header(line, &format!("{name}:{number}"), HeaderSource::File(file.argument()))
        });
        Ok(headers.collect::<Result<_, _>>()?)
    })
}
