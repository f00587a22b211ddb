//! The values of flags: each is parsed once, into the type that the program uses.

use std::ffi::{OsStr, OsString};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{
    NonEmptyStringValueParser, PathBufValueParser, PossibleValue, PossibleValuesParser,
    TypedValueParser,
};
use ureq::http::{HeaderName, HeaderValue, Uri};

use crate::api::{Auth, Dollars, Header, HeaderSource, MODELS, Price, is_model_id};
use crate::error::{Failure, usage_error};
use crate::input::{InputFile, is_stdin};
use crate::mock::Step;
use crate::stdio::Stream;

/// The value of `--mock`. It has a name because clap takes a field of type `Vec` for a repeatable flag.
pub type Steps = Vec<Step>;

/// A value of `--header`.
#[derive(Debug, Clone)]
pub enum HeaderArg {
    Plain(Header),
    /// A file with one header per line.
    File(InputFile),
}

/// Accepts the name or the id of any model, and lists the documented ones for shell completions.
#[derive(Clone)]
pub struct ModelName;

impl TypedValueParser for ModelName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        let flag = format!("--{}", arg.and_then(clap::Arg::get_long).unwrap_or_default());
        let parser = NonEmptyStringValueParser::new();
        parser.try_map(move |name| model(&name, &flag)).parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let shorts = MODELS.iter().filter(|model| !model.short.is_empty());
        let shorts = shorts.map(|model| PossibleValue::new(model.short).help(model.id));
        let ids = MODELS.iter().map(|model| PossibleValue::new(model.id).help(model.best_for));
        Some(Box::new(shorts.chain(ids)))
    }
}

/// The name or the id of a model. `from` is the flag or variable that names the model.
pub fn model(name: &str, from: &str) -> Result<String, Failure> {
    if is_model_id(name) {
        return Ok(name.into());
    }
    Err(usage_error(format!("{from} '{name}': a model ID has no blanks")))
}

/// The value of `--alias`: `NAME=ID`.
pub fn alias(text: &str) -> Result<(String, String), String> {
    let alias = text.split_once('=').filter(|(name, id)| is_model_id(name) && is_model_id(id));
    let (name, id) =
        alias.ok_or("it must be NAME=ID without blanks, such as fast=claude-3-haiku-20240307")?;
    Ok((name.into(), id.into()))
}

/// The value of `--auth`, with help for shell completions.
pub fn auth() -> impl TypedValueParser<Value = Auth> {
    let values = [
        PossibleValue::new("bearer").help("authorization: Bearer KEY, as AnyRouter documents it"),
        PossibleValue::new("x-api-key").help("x-api-key: KEY, as the upstream API wants it"),
    ];
    PossibleValuesParser::new(values).map(|name| match &*name {
        "x-api-key" => Auth::XApiKey,
        _ => Auth::Bearer,
    })
}

/// Parses a number in a range. `wanted` describes it in the error.
fn number<T: FromStr + PartialOrd>(
    text: &str,
    range: RangeInclusive<T>,
    wanted: &str,
) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("it must be {wanted}"))
}

/// A number from 0.0 to 1.0, such as a temperature.
pub fn fraction(text: &str) -> Result<f64, String> {
    number(text, 0.0..=1.0, "a number from 0.0 to 1.0")
}

/// A number of tokens, at least 1.
pub fn tokens(text: &str) -> Result<u32, String> {
    number(text, 1..=u32::MAX, "a whole number from 1 to 4294967295")
}

/// How often a request is retried.
pub fn retries(text: &str) -> Result<u32, String> {
    number(text, 0..=u32::MAX, "a whole number from 0 to 4294967295")
}

/// A number of parallel requests.
pub fn jobs(text: &str) -> Result<usize, String> {
    number(text, 1..=1000, "a whole number from 1 to 1000")
}

/// A rate of requests, such as `30/m`, as the time between two of them.
pub fn rate(text: &str) -> Result<Duration, String> {
    let wanted =
        "a whole number of requests per second, minute or hour, such as 2/s, 30/m or 500/h";
    let (count, unit) = text.split_once('/').unwrap_or_default();
    let seconds = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("it must be {wanted}")),
    };
    let count = number(count, 1..=1_000_000, wanted)?;
    Ok(Duration::from_secs_f64(seconds / f64::from(count)))
}

/// A time limit in seconds, which cannot be 0.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let wanted = "a number of seconds above 0, at most 1e9";
    number(text, 0.001..=1e9, wanted).map(Duration::from_secs_f64)
}

/// A pause in seconds, which may be 0.
pub fn pause(text: &str) -> Result<Duration, String> {
    number(text, 0.0..=1e9, "a number of seconds from 0 to 1e9").map(Duration::from_secs_f64)
}

/// An amount in dollars, with or without the sign.
pub fn dollars(text: &str) -> Result<f64, String> {
    number(text.trim_start_matches('$'), 0.0..=1e9, "an amount in dollars")
}

/// Two prices, and the model or the start of model ids that they are for; empty for all models.
pub fn price(text: &str) -> Result<(String, Price), String> {
    let wanted = "two prices in dollars, such as 0.3,1.5 or haiku=0.3,1.5";
    let (model, prices) = text.rsplit_once('=').unwrap_or(("", text));
    let (input, output) = prices.split_once(',').unwrap_or_default();
    let dollars = |text: &str| number(text.trim(), 0.0..=1e9, wanted).map(Dollars::new);
    let price = Price { input: dollars(input)?, output: dollars(output)? };
    Ok((model.trim().into(), price))
}

