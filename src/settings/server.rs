//! Which server is asked, and with which headers: URLs and header lines as users write them.

use std::net::IpAddr;

use anyhow::{Context, Result};
use ureq::http::{HeaderName, HeaderValue, Uri};

use crate::api::Header;
use crate::error::{Failure, Kind};

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
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    address.map_or(
        name == "localhost" || name.ends_with(".localhost"),
        |address| address.is_loopback(),
    )
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
