//! The table of authorization rules, room versions and tests in the documentation: written from the
//! rules' outline and the names of the tests, and every rule has some.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use common::files;
use fedproof::auth::Rule;
use fedproof::room_version::RoomVersion;

/// A version of each group whose rules have the same numbers, and what the group is called.
const GROUPS: [(&str, &str); 8] = [
    ("1", "1–2"),
    ("3", "3–5"),
    ("6", "6"),
    ("7", "7"),
    ("8", "8–9"),
    ("10", "10"),
    ("11", "11"),
    ("12", "12"),
];

/// Rows that are no rules with a number, but what the rules rest on.
const LEVELS: [(&str, &str); 4] = [
    (
        "H42",
        "the level of a user: by `users`, `users_default`, 0; without power levels 100 for the creator",
    ),
    ("H43", "creators of a room of version 12 stand above all levels"),
    ("H44", "the levels that hold when the room says nothing"),
    ("H45", "rules about citing read the auth events, all others the state they are asked about"),
];

/// The rows in order, each with its rules.
fn rows() -> Vec<(&'static str, Vec<Rule>)> {
    let mut rows: Vec<(&'static str, Vec<Rule>)> = Vec::new();
    for rule in Rule::ALL {
        match rows.iter_mut().find(|(row, _)| *row == rule.row()) {
            Some((_, rules)) => rules.push(*rule),
            None => rows.push((rule.row(), vec![*rule])),
        }
    }
    let number = |row: &str| row.trim_matches(char::is_alphabetic).parse::<u8>().unwrap();
    rows.sort_by_key(|(row, _)| (number(row), row.len()));
    rows.extend(LEVELS.map(|(row, _)| (row, Vec::new())));
    rows
}

/// The names of tests that begin with a row of this inventory, by that row.
fn tests() -> BTreeMap<String, Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut tests: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files(&folder).iter().filter(|path| path.extension().is_some_and(|end| end == "rs"))
    {
        let text = std::fs::read_to_string(file).unwrap();
        let stem = file.file_stem().unwrap().to_string_lossy();
        for line in text.lines() {
            let Some(name) = line.strip_prefix("fn h").and_then(|name| name.split_once("()"))
            else {
                continue;
            };
            // `h17_…`; one test may hold several rows: `h32_h33_…`.
            let name = format!("h{}", name.0);
            for part in name.split('_').take_while(|part| is_row(part)) {
                tests.entry(part.to_owned()).or_default().push(format!("{stem}::{name}"));
            }
        }
    }
    tests
}

fn is_row(part: &str) -> bool {
    part.strip_prefix('h').is_some_and(|number| {
        let number = number.strip_suffix('b').unwrap_or(number);
        number.parse::<u8>().is_ok_and(|number| number <= 45)
    })
}

fn document() -> String {
    let tests = tests();
    let mut text = String::from(
        "# Authorization rules, room versions, tests\n\n\
         The rules by their row in the project's inventory, the numbers they have in the page of each \
         room version (– where a version does not have the rule), and the tests that hold them. A test \
         (`tests/rule_table.rs`) writes this file from `src/auth/outline.rs` and the tests' names: \
         `UPDATE=1 cargo test --test rule_table`.\n\n",
    );
    let heads: Vec<_> = GROUPS.iter().map(|(_, name)| format!("v{name}")).collect();
    writeln!(text, "| row | rule | {} | tests |", heads.join(" | ")).unwrap();
    writeln!(text, "|---|---|{}---|", "---|".repeat(GROUPS.len())).unwrap();
    for (row, rules) in rows() {
        let rule = match LEVELS.iter().find(|(level, _)| *level == row) {
            Some((_, what)) => (*what).to_owned(),
            None => rules.iter().map(|rule| rule.summary()).collect::<Vec<_>>().join("<br>"),
        };
        let numbers: Vec<_> = GROUPS.iter().map(|(version, _)| numbers(&rules, version)).collect();
        let names = tests.get(&row.to_lowercase()).map_or_else(String::new, |names| {
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join("<br>")
        });
        writeln!(text, "| {row} | {rule} | {} | {names} |", numbers.join(" | ")).unwrap();
    }
    text
}

fn numbers(rules: &[Rule], version: &str) -> String {
    let version = RoomVersion::get(version).unwrap();
    let numbers: Vec<_> = rules.iter().map(|rule| rule.number(version).unwrap_or("–")).collect();
    match numbers.iter().all(|number| *number == "–") {
        true => "–".to_owned(),
        false => numbers.join("<br>"),
    }
}

#[test]
fn every_row_has_tests_that_allow_and_that_refuse() {
    let tests = tests();
    for (row, _) in rows() {
        let of_row = tests.get(&row.to_lowercase());
        assert!(of_row.is_some_and(|names| !names.is_empty()), "no test begins with {row}");
    }
}

/// `UPDATE=1 cargo test --test rule_table` writes the table anew.
#[test]
fn the_table_in_the_docs_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/authorization-rules.md");
    let table = document();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &table).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == table, "docs/authorization-rules.md is not up to date: run with UPDATE=1");
}
