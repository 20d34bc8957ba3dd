//! How a program ends that does not come to run.

use crate::gather::Asked;
use crate::mistakes::Mistakes;
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit code for settings that are wrong (`EX_USAGE` of `sysexits.h`).
pub const USAGE: u8 = 64;

/// What `program` is to run with.
///
/// # Errors
/// The exit code, when it is not to run: the text that was asked for stands on standard output, or
/// the mistakes on standard error.
pub fn settled<T>(program: &str, asked: Result<Asked<T>, Mistakes>) -> Result<T, ExitCode> {
    match asked {
        Ok(Asked::Run(config)) => Ok(config),
        Ok(Asked::Print(text)) => Err(say(&mut io::stdout(), &text, ExitCode::SUCCESS)),
        Err(mistakes) => {
            let text = format!("{program}: {mistakes}\n");
            Err(say(&mut io::stderr(), &text, ExitCode::from(USAGE)))
        }
    }
}

fn say(out: &mut dyn Write, text: &str, code: ExitCode) -> ExitCode {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}
