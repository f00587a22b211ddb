//! Finds the proxy for a URL, by curl's rules.

use std::net::IpAddr;

use ureq::Proxy;
use ureq::http::Uri;

use crate::error::{Failure, usage_error};

/// The proxy for `url`; `None` to connect directly. `variable` returns the value of an environment variable.
pub fn proxy_for(
    url: &Uri,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, Failure> {
    let first = |names: &[&str]| names.iter().find_map(|name| variable(name));
    let of_scheme = match url.scheme_str() {
        Some("https") => first(&["https_proxy", "HTTPS_PROXY"]),
        // in lower case only: a CGI server sets HTTP_PROXY from a request's header
        _ => variable("http_proxy"),
    };
    let Some(proxy) = of_scheme.or_else(|| first(&["all_proxy", "ALL_PROXY"])) else {
        return Ok(None);
    };
    let host = url.host().unwrap_or_default();
    if first(&["no_proxy", "NO_PROXY"]).is_some_and(|list| is_exempt(host, &list)) {
        return Ok(None);
    }
    // its value may hold a password, so it is not printed
    let unusable = |_| {
        usage_error("the proxy in the environment is not a usable URL")
            .hint("https_proxy, http_proxy and all_proxy look like http://HOST:PORT or socks5h://HOST:PORT")
    };
    Proxy::new(&proxy).map(Some).map_err(unusable)
}

/// Whether the value of `no_proxy` names `host`. It lists names (which include their subdomains), addresses, CIDR
/// blocks, or `*` for all, separated by commas or blanks.
fn is_exempt(host: &str, list: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    list.split(|char: char| char == ',' || char.is_whitespace()).any(|entry| {
        let entry = entry.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        let name = entry.trim_start_matches('.');
        match address {
            _ if entry == "*" => true,
            _ if name.is_empty() => false,
            Some(address) => is_in_block(address, name),
            None => host == name || host.strip_suffix(name).is_some_and(|sub| sub.ends_with('.')),
        }
    })
}

/// Whether `address` is in `block`, which is a single address or has a prefix length.
fn is_in_block(address: IpAddr, block: &str) -> bool {
    let (network, length) =
        block.split_once('/').map_or((block, None), |(network, length)| (network, Some(length)));
    let Ok(network) = network.parse::<IpAddr>() else {
        return false;
    };
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (u128::from(address.to_bits()), u128::from(network.to_bits()), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let length = length.map_or(Ok(width), str::parse::<u32>);
    let rest = length.ok().and_then(|length| width.checked_sub(length));
    rest.is_some_and(|rest| (address ^ network).checked_shr(rest).unwrap_or(0) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_exempt_themselves_and_their_subdomains() {
        for list in [
            "example.com",
            ".example.com",
            "a, example.com ,b",
            "a example.com",
            "EXAMPLE.com.",
            "*",
        ] {
            assert!(is_exempt("example.com", list), "{list}");
            assert!(is_exempt("api.Example.com", list), "{list}");
        }
        for list in ["", ",", "ample.com", "api.example.com", "example", "10.0.0.0/8"] {
            assert!(!is_exempt("example.com", list), "{list}");
        }
    }

    #[test]
    fn addresses_are_exempt_by_themselves_and_by_block() {
        for list in ["10.1.2.3", "10.0.0.0/8", "0.0.0.0/0", "x,10.1.2.0/24"] {
            assert!(is_exempt("10.1.2.3", list), "{list}");
        }
        for list in ["10.1.2.4", "11.0.0.0/8", "10.1.2.3/33", "10.1.2.3/x", "::/0", "2.3"] {
            assert!(!is_exempt("10.1.2.3", list), "{list}");
        }
        assert!(
            is_exempt("[fd00::1]", "fd00::/8")
                && is_exempt("[::1]", "[::1]")
                && is_exempt("[::1]", "::/0")
        );
    }

    #[test]
    fn the_scheme_chooses_its_proxy_and_all_is_the_last_resort() {
        let variable = |name: &str| match name {
            "https_proxy" => Some("http://s:1".into()),
            "HTTP_PROXY" => Some("http://cgi:3".into()),
            "ALL_PROXY" => Some("socks5h://a:2".into()),
            _ => None,
        };
        let host = |url: &str| {
            let proxy = proxy_for(&url.parse().unwrap(), variable).unwrap();
            proxy.map(|proxy| proxy.host().to_string())
        };
        assert_eq!(host("https://x").as_deref(), Some("s"));
        assert_eq!(host("http://x").as_deref(), Some("a"));
    }
}
