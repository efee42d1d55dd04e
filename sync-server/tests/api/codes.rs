//! Every code that this server can say stands in the one list.

use std::{collections::BTreeSet, fs, path::Path};

/// Words in capitals with quotes around them, as codes stand in the source.
fn quoted(text: &str) -> BTreeSet<String> {
    let words = text.split('"').skip(1).step_by(2);
    let is_code = |word: &&str| word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    words.filter(is_code).map(str::to_owned).collect()
}

/// The variants of the domain's refusals, as their codes.
fn domain(source: &str) -> BTreeSet<String> {
    let body = source.split("pub enum Rejection {").nth(1).unwrap().split("\n}").next().unwrap();
    let variant = |line: &str| {
        let name = line.strip_prefix("    ").filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))?;
        let name: String = name.chars().take_while(char::is_ascii_alphanumeric).collect();
        let mut code = String::new();
        for letter in name.chars() {
            if letter.is_ascii_uppercase() && !code.is_empty() {
                code.push('_');
            }
            code.push(letter.to_ascii_uppercase());
        }
        Some(code)
    };
    body.lines().filter_map(variant).collect()
}

#[test]
fn every_code_is_in_the_list_of_errors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let mut codes = domain(&read("core/src/rejection.rs"));
    assert!(codes.contains("NOT_ENOUGH_STOCK"), "{codes:?}");
    let files = [
        "src/error.rs",
        "src/graphql/api/fault.rs",
        "src/graphql/api/page.rs",
        "src/graphql/api/catalogue.rs",
        "src/graphql/api/filters.rs",
        "src/graphql/api/limits.rs",
        "src/graphql/api/node.rs",
        "src/graphql/mutations/entry.rs",
        "src/graphql/mutations/inputs.rs",
        "src/graphql/mutations/items.rs",
        "src/graphql/mutations/stock.rs",
    ];
    for file in files {
        codes.extend(quoted(&read(&format!("sync-server/{file}"))));
    }
    let list = read("docs/errors.md");
    let listed: BTreeSet<&str> = list.split(|c: char| !c.is_ascii_uppercase() && c != '_').collect();
    let missing: Vec<&String> = codes.iter().filter(|code| !listed.contains(code.as_str())).collect();
    assert!(missing.is_empty(), "docs/errors.md lacks {missing:?}");
}
