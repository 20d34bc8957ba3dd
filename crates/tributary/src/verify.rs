//! `tributary verify`: writes known traces where applications write theirs, and reads each back.
//!
//! Time is cut into slots, and what trace a slot has follows from its number ([`plan`], [`case`]), so
//! nothing is kept but what is still to be looked at ([`ledger`]); what an earlier run wrote is told by
//! its own traces ([`past`]). A trace goes out by [`send`] as one of three protocols has it. It is looked
//! at several times ([`stage`]): by its id, where [`compare`] holds each span's [`facts`] against what was
//! written, by a search and by a metrics query ([`ask`]). What was seen is counted and said ([`tally`]).
//!
//! What counts as lost was acknowledged before: a trace that nothing takes is counted apart.

mod ask;
mod case;
mod compare;
mod facts;
mod ledger;
mod options;
mod past;
mod plan;
mod run;
mod send;
mod span;
mod stage;
mod tally;

pub(crate) use options::Options;

use crate::common::http::Http;
use crate::common::stop::Stop;
use anyhow::Context;
use ask::Reader;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use ledger::Outcome;
use plan::Plan;
use run::Run;
use send::Senders;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tally::Tally;
use tributary_settings::USAGE;

/// Something was missing, double or different.
const FAULT: u8 = 1;
/// Nothing took the traces, or nothing showed them; or the verifier itself could not go on.
const UNKNOWN: u8 = 2;
/// How long an answer may take: what takes longer is asked for again.
const PATIENCE: Duration = Duration::from_secs(30);
/// How large an answer may be: far above any trace that is written.
const LARGEST: usize = 32 << 20;
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes and reads until it is asked to end.
pub(crate) fn run(options: &Options) -> ExitCode {
    let secure = [Some(&options.otlp), options.jaeger.as_ref(), options.zipkin.as_ref()];
    let writes_tls = secure.into_iter().flatten().any(|address| address.is_secure());
    let tls = options.caller.tls(options.url.is_secure() || writes_tls);
    let http = tls.and_then(|tls| {
        let token = options.caller.token_file(&options.url)?;
        Http::patient(options.caller.headers(), PATIENCE, LARGEST, tls).with_token(token)
    });
    let http = match http {
        Ok(http) => http,
        Err(why) => {
            say(&format!("error: {why}"));
            return ExitCode::from(USAGE);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.context("the runtime").and_then(|rt| rt.block_on(verify(options, http)));
    match done {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            say(&format!("error: {why:#}"));
            ExitCode::from(UNKNOWN)
        }
    }
}

async fn verify(options: &Options, http: Http) -> anyhow::Result<u8> {
    let plan = Plan::new(&options.name(now()), options.every(), &options.others());
    let (block, merged) = options.ages();
    let stages = stage::stages(block, merged, options.patience);
    let tally = Arc::new(Tally::new(stages.iter().map(|stage| stage.name)));
    let stop = Stop::on_signals()?;
    if let Some(address) = options.listen {
        let tally = Arc::clone(&tally);
        let page = get(async move || ([(CONTENT_TYPE, PROMETHEUS)], tally.render()));
        let listener = tokio::net::TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("--listen {address}"))?;
        say(&format!("metrics on http://{}/metrics", listener.local_addr()?));
        let router = Router::new().route("/metrics", page);
        // Ends with the runtime, which ends with the command.
        tokio::spawn(async { axum::serve(listener, router).await });
    }
    say(&format!(
        "writes a trace each {:?} to {}, reads from {}",
        options.every(),
        options.otlp.as_str(),
        options.url.as_str()
    ));
    let run = Run {
        most: options.once.then(|| plan.round()),
        plan,
        stages,
        senders: Senders {
            http: http.clone(),
            otlp: options.otlp.clone(),
            jaeger: options.jaeger.clone(),
            zipkin: options.zipkin.clone(),
        },
        reader: Reader { http, address: options.url.clone() },
        tally: Arc::clone(&tally),
        clock: now,
        say,
    };
    run.run(stop.soon).await;
    say(&tally.summary());
    Ok(if options.once { code(&tally) } else { 0 })
}

/// How a run that ends by itself ends.
fn code(tally: &Tally) -> u8 {
    let looks = |outcomes: &[Outcome]| outcomes.iter().map(|o| tally.looks(*o)).sum::<u64>() > 0;
    let (written, not_taken) = tally.traces();
    if looks(&[Outcome::Missing, Outcome::Double, Outcome::Different]) {
        FAULT
    } else if not_taken > 0 || written == 0 || looks(&[Outcome::Unanswered, Outcome::Denied]) {
        UNKNOWN
    } else {
        0
    }
}

/// Time since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A line for people, with the time. A standard error that is closed is no fault of the verifier's.
fn say(line: &str) {
    use std::io::Write;
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).ok();
}

#[cfg(test)]
mod tests {
    use super::ledger::Finding;
    use super::*;
    use plan::Protocol;

    #[test]
    fn the_exit_code_tells_faults_from_what_is_not_known() {
        let table: [(&[Outcome], bool, u8); 8] = [
            (&[Outcome::Fine], true, 0),
            (&[Outcome::Fine, Outcome::Late], true, 0),
            (&[Outcome::Fine, Outcome::Missing], true, FAULT),
            (&[Outcome::Double], true, FAULT),
            (&[Outcome::Different, Outcome::Unanswered], true, FAULT),
            (&[Outcome::Fine, Outcome::Unanswered], true, UNKNOWN),
            (&[Outcome::Fine, Outcome::Denied], true, UNKNOWN),
            (&[], false, UNKNOWN),
        ];
        for (outcomes, is_taken, expected) in table {
            let tally = Tally::new(["id"]);
            tally.written(Protocol::Otlp, is_taken);
            for outcome in outcomes {
                tally.found(&Finding {
                    slot: 1,
                    stage: "id",
                    outcome: *outcome,
                    spans: 0,
                    age: Duration::ZERO,
                    took: None,
                    told: String::new(),
                });
            }
            assert_eq!(code(&tally), expected, "{outcomes:?}");
        }
    }
}
