//! Name look-up: IPv4 addresses first, because a broken IPv6 network swallows packets for seconds.

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The library's resolver with the addresses in another order.
#[derive(Debug, Default)]
pub struct Ipv4First(DefaultResolver);

impl Resolver for Ipv4First {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.0.resolve(uri, config, timeout)?;
        addresses.sort_by_key(std::net::SocketAddr::is_ipv6);
        Ok(addresses)
    }
}
