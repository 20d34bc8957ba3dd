//! Mistakes in the configuration: all of them in one message, and no socket opened.

use anyhow::{Result, ensure};
use std::net::TcpListener;
use std::path::PathBuf;
use tributary_testkit::Process;
use tributary_testkit::wait::SOON;
use tributary_tests::program;

async fn refused(
    program: PathBuf,
    args: &[&str],
    env: &[(&str, &str)],
    told: &[&str],
) -> Result<()> {
    // Taken: a program that opened its sockets first would stumble over it instead.
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let args: Vec<&str> = args.iter().map(|&a| if a == "TAKEN" { &address } else { a }).collect();
    let mut process = Process::spawn(program, args, env)?;
    let status = process.wait(SOON).await?;
    let output = process.output().join("\n");
    ensure!(status.code() == Some(64), "ended with {status}; output:\n{output}");
    ensure!(!output.contains("listening"), "opened a socket:\n{output}");
    for what in told {
        ensure!(output.contains(what), "{what} is not in the message:\n{output}");
    }
    Ok(())
}

#[tokio::test]
async fn the_sidecar_names_every_mistake() -> Result<()> {
    let args = ["--otlp-grpc-listen", "TAKEN", "--buffer", "lots", "--colour", "red"];
    let env = [("TRIBUTARY_OTLP_HTTP_LISTEN", "nowhere"), ("TRIBUTARY_BUFER", "1MiB")];
    let told = ["buffer", "lots", "colour", "nowhere", "TRIBUTARY_BUFER", "upstream"];
    refused(program::sidecar()?, &args, &env, &told).await
}

#[tokio::test]
async fn the_ingester_names_every_mistake() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("config.yaml");
    std::fs::write(&file, "block_age: soon\ncolour: red\n")?;
    let file = file.display().to_string();
    let args =
        ["--config", &file, "--wire-listen", "TAKEN", "--memory", "lots", "--shape", "round"];
    // The last two are no mistakes: Kubernetes makes the one, the other is the sidecar's.
    let env = [
        ("TRIBUTARY_HTTP_LISTEN", "nowhere"),
        ("TRIBUTARY_MEMROY", "1GiB"),
        ("TRIBUTARY_INGESTER_SERVICE_HOST", "10.0.0.1"),
        ("TRIBUTARY_UPSTREAM", "ingester"),
    ];
    let told = [
        "6 mistakes",
        "block_age",
        "soon",
        "colour",
        "memory",
        "lots",
        "nowhere",
        "shape",
        "MEMROY",
    ];
    refused(program::ingester()?, &args, &env, &told).await
}
