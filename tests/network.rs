//! TLS, proxies and addresses.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

#[cfg(target_os = "linux")]
use crate::harness::bash;
use crate::harness::{
    Act, Folder, Gate, KEY, Run, Server, answer, anyask, folder, http, json_answer, skip,
};

/// A certificate authority of the test's own, and a folder with its certificate.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: Folder,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let name = format!("authority {:p}", &raw const params);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let certificate = params.self_signed(&key).expect("a certificate");
        let folder = folder().with("ca.pem", certificate.pem());
        Self { issuer: Issuer::new(params, key), folder }
    }

    /// An HTTPS server that answers each connection with "ok", under a certificate for `name`; gives its URL.
    fn serve(&self, name: &str, expired: bool) -> String {
        let mut params = CertificateParams::new([name.to_string()]).expect("a name");
        if expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(
            rustls::crypto::ring::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .expect("a configuration");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url =
            format!("https://localhost:{}", listener.local_addr().expect("its address").port());
        let config = Arc::new(config);
        let serve = move |socket: TcpStream| -> Option<()> {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).ok()?;
            let mut stream = rustls::StreamOwned::new(connection, socket);
            // the request is short: it comes in one piece, or the client does not come at all
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                let mut piece = [0; 4096];
                let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
                request.extend(&piece[..count]);
            }
            stream.write_all(&json_answer(&answer("ok"))).ok()?;
            stream.conn.send_close_notify();
            stream.flush().ok()
        };
        thread::spawn(move || listener.incoming().flatten().filter_map(serve).count());
        url
    }

    fn file(&self) -> String {
        self.folder.name("ca.pem")
    }
}

fn asking(url: &str) -> Run {
    anyask(["-S", "--retries", "0", "--base-url", url, "hi"]).env("ANYROUTER_API_KEY", KEY)
}

#[test]
fn trusts_the_certificates_that_the_user_names() {
    let authority = Authority::new();
    let url = authority.serve("localhost", false);
    asking(&url).env("SSL_CERT_FILE", &authority.file()).prints("ok\n").exits(0);
    let url = authority.serve("localhost", false);
    asking(&url).env("SSL_CERT_DIR", &authority.folder.name("")).prints("ok\n").exits(0);
}

#[test]
fn says_what_is_wrong_with_a_certificate() {
    let authority = Authority::new();
    let stranger = Authority::new();
    for (url, why) in [
        (
            authority.serve("localhost", true),
            "the server's certificate has expired, or this machine's clock is wrong",
        ),
        (
            authority.serve("elsewhere.example", false),
            "the certificate belongs to another host; check --base-url",
        ),
        (
            stranger.serve("localhost", false),
            "if you trust the issuer, put its certificate into a file and set SSL_CERT_FILE to its path",
        ),
    ] {
        let host = url.replace("https://", "");
        asking(&url)
            .env("SSL_CERT_FILE", &authority.file())
            .matches(&format!("anyask: no trusted connection to {host}: invalid peer certificate: [^\n]*\nhint: {why}\n"))
            .exits(9);
    }
    // it is not tried again: there would be a note
    let url = stranger.serve("localhost", false);
    asking(&url)
        .args(&["--retries=2", "--retry-delay=0"])
        .env("SSL_CERT_FILE", &authority.file())
        .matches("anyask: no trusted connection to [^\n]*\nhint: [^\n]*\n")
        .exits(9);
}

#[test]
fn fails_when_the_users_certificates_cannot_be_read() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = format!("localhost:{}", server.local_addr().expect("its address").port());
    asking(&format!("https://{host}"))
        .env("SSL_CERT_FILE", "/nowhere.pem")
        .matches("anyask: no trusted connection to [^\n]*\nhint: SSL_CERT_FILE has no readable certificate\n")
        .exits(9);
}

#[test]
fn reports_a_server_that_does_not_speak_tls() {
    let authority = Authority::new();
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://localhost:{}", server.local_addr().expect("its address").port());
    thread::spawn(move || {
        let (mut socket, _) = server.accept()?;
        socket.read_exact(&mut [0; 64])?;
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    });
    asking(&url)
        .env("SSL_CERT_FILE", &authority.file())
        .mentions("hint: does the server at --base-url speak TLS?\n")
        .exits(9);
}

#[test]
fn does_not_warn_of_a_charge_before_the_request_is_sent() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("its address").to_string();
    let authority = Authority::new();
    let ask = |timeout| {
        asking(&format!("https://{address}"))
            .args(&["--retries=1", "--retry-delay=0", "--timeout", timeout])
            .env("SSL_CERT_FILE", &authority.file())
    };
    // it is silent, and then it closes each connection
    let silent = format!("{address} sent nothing for 0.2 s");
    ask("0.2")
        .says(&format!(
            "anyask: note: {silent}; try 2 of 2 now\nanyask: {silent}\n\
             hint: use --timeout SECONDS to wait longer\n"
        ))
        .exits(9);
    thread::spawn(move || server.incoming().for_each(drop));
    let closed = format!("{address} closed the connection without an answer(: [^\n]*)?");
    ask("60")
        .matches(&format!("anyask: note: {closed}; try 2 of 2 now\nanyask: {closed}\n"))
        .exits(9);
}

