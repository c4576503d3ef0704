//! `hwgym completions` and `hwgym man`: what a shell and `man` know of the program, from its own command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;

use crate::commands::Cli;

/// Print the completions of a shell
///
/// Bash: `hwgym completions bash > ~/.local/share/bash-completion/completions/hwgym`. Zsh: into a file `_hwgym` in a folder of `$fpath`. Fish: into
/// `~/.config/fish/completions/hwgym.fish`.
#[derive(clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

impl CompletionsArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "hwgym", &mut script);
        std::io::Write::write_all(&mut std::io::stdout(), &script)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Write the manual pages, one per command
#[derive(clap::Args)]
pub struct ManArgs {
    /// The folder, such as `~/.local/share/man/man1`
    folder: PathBuf,
}

impl ManArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        std::fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        clap_mangen::generate_to(Cli::command(), &self.folder)
            .with_context(|| self.folder.display().to_string())?;
        println!("{}", self.folder.join("hwgym.1").display());
        Ok(ExitCode::SUCCESS)
    }
}
