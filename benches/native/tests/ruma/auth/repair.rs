//! The same case in plainer words: whatever one side reads in its own way is replaced by what the
//! other side takes it for. Where both then agree, that was the difference.

use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::case::Case;
use super::judges::By;
use super::levels::{MAPS, NAMED};
use super::room::*;
use super::rows::Facts;
use crate::text::raw_token;

/// A case with its events written anew: `write` changes an event, and says whether it did; its
/// second argument tells the event that is judged from those of the room. `None` when nothing
/// changed.
pub fn each(case: &Case, write: impl Fn(&mut Value, bool) -> bool) -> Option<Case> {
    let mut changed = false;
    let mut again = |sent: &Rc<Sent>, judged: bool| {
        let mut tree = sent.tree.clone();
        if !write(&mut tree, judged) {
            return Some(sent.clone());
        }
        changed = true;
        let mut copy = Sent::read(tree, case.version, Some(&sent.id)).ok()?;
        copy.reject(sent.rejected);
        Some(Rc::new(copy))
    };
    let event = again(&case.event, true)?;
    let known = case.known.iter().map(|(id, sent)| Some((id.clone(), again(sent, false)?)));
    let known = known.collect::<Option<_>>()?;
    let state = case.state.iter().map(|sent| again(sent, false)).collect::<Option<_>>()?;
    let Case { version, number, ref story, .. } = *case;
    changed.then(|| Case { version, number, story: story.clone(), event, known, state })
}

/// What a value of power levels is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A level, to both sides.
    Plain,
    Float,
    /// Beyond ±(2^53 − 1).
    Huge,
    Null,
    /// Only to ruma.
    StrangeText,
    NoLevel,
}

impl Class {
    fn of(value: &Value, number: u8) -> Self {
        if let Some(token) = raw_token(value) {
            let is_float = token.contains(['.', 'e', 'E']);
            return if is_float { Self::Float } else { Self::Huge };
        }
        match value {
            Value::Null => Self::Null,
            Value::Number(_) => Self::Plain,
            Value::String(text) if number < 10 => Self::of_text(text),
            _ => Self::NoLevel,
        }
    }

    fn of_text(text: &str) -> Self {
        let plain = text.trim_matches(|character: char| character.is_ascii_whitespace());
        let digits = plain.strip_prefix(['+', '-']).unwrap_or(plain);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let integer = plain.parse::<i64>().unwrap_or(i64::MAX);
            return if integer.unsigned_abs() < 1 << 53 { Self::Plain } else { Self::Huge };
        }
        let digits = text.trim().strip_prefix("++").unwrap_or(text.trim());
        if digits.parse::<i64>().is_ok() { Self::StrangeText } else { Self::NoLevel }
    }
}

fn token(value: &Value) -> Option<&str> {
    raw_token(value).or(value.as_str()).map(str::trim)
}

/// A number for what is too large for ruma: as large as it can be, in the same order.
fn within_range(value: &Value) -> Value {
    const LARGEST: i64 = (1 << 53) - 1;
    json!(match token(value) {
        Some("9007199254740992") => LARGEST - 2,
        Some("9223372036854775808") => LARGEST - 1,
        Some("-9007199254740992") => 1 - LARGEST,
        _ => LARGEST,
    })
}

/// Power levels of which the values of one class are written anew or left out.
pub fn levels(facts: &Facts<'_>, class: Class, of_judged: Option<bool>) -> Option<Case> {
    let number = facts.case.number;
    each(facts.case, |tree, judged| {
        if tree["type"] != POWER_LEVELS || of_judged.is_some_and(|wanted| wanted != judged) {
            return false;
        }
        let Some(content) = tree["content"].as_object_mut() else { return false };
        let mut changed = rewrite(content, &NAMED, class, number);
        for map in MAPS {
            match content.get_mut(map) {
                Some(Value::Object(entries)) => {
                    let keys: Vec<String> = entries.keys().cloned().collect();
                    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                    changed |= rewrite(entries, &keys, class, number);
                }
                Some(Value::Null) if class == Class::Null => {
                    changed |= content.remove(map).is_some()
                }
                Some(value) if class == Class::NoLevel && !value.is_null() => {
                    changed |= content.remove(map).is_some();
                }
                _ => {}
            }
        }
        changed
    })
}

