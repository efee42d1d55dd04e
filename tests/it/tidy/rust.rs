//! Rules for Rust sources. They read the syntax tree, not the text, so that formatting and comments do not matter.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::{Source, files_ending, none};

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 70;
const FORBIDDEN_ENDS: [&str; 7] = ["Manager", "Service", "Helper", "Helpers", "Util", "Utils", "Processor"];
const SQL_STARTS: [&str; 10] = [
    "SELECT ",
    "INSERT INTO ",
    "INSERT OR ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "CREATE INDEX ",
    "PRAGMA ",
    "WITH ",
    "BEGIN IMMEDIATE",
];

fn sources() -> Vec<Source> {
    files_ending(&[".rs"])
}

/// What the rules want to know of one file.
#[derive(Default)]
struct Seen {
    functions: Vec<(String, usize)>,
    types: Vec<String>,
    sql: Vec<String>,
    uses: Vec<String>,
}

impl Seen {
    fn of(file: &Source) -> Self {
        let tree = syn::parse_file(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path));
        let mut seen = Self::default();
        seen.visit_file(&tree);
        seen
    }

    fn function(&mut self, name: &syn::Ident, first: proc_macro2::Span, block: &syn::Block) {
        let last = block.brace_token.span.close().end().line;
        self.functions.push((name.to_string(), last + 1 - first.start().line));
    }
}

/// Tests may ask the database directly, and reach wherever they need to.
fn is_test(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|attr| {
        let path = attr.path();
        let cfg_test = path.is_ident("cfg") && attr.parse_args::<syn::Path>().is_ok_and(|arg| arg.is_ident("test"));
        cfg_test || path.segments.last().is_some_and(|last| last.ident == "test")
    })
}

impl<'ast> Visit<'ast> for Seen {
    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        if is_test(&node.attrs) {
            let mut inner = Self::default();
            visit::visit_item_mod(&mut inner, node);
            self.functions.append(&mut inner.functions);
            self.types.append(&mut inner.types);
        } else {
            visit::visit_item_mod(self, node);
        }
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.function(&node.sig.ident, node.sig.fn_token.span(), &node.block);
        if !is_test(&node.attrs) {
            visit::visit_item_fn(self, node);
        }
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.function(&node.sig.ident, node.sig.fn_token.span(), &node.block);
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(block) = &node.default {
            self.function(&node.sig.ident, node.sig.fn_token.span(), block);
        }
        visit::visit_trait_item_fn(self, node);
    }

    fn visit_item_struct(&mut self, node: &'ast syn::ItemStruct) {
        self.types.push(node.ident.to_string());
        visit::visit_item_struct(self, node);
    }

    fn visit_item_enum(&mut self, node: &'ast syn::ItemEnum) {
        self.types.push(node.ident.to_string());
        visit::visit_item_enum(self, node);
    }

    fn visit_item_trait(&mut self, node: &'ast syn::ItemTrait) {
        self.types.push(node.ident.to_string());
        visit::visit_item_trait(self, node);
    }

    fn visit_item_use(&mut self, node: &'ast syn::ItemUse) {
        flatten(&node.tree, String::new(), &mut self.uses);
    }

    fn visit_path(&mut self, node: &'ast syn::Path) {
        let names: Vec<String> = node.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.uses.push(names.join("::"));
        visit::visit_path(self, node);
    }

    fn visit_lit_str(&mut self, node: &'ast syn::LitStr) {
        let text = node.value();
        let start = text.trim_start();
        if SQL_STARTS.iter().any(|sql| start.starts_with(sql)) {
            self.sql.push(start.lines().next().unwrap_or_default().to_owned());
        }
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        // Literals inside macros are bare tokens; the first of `query!("…")` or `format!("…")` is what matters.
        for token in node.tokens.clone() {
            if let proc_macro2::TokenTree::Literal(literal) = token
                && let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
            {
                self.visit_lit_str(&text);
            }
        }
    }
}

