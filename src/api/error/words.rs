//! The words of an error, wherever its JSON or its page has them.

use serde_json::Value;

/// The fields that have an error's words, or an object that does, in the order in which they are looked for. They are
/// compared without case and underscores, so that `errMsg` is `err_msg`.
const MESSAGE_FIELDS: [&str; 18] = [
    "message",
    "msg",
    "detail",
    "errormsg",
    "errmsg",
    "errormessage",
    "errordescription",
    "description",
    "statusmsg",
    "baseresp",
    "errors",
    "fault",
    "faultstring",
    "reason",
    "title",
    "text",
    "data",
    "info",
];
/// How deep an error's words may stand in objects and lists.
const DEEPEST: usize = 5;

/// The words of an error: a string, or those of the first field or list element that has some.
pub fn words(value: &Value, depth: usize) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(number) if depth > 0 && status(value).is_some() => Some(number.to_string()),
        Value::Array(list) if depth < DEEPEST => {
            list.iter().find_map(|element| words(element, depth + 1))
        }
        Value::Object(fields) if depth < DEEPEST => {
            let error = fields.get("error").and_then(|error| words(error, depth + 1));
            let message = MESSAGE_FIELDS.iter().find_map(|name| {
                let is_it =
                    |(key, _): &(&String, &Value)| key.replace('_', "").eq_ignore_ascii_case(name);
                words(fields.iter().find(is_it)?.1, depth + 1)
            });
            match (error, message) {
                // some servers say the half of it in each
                (Some(error), Some(message)) if value["error"].is_string() && error != message => {
                    Some(format!("{error}: {message}"))
                }
                (Some(error), _) => Some(error),
                (None, message) => Some(located(value, message?)),
            }
        }
        _ => None,
    }
}

/// The message of a validator with the field that it is about: `{"loc":["body","model"],"msg":"field required"}`.
fn located(value: &Value, message: String) -> String {
    let Some(Value::Array(path)) = value.get("loc") else { return message };
    let names: Vec<_> = path.iter().map(text_of).collect();
    format!("{}: {message}", names.join("."))
}

/// The first line that has words in it; of an HTML page, its title, else the first words that it shows.
pub fn first_line(page: &str) -> String {
    if !page.trim_start().starts_with('<') {
        return to_line(page.lines().find(|line| !line.trim().is_empty()).unwrap_or_default());
    }
    let mut shown = "";
    let mut tag = "";
    for part in page.split('<') {
        let (name, text) = part.split_once('>').unwrap_or((part, ""));
        tag = name.split_whitespace().next().unwrap_or(tag);
        if !has_meaning(text) {
            continue;
        }
        if tag.eq_ignore_ascii_case("title") {
            return to_line(text);
        }
        let is_hidden = ["script", "style"].iter().any(|hidden| tag.eq_ignore_ascii_case(hidden));
        if shown.is_empty() && !is_hidden {
            shown = text;
        }
    }
    to_line(shown)
}

/// Whether the text of a page says something: a number or the name of a host does not.
fn has_meaning(text: &str) -> bool {
    let is_host = text.contains('.') && !text.trim().contains(char::is_whitespace);
    text.contains(char::is_alphabetic) && !is_host
}

/// The text on one line, without a full stop at its end.
pub fn to_line(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.ends_with('.') && !line.ends_with("..") {
        line.pop();
    }
    line
}

/// Whether the value of an `error` field says what went wrong: it has a word, or a number that is an HTTP status.
pub fn has_words(json: &str) -> bool {
    serde_json::from_str(json).is_ok_and(|value: Value| says_something(&value))
}

pub fn says_something(value: &Value) -> bool {
    any_value(value, &|value| match value {
        Value::String(text) => text.contains(char::is_alphabetic) || status(value).is_some(),
        _ => status(value).is_some(),
    })
}

/// Whether it has a value at all: a number, a text that is not empty, or true or false.
pub fn has_facts(value: &Value) -> bool {
    any_value(value, &|value| match value {
        Value::String(text) => !text.trim().is_empty(),
        _ => !value.is_null(),
    })
}

/// Whether any value in it, which is no list and no object, is such a one.
fn any_value(value: &Value, is_it: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| any_value(value, is_it)),
        Value::Object(fields) => fields.values().any(|value| any_value(value, is_it)),
        _ => is_it(value),
    }
}

/// A string or a number as text.
pub fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

/// An HTTP status of an error, as a number or as digits.
pub fn status(value: &Value) -> Option<u16> {
    text_of(value).parse().ok().filter(|status| (400..600).contains(status))
}
