//! The least that a program can do to ask a question: connect, write, read, and print the text. `cargo bench` compiles
//! it by itself.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::TcpStream;

fn main() -> Result<()> {
    let address = std::env::args().nth(1).unwrap_or_default();
    let body = r#"{"model":"m","max_tokens":4096,"messages":[{"role":"user","content":"hi"}]}"#;
    let mut connection = TcpStream::connect(&address)?;
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer k\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes())?;
    let (mut reader, mut length, mut line) = (BufReader::new(connection), 0, String::new());
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
        line.clear();
    }
    let mut answer = vec![0; length];
    reader.read_exact(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let text = answer.split(r#""text":""#).nth(1).and_then(|text| text.split('"').next());
    println!("{}", text.unwrap_or_default());
    Ok(())
}
