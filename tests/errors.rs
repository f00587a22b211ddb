//! What can go wrong, with its message, its hint and its exit status.

use crate::harness::{Act, Server, anyask, chunked, http, json_answer, stream, text_events};

fn refused(status: &str, headers: &[&str], body: &str) -> (crate::harness::Run, Server) {
    let server = Server::once(http(status, headers, body));
    (anyask(["--retries", "0", "hi"]).at(&server), server)
}

fn envelope(kind: &str, message: &str) -> String {
    format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#)
}

#[test]
fn every_status_has_its_exit() {
    for (status, exit, what) in [
        ("400 Bad Request", 4, "refused the request"),
        ("404 Not Found", 4, "refused the request"),
        ("409 Conflict", 4, "refused the request"),
        ("413 Too Large", 4, "refused the request"),
        ("422 Unprocessable", 4, "refused the request"),
        ("401 Unauthorized", 5, "did not accept the key"),
        ("402 Payment Required", 6, "did not permit the request"),
        ("403 Forbidden", 6, "did not permit the request"),
        ("429 Too Many Requests", 7, "limits the rate of requests"),
        ("500 Internal Server Error", 8, "failed"),
        ("502 Bad Gateway", 8, "failed"),
        ("529 ", 8, "failed"),
    ] {
        let (run, server) = refused(status, &[], &envelope("some_error", "as it is"));
        let number = &status[..3];
        run.mentions(&format!(
            "anyask: {} {what} ({number} some_error): as it is\n",
            server.host()
        ))
        .exits(exit);
    }
}

#[test]
fn hints_say_what_to_do() {
    let (run, server) = refused(
        "401 Unauthorized",
        &[],
        &envelope("authentication_error", "invalid x-api-key"),
    );
    let host = server.host();
    run.says(&format!(
        "anyask: {host} did not accept the key (401 authentication_error): invalid x-api-key\n\
         hint: check the key, and that it belongs to this --base-url\n"
    ))
    .exits(5);
    let (run, _server) = refused("403 Forbidden", &["X-Remaining-Credits: 0.02"], "");
    run.mentions("\nhint: $0.02 credits are left\n").exits(6);
    let (run, _server) = refused("429 Too Many Requests", &[], "");
    run.mentions("\nhint: wait a little and try again\n")
        .exits(7);
    let (run, _server) = refused("503 Busy", &["Retry-After: 90"], "");
    run.mentions("\nhint: come back in 90 s").exits(8);
    let (run, _server) = refused("404 Not Found", &[], r#"{"detail":"Not Found"}"#);
    run.mentions("(404): Not Found\nhint: check --model and --base-url: http://127.0.0.1:")
        .exits(4);
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Server::new(Vec::new());
    let location = format!("Location: {}/v1/messages", other.url());
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let (run, server) = refused(status, &[&location], "");
        let (host, number, to) = (server.host(), &status[..3], other.url());
        run.says(&format!(
            "anyask: {host} redirects, which is not followed ({number}): to {to}/v1/messages\n\
             hint: give the new place as --base-url, if you trust it\n"
        ))
        .exits(4);
    }
    assert!(other.received().is_empty());
}

#[test]
fn a_page_instead_of_a_message_costs_one_line() {
    let page = format!(
        "<html>\n<head><title>502 Bad Gateway</title></head>{}",
        "<p>sorry</p>\n".repeat(1_000_000)
    );
    let (run, server) = refused("502 Bad Gateway", &["content-type: text/html"], &page);
    run.says(&format!(
        "anyask: {} failed (502): 502 Bad Gateway\n",
        server.host()
    ))
    .exits(8);
    let (run, server) = refused("503 Unavailable", &[], "");
    run.says(&format!("anyask: {} failed (503)\n", server.host()))
        .exits(8);
}

#[test]
fn an_error_event_has_the_exit_of_its_type_and_the_text_is_kept() {
    for (kind, exit) in [
        ("authentication_error", 5),
        ("permission_error", 6),
        ("billing_error", 6),
        ("rate_limit_error", 7),
        ("invalid_request_error", 4),
        ("not_found_error", 4),
        ("request_too_large", 4),
        ("overloaded_error", 8),
        ("api_error", 8),
    ] {
        let error = format!("event: error\ndata: {}", envelope(kind, "no more"));
        let events = text_events(&["kept"]).replace(
            "data: {\"type\": \"content_block_stop\", \"index\": 0}",
            &error,
        );
        let server = Server::once(stream(&events));
        anyask(["hi"])
            .at(&server)
            .prints("kept\n")
            .says(&format!(
                "anyask: the server answered with {kind}: no more\n"
            ))
            .exits(exit);
        let server = Server::once(json_answer(&envelope(kind, "no")));
        anyask(["--json", "hi"])
            .at(&server)
            .says(&format!("anyask: the server answered with {kind}: no\n"))
            .exits(exit);
    }
}