fn flatten(tree: &syn::UseTree, before: String, into: &mut Vec<String>) {
    match tree {
        syn::UseTree::Path(path) => flatten(&path.tree, format!("{before}{}::", path.ident), into),
        syn::UseTree::Group(group) => group.items.iter().for_each(|item| flatten(item, before.clone(), into)),
        syn::UseTree::Name(name) => into.push(format!("{before}{}", name.ident)),
        syn::UseTree::Rename(rename) => into.push(format!("{before}{}", rename.ident)),
        _ => into.push(before),
    }
}

/// `client/src/store/items.rs` is of the part `store`, and so is `client/src/store.rs`.
fn part(path: &str) -> Option<&str> {
    let inner = path.strip_prefix("client/src/").or_else(|| path.strip_prefix("sync-server/src/"))?;
    inner.split('/').next().map(|first| first.trim_end_matches(".rs"))
}

fn is_test_file(file: &Source) -> bool {
    file.name() == "tests.rs" || file.path.contains("/tests/")
}

#[test]
fn a_rust_file_has_at_most_400_lines() {
    let long = sources().into_iter().filter(|file| file.lines() > FILE_LINES);
    none(long.map(|file| format!("{}: {} lines", file.path, file.lines())).collect());
}

#[test]
fn a_function_has_at_most_70_lines_tests_included() {
    let mut breaches = Vec::new();
    for file in sources() {
        for (name, lines) in Seen::of(&file).functions {
            if lines > FUNCTION_LINES {
                breaches.push(format!("{}: fn {name} has {lines} lines", file.path));
            }
        }
    }
    none(breaches);
}

#[test]
fn a_rust_file_begins_by_saying_what_it_is_for() {
    let bare = sources().into_iter().filter(|file| !file.text.starts_with("//! "));
    none(bare.map(|file| format!("{} has no header comment", file.path)).collect());
}

#[test]
fn there_is_no_mod_rs() {
    let old = sources().into_iter().filter(|file| file.name() == "mod.rs");
    none(old.map(|file| file.path).collect());
}

#[test]
fn no_type_or_file_has_a_name_that_says_nothing() {
    let mut breaches = Vec::new();
    for file in sources() {
        let stem = file.name().trim_end_matches(".rs").to_owned();
        if FORBIDDEN_ENDS.iter().any(|end| stem.ends_with(&end.to_lowercase())) {
            breaches.push(file.path.clone());
        }
        let types = Seen::of(&file).types;
        let empty = types.iter().filter(|name| FORBIDDEN_ENDS.iter().any(|end| name.ends_with(end)));
        breaches.extend(empty.map(|name| format!("{}: {name}", file.path)));
    }
    none(breaches);
}

#[test]
fn sql_lives_under_store_only() {
    let mut breaches = Vec::new();
    for file in sources() {
        let elsewhere = part(&file.path).is_some_and(|part| part != "store" && part != "postgres");
        if elsewhere && !is_test_file(&file) {
            breaches.extend(Seen::of(&file).sql.into_iter().map(|sql| format!("{}: {sql}", file.path)));
        }
    }
    none(breaches);
}

#[test]
fn commands_and_graphql_stand_on_sync_and_sync_on_store_never_the_reverse() {
    let mut breaches = Vec::new();
    for file in sources() {
        let above: &[&str] = match part(&file.path) {
            Some("store") => &["crate::sync", "crate::commands", "crate::graphql"],
            Some("sync") => &["crate::commands", "crate::graphql"],
            _ => continue,
        };
        if is_test_file(&file) {
            continue;
        }
        for used in Seen::of(&file).uses {
            let upward = |layer: &&str| used == *layer || used.starts_with(&format!("{layer}::"));
            if above.iter().any(upward) {
                breaches.push(format!("{} uses {used}", file.path));
            }
        }
    }
    none(breaches);
}
