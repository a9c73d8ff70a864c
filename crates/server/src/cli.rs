//! Command line.

use std::env;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tower_warder::UserStatus;
use tower_warder_accounts::{Email, InvalidEmail};

use super::settings::VARIABLES;

/// Login server: registration, log-in, approval, sessions and pages
#[derive(Parser)]
#[command(name = "tower-warder-server", version)]
pub(crate) struct Cli {
    /// TOML file with settings; by default that of TOWER_WARDER_CONFIG
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

impl Cli {
    /// Parses the arguments of the process. The error has the text and the exit code, also for
    /// `--help`.
    pub(crate) fn parse() -> Result<Self, clap::Error> {
        let mut command = Self::command().after_long_help(help_on_variables());
        let cli = Self::from_arg_matches(&command.try_get_matches_from_mut(env::args_os())?)?;
        if cli.needs_terminal() && !io::stdin().is_terminal() {
            let remedy = "standard input is no terminal: choose --password-stdin or --generate";
            return Err(command.error(ErrorKind::MissingRequiredArgument, remedy));
        }
        Ok(cli)
    }

    /// Returns `true` if a terminal has to ask for a password.
    fn needs_terminal(&self) -> bool {
        match &self.command {
            Some(Command::Accounts(
                AccountsCommand::CreateAdmin { password, .. }
                | AccountsCommand::ResetPassword {
                    password,
                    link: false,
                    ..
                },
            )) => !password.password_stdin && !password.generate,
            _ => false,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve until stopped by SIGTERM or SIGINT (default)
    Serve,
    /// Check the configuration, without access to the database, and print what is set
    CheckConfig,
    /// Create the tables or bring them up to date
    Migrate,
    #[command(flatten)]
    Accounts(AccountsCommand),
}

/// Command that reads or changes accounts, also beside running servers.
#[derive(Subcommand)]
pub(crate) enum AccountsCommand {
    /// Create an approved admin, or make one of the account with this address
    ///
    /// An existing account gets the new password, and all its tokens and sessions are revoked.
    CreateAdmin {
        #[arg(value_parser = email)]
        email: Email,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Set a new password, and revoke all tokens and sessions of the account
    ResetPassword {
        #[arg(value_parser = email)]
        email: Email,
        #[command(flatten)]
        password: PasswordSource,
        /// Have the owner set another password at the next log-in
        #[arg(long)]
        must_change: bool,
        /// Print a link with which the owner sets the password, once and within 30 minutes
        #[arg(long, conflicts_with_all = ["password_stdin", "generate", "must_change"])]
        link: bool,
    },
    /// Invite the owner of an address, and print a link with which they set the password
    ///
    /// The link is valid once and for 7 days. It approves the account. Another invitation of the same
    /// address makes it invalid.
    Invite {
        #[arg(value_parser = email)]
        email: Email,
        /// As an admin
        #[arg(long)]
        admin: bool,
    },
    /// List the accounts, newest first
    ListUsers {
        /// Only accounts with this status: pending, approved or disabled
        #[arg(long)]
        status: Option<UserStatus>,
        /// Print each account as a line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Change the status; disabling revokes all tokens and sessions of the account
    SetStatus {
        #[arg(value_parser = email)]
        email: Email,
        /// pending, approved or disabled
        status: UserStatus,
    },
    /// Import accounts of another system with their password hashes
    ///
    /// The name of the file ends in .csv, with the names of the columns in its first line, or in
    /// .jsonl, with a JSON object in each line. Names: email, hashed_password; and, if they are
    /// given, status (pending by default), is_admin (false by default), created_at (a time with its
    /// offset, such as 2024-05-01T12:00:00Z; by default the present). Accounts that exist are left
    /// as they are, so the command can be repeated.
    Import {
        #[arg(value_name = "FILE.csv|FILE.jsonl")]
        file: PathBuf,
        /// Report what would be done, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Revoke all tokens and sessions of an account, or of all
    RevokeTokens(Revoked),
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Revoked {
    #[arg(value_parser = email)]
    pub(crate) email: Option<Email>,
    /// Of all accounts
    #[arg(long)]
    all: bool,
}

/// A terminal asks for the password by default. One is generated only on request: the output of a job
/// is often kept in a log.
#[derive(clap::Args)]
#[group(multiple = false)]
pub(crate) struct PasswordSource {
    /// Read the password from the first line of standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Generate a password and print it
    #[arg(long)]
    pub(crate) generate: bool,
}

fn email(text: &str) -> Result<Email, InvalidEmail> {
    Email::new(text)
}

fn help_on_variables() -> String {
    let mut help = "Variables, also as keys in lower case in the file of --config:\n".to_owned();
    for variable in VARIABLES {
        let meaning = variable.meaning.replace('`', "");
        help += &format!("\n  {}\n          {meaning}", variable.name);
    }
    help
}
