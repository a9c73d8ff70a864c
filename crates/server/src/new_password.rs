//! Password for a command: from the terminal, from standard input, or generated.

use std::io::{self, BufRead};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tower_warder::BoxError;
use tower_warder_accounts::Password;
use zeroize::Zeroizing;

use super::cli::PasswordSource;

/// New password.
pub(crate) struct NewPassword {
    pub(crate) password: Password,
    is_generated: bool,
}

impl NewPassword {
    /// Reads the first line of standard input, generates a password, or by default asks in the
    /// terminal. An argument would be visible to other users.
    pub(crate) fn read(source: &PasswordSource) -> Result<Self, BoxError> {
        if source.password_stdin {
            return Self::entered(&read_line(io::stdin().lock())?);
        }
        if source.generate {
            return Self::generate();
        }
        let entered = Zeroizing::new(rpassword::prompt_password("New password: ")?);
        let repeated = Zeroizing::new(rpassword::prompt_password("Repeat it: ")?);
        if entered != repeated {
            return Err("the passwords differ; run the command again".into());
        }
        Self::entered(&entered)
    }

    /// Returns the password if it was generated, to be told to the operator.
    pub(crate) fn generated(&self) -> Option<Zeroizing<String>> {
        let text = || self.password.as_str().to_owned().into();
        self.is_generated.then(text)
    }

    fn entered(text: &str) -> Result<Self, BoxError> {
        Ok(Self {
            password: Password::new(text)?,
            is_generated: false,
        })
    }

    fn generate() -> Result<Self, BoxError> {
        let mut bytes = Zeroizing::new([0; GENERATED_BYTES]);
        getrandom::fill(&mut *bytes)?;
        Ok(Self {
            password: Password::new(URL_SAFE_NO_PAD.encode(*bytes))?,
            is_generated: true,
        })
    }
}

/// Returns the first line without its end: white space is part of a password.
fn read_line(input: impl BufRead) -> Result<Zeroizing<String>, BoxError> {
    // Allocated at full size: a growing string would leave copies in memory.
    let mut line = Zeroizing::new(String::with_capacity(MAX_LINE_BYTES));
    input.take(MAX_LINE_BYTES as u64).read_line(&mut line)?;
    if line.ends_with('\n') {
        line.pop();
        if line.ends_with('\r') {
            line.pop();
        }
    }
    Ok(line)
}

/// 144 bits: 24 characters.
const GENERATED_BYTES: usize = 18;

/// More than the longest password.
const MAX_LINE_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_read_without_its_end_only() {
        for (input, line) in [
            ("pass word \n", "pass word "),
            ("pass\r\nnext\n", "pass"),
            ("pass", "pass"),
            ("\n", ""),
            ("", ""),
        ] {
            assert_eq!(*read_line(input.as_bytes()).unwrap(), line, "{input:?}");
        }
        assert!(read_line(&b"\xff\n"[..]).is_err());
    }

    #[test]
    fn generated_passwords_differ() {
        let [one, other] = [(); 2].map(|()| NewPassword::generate().unwrap());
        assert_eq!(one.password.as_str().len(), 24);
        assert_ne!(one.password.as_str(), other.password.as_str());
        assert_eq!(*one.generated().unwrap(), one.password.as_str());
    }
}
