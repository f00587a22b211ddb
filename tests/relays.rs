//! Errors of relays and firewalls, as their users report them: what is said, how it ends, how many requests it takes.

use std::time::{Duration, SystemTime};

use crate::harness::{Server, anyask, http};

/// What a relay answers, and what comes of it. `HOST` in stderr is the server.
struct Case {
    status: u16,
    headers: &'static [&'static str],
    /// `{{now+42m}}` and `{{now+12h}}` are points in time.
    body: &'static str,
    stdout: &'static str,
    stderr: &'static [&'static str],
    exit: i32,
    requests: usize,
}

const CASES: [Case; 26] = [
    // no channel for the model, which may change
    Case {
        status: 503,
        headers: &["content-type: application/json"],
        body: r#"{"error": {"code": "model_not_found", "message": "分组 default 下模型 claude-3-5-sonnet-20241022 无可用渠道（distributor） (request id: 20261125102600)", "type": "new_api_error"}}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST failed (503 model_not_found): 分组 default 下模型 claude-3-5-sonnet-20241022 无可用渠道（distributor） (request id: 20261125102600)",
            "hint: this key's group has no channel for the model; --list-models=server shows the models",
        ],
        exit: 8,
        requests: 3,
    },
    // the same, hidden behind a rate limit
    Case {
        status: 429,
        headers: &["content-type: application/json"],
        body: r#"{"type": "error", "error": {"type": "new_api_error", "message": "Service Unavailable (request id: x)"}}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST limits the rate of requests (429): Service Unavailable (request id: x)",
            "hint: wait a little and try again",
        ],
        exit: 7,
        requests: 3,
    },
    // an unknown key, in Chinese
    Case {
        status: 401,
        headers: &["content-type: application/json"],
        body: r#"{"error": {"code": "", "message": "无效的令牌 (request id: 2026)", "type": "new_api_error"}}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST did not accept the key (401): 无效的令牌 (request id: 2026)",
            "hint: check the key, and that it belongs to this --base-url",
        ],
        exit: 5,
        requests: 1,
    },
    // the quota of new-api
    Case {
        status: 403,
        headers: &["content-type: application/json"],
        body: r#"{"error": {"message": "用户额度不足, 剩余额度: ＄-0.000002 (request id: 2026)", "type": "new_api_error", "param": "", "code": "insufficient_user_quota"}}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST did not permit the request (403 insufficient_user_quota): 用户额度不足, 剩余额度: ＄-0.000002 (request id: 2026)",
            "hint: check the credits; relays reserve credits for --max-tokens, so a lower one may pass",
        ],
        exit: 6,
        requests: 1,
    },
    // a route that wants the 1M context
    Case {
        status: 400,
        headers: &["content-type: application/json"],
        body: r#"{"error": "1m 上下文已经全量可用，请启用 1m 上下文后重试", "type": "error"}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST refused the request (400): 1m 上下文已经全量可用，请启用 1m 上下文后重试",
            "hint: use -H 'anthropic-beta: context-1m-2025-08-07'",
        ],
        exit: 4,
        requests: 1,
    },
    // a route for Claude Code
    Case {
        status: 500,
        headers: &["content-type: application/json"],
        body: r#"{"type": "error", "error": {"type": "new_api_error", "message": "invalid claude code request (request id: 2026)"}}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST did not permit the request (500): invalid claude code request (request id: 2026)",
            "hint: this route serves Claude Code only; use another group, key or model",
        ],
        exit: 6,
        requests: 1,
    },
    // too busy, in Chinese
    Case {
        status: 500,
        headers: &["content-type: application/json"],
        body: r#"{"type": "error", "error": {"type": "new_api_error", "message": "当前模型负载已经达到上限，请稍后重试 (request id: 2026)"}}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST failed (500): 当前模型负载已经达到上限，请稍后重试 (request id: 2026)",
            "hint: the server is busy; try again later",
        ],
        exit: 8,
        requests: 3,
    },
    // both halves of a message
    Case {
        status: 403,
        headers: &["content-type: application/json"],
        body: r#"{"error": "Client not allowed", "message": "Your client is not authorized to use this API key", "allowedClients": ["claude_code"]}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST did not permit the request (403): Client not allowed: Your client is not authorized to use this API key",
            "hint: this route serves Claude Code only; use another group, key or model",
        ],
        exit: 6,
        requests: 1,
    },
    // a limit that is lifted later than --max-wait
    Case {
        status: 429,
        headers: &["content-type: application/json"],
        body: r#"{"error": "Rate limit exceeded", "message": "已达到请求次数限制 (100 次)，将在 42 分钟后重置", "currentRequests": 100, "requestLimit": 100, "resetAt": "{{now+42m}}", "remainingMinutes": 42}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST limits the rate of requests (429): Rate limit exceeded: 已达到请求次数限制 (100 次)，将在 42 分钟后重置; it asks to wait 42 min, longer than --max-wait 60",
            "hint: use a larger --max-wait to wait that long",
        ],
        exit: 7,
        requests: 1,
    },
    // a daily limit
    Case {
        status: 402,
        headers: &["content-type: application/json"],
        body: r#"{"error": {"type": "insufficient_quota", "message": "已达到每日费用限制 ($5)"}, "currentCost": 5, "costLimit": 5, "resetAt": "{{now+12h}}"}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST did not permit the request (402 insufficient_quota): 已达到每日费用限制 ($5)",
            "hint: check the credits; relays reserve credits for --max-tokens, so a lower one may pass",
        ],
        exit: 6,
        requests: 1,
    },
    // the bot check of a firewall, under 200
    Case {
        status: 200,
        headers: &[
            "content-type: text/html",
            "Set-Cookie: acw_tc=abc;path=/;HttpOnly;Max-Age=1800",
        ],
        body: r"<html><script>var arg1='0A1B2C3D4E5F60718293A4B5C6D7E8F901234567';var _0x4818=['\x63'];document.cookie='acw_sc__v2='+x;location.reload();</script></html>",
        stdout: "",
        stderr: &[
            "anyask: a bot check blocks requests to HOST (200)",
            "hint: open the address in a browser to see it, and ask the operator to let API clients through",
        ],
        exit: 6,
        requests: 1,
    },
    // the bot check of Cloudflare
    Case {
        status: 403,
        headers: &[
            "content-type: text/html",
            "cf-mitigated: challenge",
            "Server: cloudflare",
            "CF-RAY: 8f-HKG",
        ],
        body: r#"<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title><meta http-equiv="refresh" content="360"></head><body><noscript>Enable JavaScript and cookies to continue</noscript></body></html>"#,
        stdout: "",
        stderr: &[
            "anyask: a bot check blocks requests to HOST (403) (request id: 8f-HKG)",
            "hint: open the address in a browser to see it, and ask the operator to let API clients through",
        ],
        exit: 6,
        requests: 1,
    },
    // a ban in plain text
    Case {
        status: 403,
        headers: &["content-type: text/plain", "Server: cloudflare"],
        body: "error code: 1010",
        stdout: "",
        stderr: &[
            "anyask: a bot check blocks requests to HOST (403)",
            "hint: open the address in a browser to see it, and ask the operator to let API clients through",
        ],
        exit: 6,
        requests: 1,
    },
    // the server behind Cloudflare was silent for 100 s
    Case {
        status: 524,
        headers: &["content-type: text/html", "Server: cloudflare"],
        body: "<!DOCTYPE html><html><head><title>example.com | 524: A timeout occurred</title></head><body></body></html>",
        stdout: "",
        stderr: &[
            "anyask: HOST failed (524): the server behind it sent nothing for 100 s, which streaming avoids",
            "hint: the request may have been charged; with --json, add --stream",
        ],
        exit: 8,
        requests: 3,
    },
    // the console of the relay instead of its API
    Case {
        status: 200,
        headers: &["content-type: text/html"],
        body: r#"<!doctype html><html lang="zh"><head><meta charset="utf-8"/><title>New API</title></head><body><div id="root"></div><script src="/assets/index.js"></script></body></html>"#,
        stdout: "",
        stderr: &[
            "anyask: the answer is a web page: New API",
            "hint: is --base-url the address of the API?",
        ],
        exit: 10,
        requests: 1,
    },
    // a path with /v1 twice
    Case {
        status: 404,
        headers: &["content-type: application/json"],
        body: r#"{"error": {"message": "Invalid URL (POST /v1/v1/messages)", "type": "invalid_request_error", "param": "", "code": ""}}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST refused the request (404 invalid_request_error): Invalid URL (POST /v1/v1/messages)",
            "hint: check --base-url, and --model with --list-models=server; the URL was http://HOST/v1/messages",
        ],
        exit: 4,
        requests: 1,
    },
    // overloaded before any text
    Case {
        status: 200,
        headers: &["content-type: text/event-stream"],
        body: "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
        stdout: "",
        stderr: &["anyask: the server answered with overloaded_error: Overloaded"],
        exit: 8,
        requests: 3,
    },
    // an error in mid-text
    Case {
        status: 200,
        headers: &["content-type: text/event-stream"],
        body: "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"model\":\"x\",\"usage\":{\"input_tokens\":1,\"output_tokens\":0}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\nevent: error\ndata: {\"error\":\"Stream error\",\"message\":\"Upstream connection lost\",\"timestamp\":\"2026-11-25T00:00:00Z\"}\n\n",
        stdout: "Hello\n",
        stderr: &[
            "anyask: the server answered with an error: Stream error: Upstream connection lost",
        ],
        exit: 8,
        requests: 1,
    },
    // more credits, or fewer tokens
    Case {
        status: 402,
        headers: &["content-type: application/json"],
        body: r#"{"error": {"message": "This request requires more credits, or fewer max_tokens. You requested up to 4096 tokens, but can only afford 1200.", "code": 402}, "user_id": "u"}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST did not permit the request (402): This request requires more credits, or fewer max_tokens. You requested up to 4096 tokens, but can only afford 1200",
            "hint: check the credits; relays reserve credits for --max-tokens, so a lower one may pass",
        ],
        exit: 6,
        requests: 1,
    },
    // a key for Claude Code
    Case {
        status: 400,
        headers: &["content-type: application/json"],
        body: r#"{"type": "error", "error": {"type": "invalid_request_error", "message": "This credential is only authorized for use with Claude Code and cannot be used for other API requests."}, "request_id": "req_1"}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST did not permit the request (400 invalid_request_error): This credential is only authorized for use with Claude Code and cannot be used for other API requests (request id: req_1)",
            "hint: this route serves Claude Code only; use another group, key or model",
        ],
        exit: 6,
        requests: 1,
    },
    // an empty stream
    Case {
        status: 200,
        headers: &["content-type: text/event-stream"],
        body: "",
        stdout: "",
        stderr: &["anyask: the stream ended early: no stop reason came"],
        exit: 10,
        requests: 1,
    },
    // an empty error
    Case {
        status: 502,
        headers: &["content-type: text/html"],
        body: "",
        stdout: "",
        stderr: &["anyask: HOST failed (502)"],
        exit: 8,
        requests: 3,
    },
    // a page of nginx
    Case {
        status: 413,
        headers: &["content-type: text/html"],
        body: "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx/1.25</center>\r\n</body>\r\n</html>",
        stdout: "",
        stderr: &["anyask: HOST refused the request (413): 413 Request Entity Too Large"],
        exit: 4,
        requests: 1,
    },
    // a model that is gone
    Case {
        status: 404,
        headers: &["content-type: application/json"],
        body: r#"{"type": "error", "error": {"type": "not_found_error", "message": "model: claude-3-5-sonnet-20241022"}, "request_id": "r"}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST refused the request (404 not_found_error): model: claude-3-5-sonnet-20241022 (request id: r)",
            "hint: check --base-url, and --model with --list-models=server; the URL was http://HOST/v1/messages",
        ],
        exit: 4,
        requests: 1,
    },
    // a field that does not fit
    Case {
        status: 400,
        headers: &["content-type: application/json"],
        body: r#"{"type": "error", "error": {"type": "invalid_request_error", "message": "`temperature` may only be set to 1 when thinking is enabled."}, "request_id": "r"}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST refused the request (400 invalid_request_error): `temperature` may only be set to 1 when thinking is enabled (request id: r)",
        ],
        exit: 4,
        requests: 1,
    },
    // a field that is not known
    Case {
        status: 400,
        headers: &["content-type: application/json"],
        body: r#"{"type": "error", "error": {"type": "invalid_request_error", "message": "output_config: Extra inputs are not permitted"}, "request_id": "r"}"#,
        stdout: "",
        stderr: &[
            "anyask: HOST refused the request (400 invalid_request_error): output_config: Extra inputs are not permitted (request id: r)",
        ],
        exit: 4,
        requests: 1,
    },
];

fn body(case: &Case) -> String {
    let now = SystemTime::now();
    let at = |minutes| {
        let then = now + Duration::from_mins(minutes);
        humantime::format_rfc3339_seconds(then).to_string()
    };
    case.body.replace("{{now+42m}}", &at(42)).replace("{{now+12h}}", &at(720))
}

#[test]
fn each_error_says_what_it_means() {
    for case in CASES {
        let answer = http(&format!("{} X", case.status), case.headers, body(&case));
        let server = Server::serving(vec![answer; case.requests]);
        let host = server.host();
        let said = case.stderr.iter().map(|line| line.replace("HOST", &host) + "\n");
        anyask(["-q", "--retry-delay", "0", "hi"])
            .at(&server)
            .prints(case.stdout)
            .says(&said.collect::<String>())
            .exits(case.exit);
        assert_eq!(server.requests(), case.requests, "{}", case.body);
    }
}
