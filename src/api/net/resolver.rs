//! Name look-up with IPv4 addresses first: in a broken IPv6 network, connecting hangs for seconds.

use std::sync::mpsc;
use std::thread;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration;

/// The library's resolver, with IPv4 addresses first. It also works if no thread can be started.
#[derive(Debug, Default)]
pub struct Ipv4First(DefaultResolver);

impl Resolver for Ipv4First {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        // for a time limit the library starts a thread, and panics if it cannot
        let unlimited = NextTimeout { after: Duration::NotHappening, ..timeout };
        let mut addresses = if let Duration::Exact(limit) = timeout.after {
            let (sender, found) = mpsc::channel();
            let (name, settings) = (uri.clone(), config.clone());
            let look_up = move || {
                let found = DefaultResolver::default().resolve(&name, &settings, unlimited);
                let _ = sender.send(found);
            };
            match thread::Builder::new().spawn(look_up) {
                Ok(_) => {
                    found.recv_timeout(limit).map_err(|_| Error::Timeout(timeout.reason))??
                }
                Err(_) => self.0.resolve(uri, config, unlimited)?,
            }
        } else {
            self.0.resolve(uri, config, timeout)?
        };
        addresses.sort_by_key(std::net::SocketAddr::is_ipv6);
        Ok(addresses)
    }
}