#[test]
fn an_error_event_is_known_by_its_name_too() {
    let server = Server::once(stream(
        "event: error\ndata: {\"code\":500,\"message\":\"oops\",\"type\":\"server_error\"}\n\n",
    ));
    anyask(["hi"])
        .at(&server)
        .says("anyask: the server answered with server_error: oops\n")
        .exits(8);
    let server = Server::once(json_answer(r#"{"error":{"message":"bare"}}"#));
    anyask(["hi"])
        .at(&server)
        .says("anyask: the server answered with an error: bare\n")
        .exits(8);
}

#[test]
fn a_server_that_is_not_there_is_no_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    drop(listener);
    anyask(["--retries", "0", "--base-url", &format!("http://{address}"), "hi"])
        .env("ANYROUTER_API_KEY", "k")
        .matches(&format!(
            "anyask: no connection to {address}: connection refused \\(os error 111\\)\nhint: is the server running, and is --base-url right\\?\n"
        ))
        .exits(9);
}

#[test]
fn a_name_that_is_not_there_is_no_connection() {
    anyask(["--retries", "0", "--base-url", "https://no-such-host.invalid", "hi"])
        .env("ANYROUTER_API_KEY", "k")
        .matches("anyask: cannot find no-such-host.invalid: failed to lookup address information: [^\n]*\nhint: check --base-url and the network\n")
        .exits(9);
}

#[test]
fn a_connection_that_closes_without_an_answer_is_no_connection() {
    for script in [vec![], vec![Act::Reset]] {
        let server = Server::new(vec![script]);
        anyask(["--retries", "0", "hi"])
            .at(&server)
            .mentions(&format!(
                "anyask: {} closed the connection without an answer",
                server.host()
            ))
            .exits(9);
    }
}

#[test]
fn silence_is_no_connection_and_what_had_arrived_is_kept() {
    let server = Server::new(vec![vec![Act::Hang]]);
    anyask(["--retries", "0", "--timeout", "0.2", "hi"])
        .at(&server)
        .says(&format!(
            "anyask: {} was silent for 0.2 s\nhint: --timeout SECONDS waits longer\n",
            server.host()
        ))
        .exits(9);
    let events = text_events(&["kept"]);
    let begun = chunked([&events.as_bytes()[..events
        .find("data: {\"type\": \"content_block_stop")
        .expect("the stop")]]);
    let server = Server::new(vec![vec![Act::Send(begun), Act::Hang]]);
    anyask(["--retries", "0", "--timeout", "0.2", "hi"])
        .at(&server)
        .prints("kept\n")
        .says(&format!(
            "anyask: {} was silent for 0.2 s\nhint: --timeout SECONDS waits longer\n",
            server.host()
        ))
        .exits(9);
}

#[test]
fn a_connection_that_breaks_off_later_is_a_broken_answer() {
    let events = text_events(&["kept"]);
    let part = &events.as_bytes()[..events
        .find("data: {\"type\": \"content_block_stop")
        .expect("the stop")];
    for end in [vec![], vec![Act::Reset]] {
        let script = [vec![Act::Send(chunked([part]))], end].concat();
        let server = Server::new(vec![script]);
        anyask(["hi"])
            .at(&server)
            .prints("kept\n")
            .mentions(&format!(
                "anyask: the answer of {} ended early",
                server.host()
            ))
            .exits(10);
    }
    let server = Server::once(stream(std::str::from_utf8(part).expect("text")));
    anyask(["hi"])
        .at(&server)
        .prints("kept\n")
        .says("anyask: the stream ended early: no stop reason came\n")
        .exits(10);
}

#[test]
fn what_is_not_http_is_a_broken_answer() {
    let server = Server::once("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    anyask(["hi"])
        .at(&server)
        .mentions("does not speak HTTP/1.1 as it should")
        .exits(10);
}

#[test]
fn a_proxy_that_is_not_there_is_named_without_its_password() {
    anyask(["--retries", "0", "--base-url", "https://api.example", "hi"])
        .env("ANYROUTER_API_KEY", "k")
        .env("https_proxy", "http://user:pass@127.0.0.1:9")
        .matches("anyask: no connection to api.example through the proxy 127.0.0.1:9: connection refused [^\n]*\nhint: [^\n]*\n")
        .exits(9);
    anyask(["--retries", "0", "--base-url", "https://api.example", "hi"])
        .env("ANYROUTER_API_KEY", "k")
        .env("https_proxy", "nonsense://user:pass@x")
        .mentions("anyask: the environment names a proxy that is no usable URL\n")
        .exits(2);
}
