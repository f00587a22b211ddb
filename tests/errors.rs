//! What can go wrong, with its message, its hint and its exit status.

use crate::harness::{
    Act, ENDED_EARLY, Events, Run, STREAM_ENDED_EARLY, Server, anyask, error_body, folder, http,
    json_answer, silent, unused_address,
};

/// Asks a server that answers with this failure.
fn failing(status: &str, headers: &[&str], body: &str) -> (Run, Server) {
    let server = Server::once(http(status, headers, body));
    (anyask(["--retries", "0", "hi"]).at(&server), server)
}

#[test]
fn each_http_status_has_its_exit_status() {
    for (status, exit, what) in [
        ("400 Bad Request", 4, "refused the request"),
        ("404 Not Found", 4, "refused the request"),
        ("409 Conflict", 4, "refused the request"),
        ("413 Too Large", 4, "refused the request"),
        ("418 Teapot", 4, "refused the request"),
        ("422 Unprocessable", 4, "refused the request"),
        ("401 Unauthorized", 5, "did not accept the key"),
        ("402 Payment Required", 6, "did not permit the request"),
        ("403 Forbidden", 6, "did not permit the request"),
        ("429 Too Many Requests", 7, "limits the rate of requests"),
        ("500 Internal Server Error", 8, "failed"),
        ("502 Bad Gateway", 8, "failed"),
        ("505 HTTP Version Not Supported", 8, "failed"),
        ("529 ", 8, "failed"),
    ] {
        let (run, server) = failing(status, &[], &error_body("some_error", "as it is"));
        let number = &status[..3];
        run.mentions(&format!(
            "anyask: {} {what} ({number} some_error): as it is\n",
            server.host()
        ))
        .exits(exit);
    }
}

#[test]
fn a_hint_says_what_to_do() {
    let (run, server) =
        failing("401 Unauthorized", &[], &error_body("authentication_error", "invalid x-api-key"));
    let host = server.host();
    run.says(&format!(
        "anyask: {host} did not accept the key (401 authentication_error): invalid x-api-key\n\
         hint: check the key, and that it belongs to this --base-url\n"
    ))
    .exits(5);
    let (run, _server) = failing("403 Forbidden", &["X-Remaining-Credits: 0.02"], "");
    run.mentions("\nhint: $0.02 credits are left\n").exits(6);
    let (run, _server) = failing("429 Too Many Requests", &[], "");
    run.mentions("\nhint: wait a little and try again\n").exits(7);
    let (run, _server) = failing("503 Busy", &["Retry-After: 90"], "");
    run.mentions("\nhint: try again in 90 s\n").exits(8);
    let (run, _server) = failing("404 Not Found", &[], r#"{"detail":"Not Found"}"#);
    run.mentions(
        "(404): Not Found\nhint: check --base-url, and --model with --list-models=server; the URL was http://127.0.0.1:",
    )
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
        let (run, server) = failing(status, &[&location], "");
        let (host, number, to) = (server.host(), &status[..3], other.url());
        run.says(&format!(
            "anyask: {host} redirected the request, and redirects are not followed ({number}): to {to}/v1/messages\n\
             hint: use the new address as --base-url, if you trust it\n"
        ))
        .exits(4);
    }
    assert_eq!(other.requests(), 0);
}

#[test]
fn an_html_page_is_reported_in_one_line() {
    let page = format!(
        "<html>\n<head><title>502 Bad Gateway</title></head>{}",
        "<p>sorry</p>\n".repeat(1_000_000)
    );
    let (run, server) = failing("502 Bad Gateway", &["content-type: text/html"], &page);
    run.says(&format!("anyask: {} failed (502): 502 Bad Gateway\n", server.host())).exits(8);
    let (run, server) = failing("503 Unavailable", &[], "");
    run.says(&format!("anyask: {} failed (503)\n", server.host())).exits(8);
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
        let events = Events::new().text("kept").error(&error_body(kind, "no more"));
        let server = Server::once(events.http());
        anyask(["hi"])
            .at(&server)
            .prints("kept\n")
            .says(&format!("anyask: the server answered with {kind}: no more\n"))
            .exits(exit);
        let server = Server::once(json_answer(&error_body(kind, "no")));
        anyask(["--json", "--retries", "0", "hi"])
            .at(&server)
            .says(&format!("anyask: the server answered with {kind}: no\n"))
            .exits(exit);
    }
}

#[test]
fn an_errors_body_never_goes_to_standard_output() {
    let folder = folder();
    for args in [&["--json"][..], &["--json", "--stream"], &["--json", "-o", "out"], &["-x"]] {
        let (run, _server) = failing("400 Bad Request", &[], &error_body("some_error", "no"));
        run.args(args).in_dir(&folder).mentions("(400 some_error): no\n").exits(4);
    }
    assert_eq!(folder.files(), []);
}

