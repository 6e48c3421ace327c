//! The files of the checkout, except those that git ignores.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::process::{command, output};

/// Directories that are skipped in a checkout without git.
const NOT_OURS: [&str; 4] = [".git", ".chatbot", "node_modules", "target"];

/// One file of the project.
#[derive(Debug)]
pub(crate) struct File {
    /// The path from the root, with forward slashes.
    pub(crate) path: String,
    /// The content; empty when it is not UTF-8.
    pub(crate) text: String,
}

impl File {
    /// Returns the lines with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(n, line)| (n + 1, line))
    }

    /// Returns the folder, without a slash at its end; empty for the root.
    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Returns what follows the last dot of the name; the name itself where there is none.
    pub(crate) fn extension(&self) -> &str {
        self.name().rsplit('.').next().unwrap_or_default()
    }

    /// Returns the last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(&self.path, |(_, name)| name)
    }
}

/// The project's files: tracked ones, and new ones that git does not ignore.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The absolute path of the checkout.
    pub(crate) root: PathBuf,
    /// The files, in the order of their paths.
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// Reads every file of the project.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut paths =
            if root.join(".git").exists() { listed_by_git(root)? } else { walked(root)? };
        paths.sort();
        paths.dedup();
        let files = paths.into_iter().filter_map(|path| read(root, path));
        Ok(Self { root: root.to_owned(), files: files.collect::<Result<_>>()? })
    }

    /// Creates a tree of these paths and texts, in a home directory.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        };
        Self {
            root: PathBuf::from(concat!("/ho", "me/someone/checkout")),
            files: files.iter().map(file).collect(),
        }
    }

    /// Returns the file with this path.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Returns whether a file or a directory has this path.
    pub(crate) fn holds(&self, path: &str) -> bool {
        let inside = format!("{}/", path.trim_end_matches('/'));
        let here = |file: &File| file.path == path || file.path.starts_with(&inside);
        path.is_empty() || self.files.iter().any(here)
    }
}

/// Returns the root of the checkout that this program was built from.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

fn listed_by_git(root: &Path) -> Result<Vec<String>> {
    let mut git = command(root, "git");
    // CI may check out as one user and build as another.
    git.args(["-c", "safe.directory=*", "ls-files", "-z"]);
    git.args(["--cached", "--others", "--exclude-standard"]);
    let listed = output(&mut git)?;
    let paths = listed.split('\0').filter(|path| !path.is_empty());
    Ok(paths.map(str::to_owned).collect())
}

fn walked(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            if NOT_OURS.iter().any(|other| name == *other) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if let Ok(path) = entry.path().strip_prefix(root) {
                found.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    Ok(found)
}

/// Reads one file; `None` if it is listed but does not exist, as during a rename.
fn read(root: &Path, path: String) -> Option<Result<File>> {
    let full = root.join(&path);
    if !full.is_file() {
        return None;
    }
    let bytes = fs::read(&full).with_context(|| format!("cannot read {path}"));
    Some(bytes.map(|bytes| File { text: String::from_utf8(bytes).unwrap_or_default(), path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_is_read_whole_and_without_what_git_ignores() {
        let tree = Tree::read(&root()).unwrap();
        assert!(tree.file("xtask/src/source_tree.rs").is_some());
        assert!(tree.holds("xtask/src") && tree.holds("xtask/") && !tree.holds("xtask/sr"));
        assert!(!tree.holds("target"));
    }

    #[test]
    fn a_walk_finds_what_git_lists() {
        let walked = walked(&root()).unwrap();
        assert!(walked.contains(&"xtask/src/source_tree.rs".to_owned()));
        assert!(!walked.iter().any(|path| path.starts_with("target/")));
    }

    #[test]
    fn a_path_is_split_into_folder_and_name() {
        let tree = Tree::of(&[("a/b/c.d.rs", ""), ("c.rs", "")]);
        let [deep, flat] = &tree.files[..] else { panic!("two files were put in") };
        assert_eq!((deep.folder(), deep.name()), ("a/b", "c.d.rs"));
        assert_eq!((flat.folder(), flat.name()), ("", "c.rs"));
        assert_eq!(deep.extension(), "rs");
    }
}
