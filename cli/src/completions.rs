//! Shell completions and the manual page.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Arguments;
use crate::exit::ExitStatus;
use crate::output::raw;

/// Prints the completions of a shell.
pub(crate) fn completions(shell: Shell) -> ExitStatus {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "yogi", &mut script);
    raw(&script);
    ExitStatus::Success
}

/// Prints the manual page, all commands in one.
pub(crate) fn manual() -> anyhow::Result<ExitStatus> {
    let mut command = Arguments::command();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for part in
        command.get_subcommands().filter(|part| part.get_name() != "help" && !part.is_hide_set())
    {
        render(part, &mut page)?;
    }
    raw(&page);
    Ok(ExitStatus::Success)
}

fn render(command: &clap::Command, page: &mut Vec<u8>) -> anyhow::Result<()> {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    page.extend_from_slice(format!(".SH {}\n", name.to_uppercase()).as_bytes());
    let man = clap_mangen::Man::new(command.clone());
    man.render_description_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_options_section(page)?;
    for part in
        command.get_subcommands().filter(|part| part.get_name() != "help" && !part.is_hide_set())
    {
        render(part, page)?;
    }
    Ok(())
}
