//! The deployed system end to end: the template's stack on stand-ins for AWS, with the real
//! function programs.

use anyhow::Result;

use super::{Context, Outcome};
use crate::process::{self, cargo};
use crate::tools::{PythonEnvironment, has_postgres, has_python};

const STORIES: &str = "infra/e2e";

/// Builds the functions, and runs chats through the deployed system.
pub(super) fn run(context: &Context<'_>) -> Result<Outcome> {
    if !has_python(context.root)? {
        return context.missing("python3 with venv is not installed");
    }
    if !has_postgres(context.root)? {
        return context.missing("PostgreSQL is not installed");
    }
    process::run(&mut cargo(context.root, ["build", "--quiet", "--workspace", "--bins"]))?;
    let environment = PythonEnvironment::of_infra(context.root)?;
    let mut stories = environment.command(&context.root.join(STORIES), "pytest");
    process::run(stories.args(["-q", "-ra", "-p", "no:cacheprovider", "--durations=5"]))?;
    Ok(Outcome::Done)
}
