//! One form for a JSON value, however it is written.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// How deep a value may be nested.
const DEEPEST: u8 = 128;

/// The value on one line: no blanks, keys in order, one form for equal texts and for equal numbers. What cannot be read,
/// such as half of a surrogate pair, or a value that is nested too deeply, stays as it is written.
pub fn canonical(json: &RawValue) -> String {
    form(json.get(), DEEPEST).unwrap_or_else(|| json.get().into())
}

fn form(json: &str, levels: u8) -> Option<String> {
    let inner = |value: &RawValue| form(value.get(), levels.checked_sub(1)?);
    match json.as_bytes().first()? {
        b'{' => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
            let field = |(key, value): (&String, &&RawValue)| {
                Some(format!("{}:{}", serde_json::to_string(key).ok()?, inner(value)?))
            };
            let fields: Option<Vec<_>> = fields.iter().map(field).collect();
            Some(format!("{{{}}}", fields?.join(",")))
        }
        b'[' => {
            let values: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            let values: Option<Vec<_>> = values.into_iter().map(inner).collect();
            Some(format!("[{}]", values?.join(",")))
        }
        b'"' => serde_json::to_string(&serde_json::from_str::<String>(json).ok()?).ok(),
        b'-' | b'0'..=b'9' => number(json),
        _ => Some(json.into()),
    }
}

/// A number as its significant digits and an exponent: `10`, `10.0` and `1e1` are `1e1`. It is not rounded, as it would
/// be in a float, because ids may be long integers.
fn number(json: &str) -> Option<String> {
    let (number, exponent) = json.split_once(['e', 'E']).unwrap_or((json, "0"));
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |number| ("-", number));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_end_matches('0');
    let shift = (digits.len() - significant.len()) as i128 - fraction.len() as i128;
    let exponent = i128::from(exponent.parse::<i64>().ok()?) + shift;
    match significant.trim_start_matches('0') {
        "" => Some("0".into()),
        significant => Some(format!("{sign}{significant}e{exponent}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> String {
        canonical(serde_json::from_str(json).expect("JSON"))
    }

    #[test]
    fn a_number_has_one_form_and_is_not_rounded() {
        for (numbers, form) in [
            (&["1", "1.0", "1e0", "10E-1", "0.1e+1"][..], "1e0"),
            (&["-120", "-1.2e2", "-120.00"], "-12e1"),
            (&["0", "-0", "0.00", "0e9"], "0"),
            (&["0.00120", "12e-4"], "12e-4"),
            (&["9007199254740993", "9007199254740993.0"], "9007199254740993e0"),
            (&["9007199254740992"], "9007199254740992e0"),
            (&["123456789012345678901234567890"], "12345678901234567890123456789e1"),
            (&["1e400"], "1e400"),
            (&["1e99999999999"], "1e99999999999"),
        ] {
            for number in numbers {
                assert_eq!(of(number), form, "{number}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_is_written() {
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        for json in [r#"["\ud800", 1.0]"#, r#"{"\udc00": 1}"#, &deep] {
            assert_eq!(of(json), json);
        }
    }
}
