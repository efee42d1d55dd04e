//! Rules for the user interface: who imports whom, and how long files and components may get.

use super::{Source, files_ending, none};

const FILE_LINES: usize = 400;
const COMPONENT_LINES: usize = 200;
const DOOR: &str = "ui/src/backend/tauri.ts";

fn sources() -> Vec<Source> {
    let mut found = files_ending(&[".ts", ".tsx"]);
    found.retain(|file| file.path.starts_with("ui/"));
    found
}

fn is_generated(file: &Source) -> bool {
    file.path == "ui/src/backend/bindings.ts" || file.path.starts_with("ui/src/admin/gql/")
}

/// What a file imports: packages as written, files of ours as paths from the root.
fn imports(file: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for line in file.text.lines() {
        let Some(at) = line
            .find("from \"")
            .map(|at| at + 6)
            .or_else(|| line.find("import(\"").map(|at| at + 8))
            .or_else(|| line.strip_prefix("import \"").map(|_| 8))
        else {
            continue;
        };
        if let Some(end) = line[at..].find('"') {
            found.push(resolve(&file.path, &line[at..at + end]));
        }
    }
    found
}

fn resolve(from: &str, target: &str) -> String {
    if !target.starts_with('.') {
        return target.to_owned();
    }
    let mut path: Vec<&str> = from.split('/').collect();
    path.pop();
    for step in target.split('/') {
        match step {
            "." => {}
            ".." => drop(path.pop()),
            name => path.push(name),
        }
    }
    path.join("/")
}

fn refuse(inside: &str, breach: impl Fn(&str) -> bool) {
    let mut breaches = Vec::new();
    for file in sources().into_iter().filter(|file| file.path.starts_with(inside)) {
        let wrong = imports(&file).into_iter().filter(|target| breach(target));
        breaches.extend(wrong.map(|target| format!("{} imports {target}", file.path)));
    }
    none(breaches);
}

#[test]
fn only_one_file_of_the_page_knows_tauri() {
    let mut breaches = Vec::new();
    for file in sources().into_iter().filter(|file| file.path != DOOR) {
        let knows = imports(&file).into_iter().filter(|target| target.starts_with("@tauri-apps"));
        breaches.extend(knows.map(|target| format!("{} imports {target}", file.path)));
    }
    none(breaches);
}

#[test]
fn desktop_and_admin_never_import_each_other() {
    refuse("ui/src/desktop/", |target| target.starts_with("ui/src/admin"));
    refuse("ui/src/admin/", |target| target.starts_with("ui/src/desktop"));
}

#[test]
fn kit_imports_nothing_of_ours() {
    refuse("ui/src/kit/", |target| target.starts_with("ui/") && !target.starts_with("ui/src/kit"));
}

#[test]
fn backend_imports_no_page() {
    refuse("ui/src/backend/", |target| target.starts_with("ui/src/desktop") || target.starts_with("ui/src/admin"));
}

#[test]
fn a_file_of_the_page_has_at_most_400_lines() {
    let long = sources().into_iter().filter(|file| !is_generated(file) && file.lines() > FILE_LINES);
    none(long.map(|file| format!("{}: {} lines", file.path, file.lines())).collect());
}

/// A component is a function with a capital at the left margin; the formatter puts its closing brace there too.
#[test]
fn a_component_has_at_most_200_lines() {
    let mut breaches = Vec::new();
    for file in sources().into_iter().filter(|file| file.path.ends_with(".tsx")) {
        let mut open: Option<(String, usize)> = None;
        for (number, line) in file.text.lines().enumerate() {
            if let Some(name) = component(line) {
                open = Some((name.to_owned(), number));
            }
            if !line.starts_with('}') {
                continue;
            }
            // `}: Props) {` ends the parameters of a component, not the component.
            if line.starts_with("}: ") || line.starts_with("}) {") {
                continue;
            }
            if let Some((name, start)) = open.take()
                && number + 1 - start > COMPONENT_LINES
            {
                breaches.push(format!("{}: {name} has {} lines", file.path, number + 1 - start));
            }
        }
    }
    none(breaches);
}

fn component(line: &str) -> Option<&str> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let line = line.strip_prefix("default ").unwrap_or(line);
    let name = line.strip_prefix("function ").or_else(|| line.strip_prefix("const "))?;
    let end = name.find(|c: char| !c.is_alphanumeric())?;
    let is_constant = name[..end].chars().all(|c| !c.is_lowercase());
    (name.starts_with(char::is_uppercase) && !is_constant).then_some(&name[..end])
}
