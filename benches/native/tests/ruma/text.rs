//! JSON text as it may come over the wire: any key order, white space, escapes; and things that no
//! tree can hold, which a tree marks by strings and keys from the private use area.

use serde_json::{Map, Value, json};

use super::random::Random;

const RAW: char = '\u{f8f0}';
const BEFORE: char = '\u{f8f1}';

/// `token` as it is, where a value should stand.
pub fn raw(token: &str) -> Value {
    Value::String(format!("{RAW}{token}"))
}

/// The token, where a value is one.
pub fn raw_token(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix(RAW)
}

/// Puts `key` into the object a first time, before the member that the tree has.
pub fn duplicate(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.insert(format!("{BEFORE}{key}"), value);
}

/// What the text of the tree will be read as: duplicates gone; a raw token counts as what a lenient
/// reader would take it for.
pub fn meaning(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix(RAW) {
            None => value.clone(),
            Some(token) => match token.parse::<f64>() {
                Ok(number) => json!(number as i64),
                Err(_) => serde_json::from_str(token).unwrap_or(json!("?")),
            },
        },
        Value::Array(items) => items.iter().map(meaning).collect(),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .filter(|(key, _)| !key.starts_with(BEFORE))
                .map(|(key, value)| (key.clone(), meaning(value)))
                .collect(),
        ),
        _ => value.clone(),
    }
}

/// How a text is written.
pub struct Style {
    pub shuffle: bool,
    pub spaces: bool,
    pub escapes: bool,
}

impl Style {
    pub fn any(random: &mut Random) -> Self {
        Self { shuffle: random.chance(60), spaces: random.chance(30), escapes: random.chance(30) }
    }
}

pub fn write(value: &Value, style: &Style, random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    write_value(value, style, random, &mut out);
    out
}

fn write_value(value: &Value, style: &Style, random: &mut Random, out: &mut Vec<u8>) {
    space(style, random, out);
    match value {
        Value::String(text) => match text.strip_prefix(RAW) {
            Some(token) => out.extend_from_slice(token.as_bytes()),
            None => write_string(text, style, random, out),
        },
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(item, style, random, out);
            }
            space(style, random, out);
            out.push(b']');
        }
        Value::Object(members) => {
            let (mut first, mut rest): (Vec<_>, Vec<_>) =
                members.iter().partition(|(key, _)| key.starts_with(BEFORE));
            if style.shuffle {
                random.shuffle(&mut rest);
            }
            first.append(&mut rest);
            out.push(b'{');
            for (index, (key, value)) in first.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                space(style, random, out);
                write_string(key.strip_prefix(BEFORE).unwrap_or(key), style, random, out);
                space(style, random, out);
                out.push(b':');
                write_value(value, style, random, out);
            }
            space(style, random, out);
            out.push(b'}');
        }
        _ => out.extend_from_slice(value.to_string().as_bytes()),
    }
    space(style, random, out);
}

fn space(style: &Style, random: &mut Random, out: &mut Vec<u8>) {
    if style.spaces && random.chance(20) {
        out.push(random.pick(b" \t\r\n"));
    }
}

fn write_string(text: &str, style: &Style, random: &mut Random, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in text.chars() {
        if style.escapes && random.chance(10) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let escape = if random.chance(50) {
                    format!("\\u{unit:04x}")
                } else {
                    format!("\\u{unit:04X}")
                };
                out.extend_from_slice(escape.as_bytes());
            }
        } else if style.escapes && character == '/' {
            out.extend_from_slice(b"\\/");
        } else {
            let quoted = Value::String(character.into()).to_string();
            out.extend_from_slice(&quoted.as_bytes()[1..quoted.len() - 1]);
        }
    }
    out.push(b'"');
}