fn rewrite(content: &mut Map<String, Value>, keys: &[&str], class: Class, number: u8) -> bool {
    let mut changed = false;
    for key in keys {
        let Some(value) = content.get(*key) else { continue };
        if Class::of(value, number) != class {
            continue;
        }
        changed = true;
        let value = match class {
            Class::Plain => continue,
            Class::Float => {
                token(value).map(|token| json!(token.parse::<f64>().unwrap().trunc() as i64))
            }
            Class::Huge => Some(within_range(value)),
            // No level to either.
            Class::StrangeText => Some(json!("x")),
            Class::Null | Class::NoLevel => None,
        };
        match value {
            Some(value) => content.insert((*key).to_owned(), value),
            None => content.remove(*key),
        };
    }
    changed
}

/// Named levels that come or go, compared as those that are there: so that ruma, too, asks only
/// whether what is there is above the sender's level.
pub fn absent_levels(facts: &Facts<'_>) -> Option<Case> {
    let current = facts.current(POWER_LEVELS, "")?.tree["content"].clone();
    let level = |value: &Value| value.as_i64().or_else(|| token(value)?.parse().ok());
    each(facts.case, |tree, judged| {
        if !judged || tree["type"] != POWER_LEVELS {
            return false;
        }
        let mut changed = false;
        for key in NAMED {
            let content = &mut tree["content"];
            match (current.get(key), content.get(key).cloned()) {
                (None, Some(new)) => {
                    content.as_object_mut().unwrap().remove(key);
                    if !content["events"].is_object() {
                        content["events"] = json!({});
                    }
                    content["events"][format!("org.example.{key}")] = new;
                    changed = true;
                }
                (Some(old), None) => {
                    let Some(old) = level(old) else { continue };
                    content[key] = json!(old - 1);
                    changed = true;
                }
                _ => {}
            }
        }
        changed
    })
}

/// Every `from` in any text or key becomes `to`.
pub fn texts(facts: &Facts<'_>, from: &str, to: &str) -> Option<Case> {
    each(facts.case, |tree, _| replace(tree, from, to))
}

fn replace(tree: &mut Value, from: &str, to: &str) -> bool {
    match tree {
        Value::String(text) if text.contains(from) => {
            *text = text.replace(from, to);
            true
        }
        Value::Array(items) => {
            items.iter_mut().fold(false, |changed, item| changed | replace(item, from, to))
        }
        Value::Object(members) => {
            let mut changed = false;
            for (key, mut value) in std::mem::take(members) {
                changed |= key.contains(from) | replace(&mut value, from, to);
                members.insert(key.replace(from, to), value);
            }
            changed
        }
        _ => false,
    }
}

/// The content of the events of a type, changed.
pub fn content(facts: &Facts<'_>, kind: &str, write: impl Fn(&mut Value) -> bool) -> Option<Case> {
    each(facts.case, |tree, judged| {
        // What somebody wants the join rule to be plays no part.
        (tree["type"] == kind && judged == (kind == MEMBER)) && write(&mut tree["content"])
    })
}

/// `signed` of the invite, changed.
pub fn signed(facts: &Facts<'_>, write: impl Fn(&mut Value) -> bool) -> Option<Case> {
    content(facts, MEMBER, |content| {
        content.pointer_mut("/third_party_invite/signed").is_some_and(&write)
    })
}

/// A room without join rules gets those that hold then.
pub fn default_join_rules(facts: &Facts<'_>) -> Option<Case> {
    if !facts.only_ruma_refuses("no `m.room.join_rules` event") {
        return None;
    }
    let Case { version, .. } = *facts.case;
    let id = "$join-rules:one.example";
    let tree = facts.case.event.tree.clone();
    let rules = tree
        .with("type", json!(JOIN_RULES))
        .with("state_key", json!(""))
        .with("content", json!({"join_rule": "invite"}));
    let rules = Rc::new(Sent::read(rules, version, Some(id)).ok()?);
    let mut case = each(facts.case, |tree, judged| {
        if judged && facts.by == By::Cited {
            let cited = references(version, [id])[0].clone();
            tree["auth_events"].as_array_mut().unwrap().push(cited);
        }
        judged
    })?;
    case.known.insert(id.to_owned(), rules.clone());
    case.state.push(rules);
    Some(case)
}