#[test]
fn a_proxy_does_not_get_the_key() {
    let connected = Act::Send(b"HTTP/1.1 200 OK\r\n\r\n".to_vec());
    let proxy =
        Server::new(vec![vec![connected, Act::Read, Act::Send(json_answer(&answer("ok")))]]);
    asking("http://api.example:9/x")
        .args(&["--allow-http"])
        .env("http_proxy", &proxy.url().replace("http://", "http://me:word@"))
        .prints("ok\n")
        .exits(0);
    let [connect, request] = &proxy.received()[..] else { panic!("{:?}", proxy.received()) };
    assert!(connect.head.starts_with("CONNECT api.example:9 HTTP/1.1\r\n"), "{}", connect.head);
    assert_eq!(connect.header("proxy-authorization"), Some("Basic bWU6d29yZA=="));
    assert!(!connect.head.contains(KEY));
    assert!(
        request.head.starts_with("POST /x/v1/messages HTTP/1.1\r\n") && request.head.contains(KEY)
    );
}

#[test]
fn asks_a_proxy_again_that_cannot_reach_the_server() {
    let refusal = |status: &str| http(status, &[], "");
    for status in ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"] {
        let proxy = Server::serving(vec![refusal(status), refusal("403 Forbidden")]);
        let host = proxy.host();
        let reported =
            format!("cannot connect to api.example through the proxy {host}: it answered");
        let number = &status[..3];
        anyask(["--retry-delay", "0", "--base-url", "https://api.example", "hi"])
            .env("https_proxy", &proxy.url())
            .env("ANYROUTER_API_KEY", KEY)
            .says(&format!(
                "anyask: note: {reported} {number}; try 2 of 3 now\nanyask: {reported} 403\n"
            ))
            .exits(9);
    }
}

#[test]
fn each_variable_names_the_proxy_of_its_scheme() {
    for (variable, url) in [
        ("https_proxy", "https://api.example"),
        ("HTTPS_PROXY", "https://api.example"),
        ("http_proxy", "http://api.example"),
        ("all_proxy", "https://api.example"),
        ("ALL_PROXY", "http://api.example"),
    ] {
        let proxy = Server::once(http("403 Forbidden", &[], ""));
        asking(url)
            .args(&["--allow-http"])
            .env(variable, &proxy.url())
            .mentions(&format!("through the proxy {}: it answered 403\n", proxy.host()))
            .exits(9);
    }
}

#[test]
fn the_limit_to_connect_includes_the_proxy_and_tls() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("its address").to_string();
    let connected = Act::Send(b"HTTP/1.1 200 OK\r\n\r\n".to_vec());
    let gate = Gate::new(2);
    let proxy = Server::new(vec![vec![Act::Hang], vec![connected, Act::Wait(gate.clone())]]);
    let through = proxy.url();
    for (host, through) in [(&*address, ""), ("api.example", &through), ("api.example", &through)] {
        let via = if through.is_empty() {
            String::new()
        } else {
            format!(" through the proxy {}", proxy.host())
        };
        asking(&format!("https://{host}"))
            .args(&["--connect-timeout", "0.2"])
            .env("https_proxy", through)
            .says(&format!(
                "anyask: no connection to {host}{via} within 0.2 s\n\
                 hint: use --connect-timeout SECONDS to wait longer\n"
            ))
            .exits(9);
    }
    gate.wait();
}

#[test]
fn a_silent_server_is_reported_behind_a_proxy_too() {
    let connected = Act::Send(b"HTTP/1.1 200 OK\r\n\r\n".to_vec());
    let proxy = Server::new(vec![vec![connected, Act::Read, Act::Hang]]);
    asking("http://api.example:9")
        .args(&["--allow-http", "--timeout", "0.2"])
        .env("http_proxy", &proxy.url())
        .says(&format!(
            "anyask: api.example:9 sent nothing for 0.2 s through the proxy {}\n\
             hint: use --timeout SECONDS to wait longer\n",
            proxy.host()
        ))
        .exits(9);
}

const NONSENSE: &str = "it does not answer in valid HTTP\nhint: is it an HTTP proxy\\? for a SOCKS proxy, use socks5h://\n";