/// Under a 200, as relays pass on what the server behind them said.
#[test]
fn an_error_under_a_200_has_the_exit_of_its_status_or_code() {
    let of_status = |status: u16| {
        format!(r#"{{"error":"Claude API error","status":{status},"details":"no more"}}"#)
    };
    let of_code = |code: &str| {
        format!(r#"{{"error":{{"message":"no more","type":"new_api_error","code":"{code}"}}}}"#)
    };
    let of_words = |words: &str| format!(r#"{{"error":{{"message":"{words}"}}}}"#);
    for (error, exit) in [
        (of_status(400), 4),
        (of_status(401), 5),
        (of_status(403), 6),
        (of_status(429), 7),
        (of_status(503), 8),
        (of_code("insufficient_user_quota"), 6),
        (of_code("pre_consume_token_quota_failed"), 6),
        (of_code("insufficient_quota"), 6),
        (of_code("client_validation_error"), 6),
        (of_code("get_channel_failed"), 8),
        (of_words("Client not allowed"), 6),
        (of_words("this key only allows Claude Code"), 6),
        (of_words("this key only accepts Claude Code"), 6),
        (of_words("the channel is saturated"), 8),
        (of_code("E004"), 8),
    ] {
        let server = Server::once(Events::new().text("kept").error(&error).http());
        let run = anyask(["hi"]).at(&server).prints("kept\n");
        run.mentions("anyask: the server answered with ").exits(exit);
        let server = Server::once(json_answer(&error));
        let run = anyask(["-S", "--retries=0", "hi"]).at(&server);
        run.mentions("anyask: the server answered with ").exits(exit);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_by_its_signal_and_keeps_what_has_arrived() {
    let begun = Events::new().text("kept").cut();
    let server = Server::new(vec![vec![Act::Send(begun), Act::Hang]]);
    let mut running = anyask(["hi"]).at(&server).start();
    assert_eq!(running.reads(4), "kept");
    running.interrupt();
    running.ends_by(rustix::process::Signal::INT);
}

#[test]
fn knows_an_error_event_by_its_name_and_an_error_by_its_key() {
    let error = r#"{"code":500,"message":"oops","type":"server_error"}"#;
    let server = Server::once(Events::bare().error(error).http());
    anyask(["--retries=0", "hi"])
        .at(&server)
        .says("anyask: the server answered with server_error: oops\n")
        .exits(8);
    let server = Server::once(json_answer(r#"{"error":{"message":"bare"}}"#));
    anyask(["hi"]).at(&server).says("anyask: the server answered with an error: bare\n").exits(8);
}

#[test]
fn reports_a_refused_connection() {
    let address = unused_address();
    anyask(["--retries", "0", "--base-url", &format!("http://{address}"), "hi"])
        .env("ANYROUTER_API_KEY", "k")
        .says(&format!(
            "anyask: cannot connect to {address}: Connection refused\nhint: is the server running, and is --base-url right?\n"
        ))
        .exits(9);
}

#[test]
fn reports_an_unknown_host() {
    anyask(["--retries", "0", "--base-url", "https://no-such-host.invalid", "hi"])
        .env("ANYROUTER_API_KEY", "k")
        .matches("anyask: cannot find the host no-such-host.invalid: failed to lookup address information: [^\n]*\nhint: check --base-url and the network\n")
        .exits(9);
}

#[test]
fn reports_a_connection_that_closes_without_an_answer() {
    for script in [vec![], vec![Act::Reset]] {
        let server = Server::new(vec![script]);
        anyask(["--retries", "0", "hi"])
            .at(&server)
            .mentions(&format!("anyask: {} closed the connection without an answer", server.host()))
            .exits(9);
    }
}

#[test]
fn reports_a_silent_server() {
    let server = Server::new(vec![vec![Act::Hang]]);
    anyask(["--retries", "0", "--timeout", "0.2", "hi"])
        .at(&server)
        .says(&silent(&server))
        .exits(9);
}

#[test]
fn keeps_partial_text_when_the_server_falls_silent() {
    let begun = Events::new().text("kept").cut();
    let server = Server::new(vec![vec![Act::Send(begun), Act::Hang]]);
    anyask(["--retries", "0", "--timeout", "0.2", "hi"])
        .at(&server)
        .prints("kept\n")
        .says(&silent(&server))
        .exits(9);
}

#[test]
fn keeps_partial_text_when_the_connection_breaks_off() {
    for end in [vec![], vec![Act::Reset]] {
        let begun = Events::new().text("kept").cut();
        let script = [vec![Act::Send(begun)], end].concat();
        let server = Server::new(vec![script]);
        anyask(["hi"])
            .at(&server)
            .prints("kept\n")
            .mentions(&format!("anyask: the answer of {} {ENDED_EARLY}", server.host()))
            .exits(10);
    }
}

#[test]
fn keeps_partial_text_when_the_stream_is_cut() {
    let server = Server::once(Events::new().text("kept").http());
    anyask(["hi"]).at(&server).prints("kept\n").says(STREAM_ENDED_EARLY).exits(10);
}

#[test]
fn reports_a_server_that_does_not_speak_http() {
    let server = Server::once("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    anyask(["hi"]).at(&server).mentions("does not answer in valid HTTP/1.1").exits(10);
}

#[test]
fn names_an_unreachable_proxy_without_its_password() {
    anyask(["--retries", "0", "--base-url", "https://api.example", "hi"])
        .env("ANYROUTER_API_KEY", "k")
        .env("https_proxy", "http://user:pass@127.0.0.1:9")
        .matches("anyask: cannot connect to api.example through the proxy 127.0.0.1:9: Connection refused\nhint: is the proxy running\\?\n")
        .exits(9);
    anyask(["--retries", "0", "--base-url", "https://api.example", "hi"])
        .env("ANYROUTER_API_KEY", "k")
        .env("https_proxy", "nonsense://user:pass@x")
        .mentions("anyask: the proxy in the environment is not a usable URL\n")
        .exits(2);
    // what connects nowhere needs no proxy
    for mode in ["--mock", "--dry-run", "--curl"] {
        let run = anyask([mode, "--base-url", "https://api.example", "hi"]);
        run.env("https_proxy", "nonsense://x").prints_something().exits(0);
    }
}
