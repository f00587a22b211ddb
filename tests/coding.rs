//! Compressed answers: the first bytes of a body tell its coding, whatever the header says, and the status comes first.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use crate::harness::{Act, Events, Server, answer, anyask, error_body, folder, http, json_lines};

const JSON: &str = "content-type: application/json";
/// The start of a body in Brotli and one in Zstandard.
const BROTLI: &[u8] = b"\x21\x30\x00\x04\xff\xfe\x81";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd\x04\x29\x00\x00slow down";

fn gzip(body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_ref()).expect("memory");
    encoder.finish().expect("memory")
}

fn zlib(body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_ref()).expect("memory");
    encoder.finish().expect("memory")
}

fn raw_deflate(body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_ref()).expect("memory");
    encoder.finish().expect("memory")
}

/// A JSON answer under this name of a coding, or under none.
fn encoded(status: &str, coding: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let coding = format!("Content-Encoding: {coding}");
    let headers = if coding.ends_with(": ") { vec![JSON] } else { vec![JSON, &coding] };
    http(status, &headers, body)
}

#[track_caller]
fn prints_ok(sent: &[u8]) {
    for args in [&["hi"][..], &["-S", "hi"]] {
        let server = Server::once(sent);
        anyask([]).args(args).at(&server).prints("ok\n").exits(0);
    }
}

#[test]
fn a_coding_is_decoded_however_it_is_spelled_or_named() {
    let message = answer("ok");
    for coding in ["gzip", "GZIP", "x-gzip", "gzip, identity", " , gzip", "deflate", "br", ""] {
        prints_ok(&encoded("200 OK", coding, gzip(&message)));
    }
    prints_ok(&encoded("200 OK", "deflate", zlib(&message)));
    prints_ok(&encoded("200 OK", "deflate", raw_deflate(&message)));
}

#[test]
fn an_answer_may_be_compressed_more_than_once() {
    let message = answer("ok");
    for coding in ["gzip, gzip", "gzip", ""] {
        prints_ok(&encoded("200 OK", coding, gzip(gzip(&message))));
    }
    prints_ok(&encoded("200 OK", "deflate, gzip", gzip(zlib(&message))));
    let twice = ["content-encoding: deflate", "content-encoding: gzip"];
    prints_ok(&http("200 OK", &twice, gzip(raw_deflate(&message))));
}

#[test]
fn plain_text_under_the_name_of_a_coding_is_read() {
    let events = Events::new().text("ok").stop("end_turn").bytes();
    let mark = "\u{feff}".as_bytes();
    for coding in ["gzip", "deflate", "br", "zstd", "gzip, gzip", "compress"] {
        for body in [
            answer("ok").into_bytes(),
            [b"\r\n \r\n", answer("ok").as_bytes()].concat(),
            [mark, answer("ok").as_bytes()].concat(),
            events.clone(),
            [b": connected\n\n", &events[..]].concat(),
            [mark, &events].concat(),
        ] {
            prints_ok(&encoded("200 OK", coding, body));
        }
    }
}

#[test]
fn a_name_that_is_no_coding_is_not_one() {
    for coding in ["aws-chunked", "utf-8", "identity", "none", "chunked", "x"] {
        prints_ok(&encoded("200 OK", coding, answer("ok")));
    }
}

#[test]
fn a_compressed_stream_is_read_as_it_arrives() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&Events::new().text("first").bytes()).expect("memory");
    encoder.flush().expect("memory");
    let first = std::mem::take(encoder.get_mut());
    let rest = Events::bare().reason("end_turn").end().bytes();
    encoder.write_all(&rest).expect("memory");
    let rest = encoder.finish().expect("memory");
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
    let mut acts = vec![Act::Send(head), Act::Send(first.clone()), Act::Hang];
    let server = Server::new(vec![acts.clone()]);
    let mut running = anyask(["hi"]).at(&server).start();
    assert_eq!(running.reads(5), "first");
    running.kill();
    // one byte at a time, and cut at the end of the text
    acts[1] = Act::Drip(first.clone());
    acts[2] = Act::Drip(rest);
    let server = Server::new(vec![acts]);
    anyask(["hi"]).at(&server).prints("first\n").exits(0);
    let server = Server::once(encoded("200 OK", "gzip", first));
    anyask(["hi"]).at(&server).prints("first\n").mentions(" ended early").exits(10);
}

