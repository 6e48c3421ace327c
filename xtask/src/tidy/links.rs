//! Relative links in Markdown refer to an existing file and heading.
//!
//! Link checkers that do this offline are separate programs that no package registry of this
//! project offers, so the check is our own.

use super::Violation;
use super::workspace::Workspace;
use crate::source_tree::File;

/// Finds relative links to files and headings that do not exist.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let markdown = workspace.tree.files.iter().filter(|f| f.extension() == "md");
    markdown.flat_map(|file| in_file(workspace, file)).collect()
}

fn in_file(workspace: &Workspace, file: &File) -> Vec<Violation> {
    let mut found = Vec::new();
    for (line, text) in prose(file) {
        for target in targets(text).filter(|target| is_relative(target)) {
            if let Some(what) = dead_end(workspace, file, target) {
                let fix = "fix the link, or add its target";
                found.push(Violation::new(&file.path, line, what, fix));
            }
        }
    }
    found
}

/// Returns the problem with a relative link.
fn dead_end(workspace: &Workspace, file: &File, target: &str) -> Option<String> {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { Some(file.path.clone()) } else { resolve(file.folder(), path) };
    let Some(path) = path.filter(|path| workspace.tree.holds(path)) else {
        return Some(format!("`{target}` does not exist"));
    };
    let other = workspace.tree.file(&path).filter(|f| f.extension() == "md")?;
    let known = headings(other).any(|slug| slug == heading);
    (!heading.is_empty() && !known).then(|| format!("`{path}` has no heading `#{heading}`"))
}

/// Resolves a link from its file's directory; `None` above the root.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Returns the lines outside fenced code blocks.
fn prose(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    file.lines().filter(move |(_, text)| {
        let fence = text.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// Returns the targets of `[text](target)` and `[name]: target`.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let inline = text.split("](").skip(1).filter_map(|rest| {
        let end = rest.find([')', ' '])?;
        Some(&rest[..end])
    });
    let named = text.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    inline.chain(named.map(|(_, target)| target.trim()))
}

fn is_relative(target: &str) -> bool {
    !target.contains("://") && !target.starts_with("mailto:")
}

/// Returns the anchors that GitHub gives to a file's headings.
fn headings(file: &File) -> impl Iterator<Item = String> {
    let lines = prose(file).filter(|(_, text)| text.starts_with('#'));
    lines.map(|(_, text)| {
        let text = text.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::super::workspace::tests::{check_finds, workspace};

    #[track_caller]
    fn check(text: &str, expected: &[(&str, usize)]) {
        let other = "# The `one` heading\n";
        let files = [("docs/a.md", text), ("docs/b.md", other), ("README.md", "")];
        check_finds(&super::check(&workspace(&files)), expected);
    }

    #[test]
    fn links_to_files_folders_and_headings_are_followed() {
        check("[b](b.md) [r](../README.md) [d](./) [h](b.md#the-one-heading)", &[]);
        check("# Here\n[own](#here)\n[named]: b.md\n", &[]);
    }

    #[test]
    fn dead_links_are_reported_with_their_line() {
        check("\n[c](c.md)", &[("docs/a.md", 2)]);
        check("[h](b.md#another) [own](#absent)", &[("docs/a.md", 1), ("docs/a.md", 1)]);
        check("[named]: ../c.md", &[("docs/a.md", 1)]);
        check("[above](../../README.md)", &[("docs/a.md", 1)]);
    }

    #[test]
    fn other_sites_and_fenced_code_are_left_alone() {
        check("[w](https://example.com/c.md) [m](mailto:a@b.c)", &[]);
        check("```\n[c](c.md)\n```\n", &[]);
    }
}