/// The value of `--mock`: steps, separated by commas.
pub fn steps(text: &str) -> Result<Steps, Failure> {
    Step::parse_all(text).map_err(|error| {
        usage_error(format!("--mock: {error}"))
            .hint("a step is ok, cut, max_tokens, refusal, quota, botcheck, overloaded or a status from 200 to 599: --mock=429,ok")
    })
}

/// A path that is not one of the names of standard input or standard output.
pub fn regular_file() -> impl TypedValueParser<Value = PathBuf> {
    let check = |path: PathBuf| {
        if is_stdin(&path) || Stream::named(&path) == Some(Stream::Output) {
            Err("it must be a file")
        } else {
            Ok(path)
        }
    };
    PathBufValueParser::new().try_map(check)
}

/// A server that a flag or a variable names.
#[derive(Debug, Clone)]
pub struct BaseUrl {
    /// The URL of the messages endpoint.
    pub url: Uri,
    /// The URL as the user wrote it.
    pub text: String,
    /// The flag or variable.
    pub from: &'static str,
}

impl BaseUrl {
    /// Parses a URL, and adds `/v1/messages` to its path if it is missing. Errors name the flag or variable `from`,
    /// and never quote a password.
    pub fn parse(text: &str, from: &'static str) -> Result<Self, Failure> {
        let wrong = |why: &str| wrong_url(text, from, why);
        let example = "for example https://api.anyrouter.top or http://localhost:8080";
        let invalid = || wrong("the URL is not valid").hint(example);
        let url: Uri = text.trim().parse().map_err(|_| invalid())?;
        let (Some(scheme @ ("http" | "https")), Some(authority)) =
            (url.scheme_str(), url.authority())
        else {
            return Err(wrong("the URL does not begin with https:// or http://").hint(example));
        };
        if authority.as_str().contains('@') {
            return Err(wrong("a URL with a user name or password is not supported")
                .hint("set ANYROUTER_API_KEY or use --api-key-file"));
        }
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let port = port.strip_prefix(':').map(str::parse::<u16>);
        if port.is_some_and(|port| !port.is_ok_and(|port| port > 0)) {
            return Err(wrong("the port must be a number from 1 to 65535"));
        }
        let path = url.path().trim_end_matches('/');
        let end = match path {
            _ if path.ends_with("/v1/messages") => "",
            _ if path.ends_with("/v1") => "/messages",
            _ => "/v1/messages",
        };
        let query = url.query().map_or(String::new(), |query| format!("?{query}"));
        let url = format!("{scheme}://{authority}{path}{end}{query}");
        let url = url.parse().map_err(|_| invalid())?;
        Ok(Self { url, text: text.into(), from })
    }

    /// An error about this URL.
    pub fn wrong(&self, why: &str) -> Failure {
        wrong_url(&self.text, self.from, why)
    }
}

fn wrong_url(text: &str, from: &str, why: &str) -> Failure {
    usage_error(format!("{from} {}: {why}", without_password(text)))
}

fn without_password(url: &str) -> String {
    match (url.find("//"), url.rfind('@')) {
        (Some(start), Some(end)) if start < end => {
            format!("{}//[redacted]{}", &url[..start], &url[end..])
        }
        _ => url.into(),
    }
}

/// The value of `--header`: `Name: value` or `@FILE`.
pub fn header(text: &str) -> Result<HeaderArg, Failure> {
    if let Some(path) = text.strip_prefix('@') {
        return Ok(HeaderArg::File(InputFile::from(OsString::from(path))));
    }
    // the value may be a secret, so errors quote only the name
    let name = text.split(':').next().unwrap_or_default().trim();
    let subject = format!("--header '{name}'");
    let header = parse_header(text, &subject, HeaderSource::Plain)?;
    match header.name.as_str() {
        "authorization" | "x-api-key" | "proxy-authorization" | "cookie" => {
            let why = "other users can see a secret on the command line";
            Err(usage_error(format!("{subject}: {why}")).hint(
                "put the key into ANYROUTER_API_KEY or --api-key-file, another secret into --header @FILE",
            ))
        }
        _ => Ok(HeaderArg::Plain(header)),
    }
}

/// Parses one header; errors begin with `subject`.
pub fn parse_header(line: &str, subject: &str, source: HeaderSource) -> Result<Header, Failure> {
    let wrong = |why: &str| usage_error(format!("{subject}: {why}"));
    let form = "a header is 'Name: value', for example 'x-trace: ci-42'";
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    let name: HeaderName =
        name.trim().parse().map_err(|_| wrong("the header name is not valid").hint(form))?;
    let value = value.trim();
    if value.is_empty() {
        return Err(wrong("the header has no value").hint(form));
    }
    if matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection") {
        return Err(wrong("this header cannot be changed"));
    }
    let value = HeaderValue::from_str(value)
        .map_err(|_| wrong("the header's value has control characters"))?;
    Ok(Header { name, value, source })
}

/// A command of the user's, which is not blank.
pub fn command(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("the command is blank".into()) } else { Ok(text.into()) }
}
