//! Makes generated TypeScript readable: an object that is short stands on one line, any other has
//! a line for each field, its comment above it.

/// The longest object on one line.
const SHORT: usize = 90;

#[must_use]
pub fn laid_out(code: &str) -> String {
    formatted(code, 0)
}

fn formatted(code: &str, depth: usize) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let end = closing(from);
        out.push_str(&object(&from[1..end], depth));
        rest = &from[end + 1..];
    }
    out + rest
}

fn object(inside: &str, depth: usize) -> String {
    let fields = fields(inside);
    let plain = fields.iter().all(|(comment, _)| comment.is_empty());
    let short: Vec<String> = fields.iter().map(|(_, field)| formatted(field, depth)).collect();
    let line = format!("{{ {} }}", short.join("; "));
    if plain && line.len() <= SHORT && !line.contains('\n') {
        return line;
    }
    let indent = "  ".repeat(depth + 1);
    let mut out = String::from("{\n");
    for (comment, field) in fields {
        if !comment.is_empty() {
            out.push_str(&format!("{indent}/** {comment} */\n"));
        }
        out.push_str(&format!("{indent}{};\n", formatted(&field, depth + 1)));
    }
    out + &"  ".repeat(depth) + "}"
}

/// Comment and text of each field.
fn fields(inside: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let (mut comment, mut field) = (String::new(), String::new());
    let mut depth = 0;
    let mut rest = inside;
    while let Some(next) = rest.chars().next() {
        if rest.starts_with("/**") {
            let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
            comment = words(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        match next {
            '{' | '<' | '(' | '[' => depth += 1,
            '}' | '>' | ')' | ']' => depth -= 1,
            _ => {}
        }
        if matches!(next, ',' | ';') && depth == 0 {
            fields.push((std::mem::take(&mut comment), std::mem::take(&mut field).trim().to_owned()));
        } else {
            field.push(next);
        }
        rest = &rest[next.len_utf8()..];
    }
    if !field.trim().is_empty() {
        fields.push((comment, field.trim().to_owned()));
    }
    fields
}

/// The text of a comment on one line.
#[must_use]
pub fn words(comment: &str) -> String {
    let lines = comment.lines().map(|line| line.trim().trim_start_matches("/**").trim_end_matches("*/"));
    let lines = lines.map(|line| line.trim().trim_start_matches('*').trim());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Where the brace that opens `code` is closed.
fn closing(code: &str) -> usize {
    let mut depth = 0;
    for (at, sign) in code.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    code.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_objects_stay_on_one_line_and_comments_break_them() {
        assert_eq!(laid_out("{ a: string, b: Array<{ c: number, }>, }"), "{ a: string; b: Array<{ c: number }> }");
        let commented = "{ a: string, \n/**\n * Why, and\n * how.\n */\nb: Record<string, never>, }";
        assert_eq!(laid_out(commented), "{\n  a: string;\n  /** Why, and how. */\n  b: Record<string, never>;\n}");
    }
}