#[test]
fn the_coding_is_named_where_nothing_can_be_read() {
    for (coding, body) in [("br", BROTLI), ("zstd", ZSTD), ("gzip, br", BROTLI), ("br", b"x")] {
        let name = coding.rsplit(' ').next().expect("a name");
        let server = Server::once(encoded("200 OK", coding, body));
        anyask(["hi"])
            .at(&server)
            .says(&format!("anyask: the answer is encoded as {name}, which was not asked for\n"))
            .exits(10);
    }
}

#[test]
fn the_status_of_an_error_counts_before_its_coding() {
    for (status, exit, requests) in
        [("429 X", 7, 3), ("401 X", 5, 1), ("402 X", 6, 1), ("503 X", 8, 3), ("404 X", 4, 1)]
    {
        for (coding, body) in [("br", BROTLI), ("zstd", ZSTD)] {
            let server = Server::serving(vec![encoded(status, coding, body); requests]);
            let said = format!(": the answer is encoded as {coding}, which was not asked for\n");
            let run = anyask(["-q", "--retry-delay", "0", "hi"]).at(&server);
            run.mentions(&said).exits(exit);
            assert_eq!(server.requests(), requests, "{status} {coding}");
        }
    }
}

#[test]
fn the_words_of_an_error_are_read_whatever_its_coding() {
    let words = error_body("rate_limit_error", "slow down");
    let coded = [
        ("gzip", gzip(&words)),
        ("", gzip(&words)),
        ("br", gzip(&words)),
        ("deflate", zlib(&words)),
        ("deflate", raw_deflate(&words)),
        ("gzip", words.clone().into_bytes()),
        ("zstd", words.into_bytes()),
        ("gzip", b"slow down".to_vec()),
        ("deflate", b"slow down".to_vec()),
        ("utf-8", b"slow down".to_vec()),
    ];
    for (coding, body) in coded {
        let server = Server::once(encoded("429 X", coding, body));
        anyask(["--retries", "0", "hi"]).at(&server).mentions("): slow down\n").exits(7);
    }
    let page = "<html><script src=https://errors.aliyun.com/x.js></script></html>";
    for (coding, body) in [("gzip", gzip(page)), ("br", page.into())] {
        let server = Server::once(encoded("405 X", coding, body));
        anyask(["hi"]).at(&server).mentions("a bot check blocks requests").exits(6);
    }
}

#[test]
fn a_batch_stops_whatever_the_coding_of_the_error() {
    for (status, exit) in [("401 X", 5), ("402 X", 6)] {
        let server = Server::once(encoded(status, "br", BROTLI));
        let run = anyask(["--batch", "-q", "-j1"]).at(&server).stdin("a\nb\nc\n");
        let rows = run.prints_something().mentions("encoded as br").exits(exit);
        assert_eq!(json_lines(&rows)[0]["error"]["exit"], exit);
        assert_eq!(server.requests(), 1);
    }
}

#[test]
fn a_recording_holds_the_decoded_answer() {
    let folder = folder();
    let server = Server::once(encoded("200 OK", "br", gzip(answer("ok"))));
    let run = anyask(["--record", "answers", "hi"]).in_dir(&folder).at(&server);
    run.prints("ok\n").exits(0);
    assert_eq!(folder.json_lines("answers")[0]["body"], answer("ok"));
    anyask(["--replay", "answers", "hi"]).in_dir(&folder).prints("ok\n").exits(0);
}

#[test]
fn a_list_of_models_is_decoded_too() {
    let list = r#"{"data":[{"id":"a"}]}"#;
    for (coding, body) in [("gzip", list.into()), ("", gzip(list)), ("deflate", zlib(list))] {
        let server = Server::once(encoded("200 OK", coding, body));
        anyask(["--list-models=server"]).at(&server).prints("a\n").exits(0);
    }
}