#[test]
fn a_proxy_that_answers_nonsense_is_named() {
    for (answer, said) in [
        (&b"garbage\r\n\r\n"[..], NONSENSE),
        (b"\x05\x00\x01", NONSENSE),
        (b"<html><title>Sign in</title></html>", NONSENSE),
        (b"HTTP/1.1 99999 X\r\n\r\n", NONSENSE),
        (b"HTTP/1.1 302 Found\r\nLocation: http://portal\r\n\r\n", "it answered 302\n"),
        (b"HTTP/1.1 403 No\r\ncontent-length: 6\r\n\r\n<html>", "it answered 403.*"),
        (b"HTTP/1.1 401 No\r\n\r\n{\"error\":{\"message\":\"no key\"}}", "it answered 401.*"),
    ] {
        for (variable, url) in
            [("https_proxy", "https://api.example"), ("http_proxy", "http://api.example")]
        {
            let proxy = Server::once(answer);
            let host = proxy.host();
            asking(url)
                .arg("--allow-http")
                .env(variable, &proxy.url())
                .matches(&format!(
                    "anyask: cannot connect to api.example through the proxy {host}: {said}"
                ))
                .exits(9);
            assert_eq!(proxy.requests(), 1);
        }
    }
    // a page that the proxy sends after it has connected is not TLS
    let proxy = Server::once(
        "HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n<html><title>Sign in</title></html>12345",
    );
    let via = format!("through the proxy {}", proxy.host());
    asking("https://api.example").env("https_proxy", &proxy.url()).mentions(&via).exits(9);
}

#[test]
fn reports_a_proxy_that_refuses() {
    let proxy = Server::once("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    let host = proxy.host();
    anyask(["--base-url", "https://api.example", "hi"])
        .env("ANYROUTER_API_KEY", KEY)
        .env("https_proxy", &proxy.url())
        .matches(&format!("anyask: cannot connect to api.example through the proxy {host}: [^\n]*407[^\n]*\nhint: if the proxy needs a user name and a password, use http://USER:PASSWORD@HOST:PORT\n"))
        .exits(9);
}

/// Unlike 127.0.0.1, this is no loopback address, but it leads to this machine on every Unix.
#[cfg(unix)]
fn no_loopback(server: &Server) -> String {
    server.url().replace("127.0.0.1", "0.0.0.0")
}

#[cfg(unix)]
#[test]
fn no_proxy_hosts_are_reached_directly() {
    for (variable, list) in [
        ("no_proxy", "localhost, 0.0.0.0/8"),
        ("NO_PROXY", "example.com *"),
        ("no_proxy", "0.0.0.0"),
        // a CGI server sets this one from a request's header, so nobody trusts it
        ("HTTP_PROXY", "http://127.0.0.1:9"),
    ] {
        let server = Server::answering("ok");
        let proxy = if variable == "HTTP_PROXY" { "" } else { "http://127.0.0.1:9" };
        asking(&no_loopback(&server))
            .args(&["--allow-http"])
            .env("http_proxy", proxy)
            .env(variable, list)
            .prints("ok\n")
            .exits(0);
    }
}

#[test]
fn this_machine_is_never_reached_through_a_proxy() {
    for host in ["127.0.0.1", "localhost", "LOCALHOST", "127.9.9.9", "[::ffff:127.0.0.1]"] {
        if host == "127.9.9.9" && cfg!(not(target_os = "linux")) {
            // elsewhere only 127.0.0.1 is there
            continue;
        }
        let server = Server::listening(
            if host == "127.9.9.9" { "127.9.9.9:0" } else { "127.0.0.1:0" },
            vec![vec![Act::Send(json_answer(&answer("ok")))]],
        );
        let port = server.host().rsplit(':').next().unwrap_or_default().to_string();
        let mut run = asking(&format!("http://{host}:{port}"));
        for variable in ["http_proxy", "https_proxy", "all_proxy"] {
            run = run.env(variable, "http://127.0.0.1:9");
        }
        run.prints("ok\n").exits(0);
    }
}

#[test]
fn reaches_an_ipv6_address() {
    if TcpListener::bind("[::1]:0").is_err() {
        return skip("this machine has no IPv6");
    }
    let server = Server::listening("[::1]:0", vec![vec![Act::Send(json_answer(&answer("ok")))]]);
    anyask(["-S", "hi"]).at(&server).prints("ok\n").exits(0);
    assert_eq!(server.request().header("host"), Some(server.host().as_str()));
}

/// A container without a package of certificates.
#[cfg(target_os = "linux")]
#[test]
fn without_system_certificates_the_built_in_ones_are_used() {
    let hide = "for folder in /etc/ssl /etc/pki /etc/certs /usr/lib/ssl /usr/share/ssl /usr/local/ssl; do\n\
                test ! -d $folder || mount -t tmpfs none $folder || exit 77\ndone\n";
    let hidden =
        |script: &str| bash(&format!("unshare -rm sh -c '{hide}{script}' 2>&1 || echo $?"));
    if hidden("exit 0").output() != "" {
        return skip("no other file system can be mounted here");
    }
    let authority = Authority::new();
    let ask = |variable: &str| {
        let url = authority.serve("localhost", false);
        let run = hidden(&format!("{variable} anyask -S --retries 0 --base-url {url} hi"));
        run.env("ANYROUTER_API_KEY", KEY).output()
    };
    let without = ask("SSL_CERT_DIR=/etc/ssl/certs");
    assert!(without.contains("SSL_CERT_DIR has no readable certificate"), "{without}");
    // the certificate was compared with those that are known
    let built_in = ask("");
    assert!(built_in.contains("invalid peer certificate: UnknownIssuer\nhint: "), "{built_in}");
}
