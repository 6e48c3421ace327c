//! The programs to compare, and the variables of each.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use testkit::lambda::FunctionProgram;

/// The bare function.
pub(super) const FLOOR: &str = "bare function";
/// The Python function.
pub(super) const PEER: &str = "Python function";
const FUNCTIONS: [&str; 3] = ["ingress", "worker", "notifier"];

const PEER_VARIABLES: [(&str, &str); 4] = [
    ("ANTHROPIC_API_KEY", "bench"),
    ("OPENAI_API_KEY", "bench"),
    ("CHATBOT_CLAUDE_MODEL", "claude-haiku-5-5"),
    ("CHATBOT_OPENAI_MODEL", "gpt-6-luna"),
];

/// Tells whether a program is one of ours.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&name)
}

/// Returns the programs: the functions, the empty function, and the Python function if there is an
/// interpreter for it.
pub(super) fn programs(folder: &Path, python: Option<&Path>) -> Vec<FunctionProgram> {
    let own = |variables: &[(&'static str, &str)]| {
        variables.iter().map(|(n, v)| (*n, (*v).to_owned())).collect()
    };
    let mut programs: Vec<FunctionProgram> =
        FUNCTIONS.map(|name| FunctionProgram::deployed(name, folder.join(name))).into();
    let path = folder.join("examples/bare");
    programs.push(FunctionProgram {
        name: FLOOR,
        path,
        arguments: Vec::new(),
        variables: Vec::new(),
    });
    if let Some(python) = python {
        let arguments = vec![concat!(env!("CARGO_MANIFEST_DIR"), "/peer/run.py").to_owned()];
        let variables = own(&PEER_VARIABLES);
        programs.push(FunctionProgram {
            name: PEER,
            path: python.to_owned(),
            arguments,
            variables,
        });
    }
    programs
}

/// Returns the bytes of a program in a zip file, its few headers apart.
pub(super) fn zipped(path: &Path) -> anyhow::Result<f64> {
    let program =
        std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&program)?;
    let bytes = u32::try_from(encoder.finish()?.len())?;
    Ok(f64::from(bytes))
}
