//! The demo from its first line to its summary.

use super::children::Program;
use super::export::Exporter;
use super::options::Options;
use super::ports::{Ports, local};
use super::progress::{Figures, bytes, count};
use super::readback::{ReadBack, read_back};
use super::story;
use super::teller::{Told, tell};
use crate::common::http::Http;
use crate::common::stop::Stop;
use crate::common::terminal::Terminal;
use crate::common::trace::fetch;
use crate::common::waterfall::{Style, duration, waterfall};
use anyhow::{Context, bail};
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Age at which spans become a block: short, so that there is something to see.
const BLOCK_AGE: &str = "10s";
/// What the demo writes is small, and a newcomer's disk may be nearly full.
const DISK_RESERVE: &str = "64MiB";
/// How long a program may take to start: the ingester looks through what is there already.
const START: Duration = Duration::from_secs(30);
/// How long the end waits for acknowledgements.
const LAST_ACKS: Duration = Duration::from_secs(30);

/// What the demo has at hand while it runs.
pub(crate) struct Show<'a> {
    options: &'a Options,
    ports: Ports,
    data: &'a Path,
    logs: &'a Path,
    terminal: &'a mut Terminal,
    http: Http,
    /// What the programs had counted before the story began.
    before: Figures,
    /// What they have counted by now.
    counted: Figures,
    told: Arc<Told>,
    seed: u64,
    started: Instant,
    drawn: bool,
}

impl<'a> Show<'a> {
    pub(crate) fn new(
        options: &'a Options,
        ports: Ports,
        data: &'a Path,
        logs: &'a Path,
        terminal: &'a mut Terminal,
    ) -> Self {
        // The standard library's hash maps have keys of their own: the one source of chance here.
        let seed = options.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        Show {
            options,
            ports,
            data,
            logs,
            terminal,
            http: Http::new(),
            before: Figures::default(),
            counted: Figures::default(),
            told: Arc::default(),
            seed,
            started: Instant::now(),
            drawn: false,
        }
    }

    /// Starts the programs into `programs`, tells the story, reads it back. Says whether all
    /// that was sent was acknowledged and came back. Ending the programs is the caller's.
    pub(crate) async fn run(
        &mut self,
        programs: &mut Vec<Program>,
        stop: &Stop,
    ) -> anyhow::Result<bool> {
        self.start(programs).await?;
        let (teller, enough) = self.begin_story()?;
        let watched = self.watch(programs, stop, &teller).await;
        enough.cancel();
        if watched.is_err() && !teller.is_finished() {
            // It may be trying to reach a program that is no more.
            teller.abort();
            return watched.map(|()| false);
        }
        // A teller that failed says more than the watcher that noticed it.
        teller.await.context("the story broke off")??;
        watched?;
        let acked = self.wait_for_acks(programs).await?;
        if !self.drawn {
            self.draw().await?;
        }
        let read = self.read_back(programs).await?;
        Ok(self.summary(acked, &read))
    }

    async fn start(&mut self, programs: &mut Vec<Program>) -> anyhow::Result<()> {
        let ports = self.ports;
        let flag = |name: &str, value: &dyn std::fmt::Display| -> [OsString; 2] {
            [name.into(), value.to_string().into()]
        };
        // What is called localhost may be either of its addresses.
        let listen = |port: u16| format!("localhost:{port}");
        self.terminal.status("starting an ingester and a sidecar …");
        let mut flags: Vec<OsString> = vec!["--store".into(), self.data.into()];
        flags.extend(flag("--wire-listen", &listen(ports.wire)));
        flags.extend(flag("--http-listen", &listen(ports.http)));
        flags.extend(flag("--block-age", &BLOCK_AGE));
        flags.extend(flag("--disk-reserve", &DISK_RESERVE));
        programs.push(Program::start("ingester", &flags, self.logs)?);
        self.ready(programs, ports.http).await?;

        let mut flags: Vec<OsString> = Vec::new();
        flags.extend(flag("--upstream", &local(ports.wire)));
        flags.extend(flag("--otlp-grpc-listen", &listen(ports.otlp_grpc)));
        flags.extend(flag("--otlp-http-listen", &listen(ports.otlp_http)));
        flags.extend(flag("--admin-listen", &listen(ports.admin)));
        flags.extend(flag("--receivers", &"otlp-grpc,otlp-http"));
        programs.push(Program::start("sidecar", &flags, self.logs)?);
        self.ready(programs, ports.admin).await?;
        // An ingester that ended without warning last time left spans, which are stored by now.
        self.count().await;
        self.before = self.counted;

        let (one, other) = (self.terminal.bold("sidecar"), self.terminal.bold("ingester"));
        let seconds = self.started.elapsed();
        self.terminal
            .say(&format!("A {one} and an {other} run (started in {}).", duration(seconds)));
        for program in programs.iter() {
            self.terminal.say(&format!("  {} log: {}", program.name(), program.log().display()));
        }
        self.terminal.say(&format!(
            "Three services send {} requests a second to localhost:{} (seed {}).\n",
            self.options.rate, ports.otlp_grpc, self.seed
        ));
        Ok(())
    }

    async fn ready(&self, programs: &mut [Program], port: u16) -> anyhow::Result<()> {
        let Some(program) = programs.last_mut() else { return Ok(()) };
        program.wait_ready(&self.http, &format!("http://{}/ready", local(port)), START).await
    }

    fn begin_story(
        &mut self,
    ) -> anyhow::Result<(JoinHandle<anyhow::Result<()>>, CancellationToken)> {
        let enough = CancellationToken::new();
        let exporter = Exporter::new(self.ports.otlp_grpc)?;
        let (told, stop) = (self.told.clone(), enough.clone());
        let (seed, rate) = (self.seed, self.options.rate);
        self.started = Instant::now();
        Ok((tokio::spawn(async move { tell(exporter, seed, rate, stop, &told).await }), enough))
    }

    /// Shows progress until the time is over, a signal comes or something fails.
    async fn watch(
        &mut self,
        programs: &mut [Program],
        stop: &Stop,
        teller: &JoinHandle<anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        let end = self.options.seconds.map(|seconds| self.started + Duration::from_secs(seconds));
        let mut beat = tokio::time::interval(self.terminal.pace());
        loop {
            tokio::select! {
                () = stop.soon.cancelled() => return Ok(()),
                _ = beat.tick() => {}
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Ok(());
            }
            if teller.is_finished() {
                bail!("the story broke off");
            }
            self.refresh(programs).await?;
            if !self.drawn
                && self.figures().acked > 0
                && self.told.traces.load(Ordering::Relaxed) > 0
            {
                self.draw().await?;
                self.hints();
            }
            self.show_progress();
        }
    }

    async fn refresh(&mut self, programs: &mut [Program]) -> anyhow::Result<()> {
        programs.iter_mut().try_for_each(Program::check)?;
        self.count().await;
        Ok(())
    }

    async fn count(&mut self) {
        let page = |port| format!("http://{}/metrics", local(port));
        let (sidecar, ingester) = (page(self.ports.admin), page(self.ports.http));
        self.counted.refresh(&self.http, &sidecar, &ingester).await;
    }

    /// What the programs have counted since the story began.
    fn figures(&self) -> Figures {
        self.counted.since(&self.before)
    }

    fn show_progress(&mut self) {
        let sent = self.told.spans.load(Ordering::Relaxed);
        let line = self.figures().line(self.started.elapsed(), sent);
        self.terminal.status(&line);
    }

    fn api(&self) -> String {
        format!("http://{}", local(self.ports.http))
    }

    /// Fetches the first trace of the story and draws it, if it is there already.
    async fn draw(&mut self) -> anyhow::Result<()> {
        let trace = story::trace(self.seed, 0);
        let asked = Instant::now();
        let columns = fetch(&self.http, &self.api(), trace.id).await?.spans;
        if columns.len() < trace.spans.len() {
            return Ok(());
        }
        let took = duration(asked.elapsed());
        self.terminal.say(&format!(
            "GET {}/api/v2/traces/{} answered in {took}:\n",
            self.api(),
            trace.id
        ));
        let style = Style { width: self.terminal.width(), colour: self.terminal.colour() };
        waterfall(&columns, style).iter().for_each(|line| self.terminal.say(line));
        let link = format!("http://localhost:{}/?trace={}", self.ports.http, trace.id);
        let link = self.terminal.bold(&link);
        self.terminal.say(&format!("\nIn a browser, while this runs: {link}\n"));
        self.drawn = true;
        Ok(())
    }

    fn hints(&mut self) {
        let Ports { otlp_grpc, otlp_http, http, .. } = self.ports;
        let lines = [
            format!(
                "The data lies in {}: blocks/ is in Grafana Tempo's own layout.",
                self.data.display()
            ),
            "Your own application, with any OpenTelemetry SDK:".to_owned(),
            format!(
                "  OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:{otlp_grpc}"
            ),
            format!(
                "  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:{otlp_http}"
            ),
            format!("Grafana: a data source of type Tempo with the URL http://localhost:{http}"),
        ];
        lines.iter().for_each(|line| self.terminal.say(line));
        let end = match self.options.seconds {
            Some(seconds) => format!("This ends after {seconds} seconds.\n"),
            None => "Ctrl-C ends this.\n".to_owned(),
        };
        self.terminal.say(&end);
    }

    /// Waits until the sidecar has an acknowledgement for every span it took.
    async fn wait_for_acks(&mut self, programs: &mut [Program]) -> anyhow::Result<bool> {
        let deadline = Instant::now() + LAST_ACKS;
        let sent = self.told.spans.load(Ordering::Relaxed);
        let mut beat = tokio::time::interval(self.terminal.pace() / 4);
        loop {
            beat.tick().await;
            self.refresh(programs).await?;
            let Figures { accepted, acked, .. } = self.figures();
            let all = acked >= sent && acked >= accepted;
            if all || Instant::now() > deadline {
                self.show_progress();
                return Ok(all);
            }
        }
    }

    async fn read_back(&mut self, programs: &mut [Program]) -> anyhow::Result<ReadBack> {
        let traces = self.told.traces.load(Ordering::Relaxed);
        let (api, pace) = (self.api(), self.terminal.pace());
        let terminal = &mut *self.terminal;
        let mut shown = Instant::now();
        let read = read_back(&self.http, &api, self.seed, traces, |read| {
            if shown.elapsed() >= pace {
                shown = Instant::now();
                terminal.status(&format!(
                    "reading back: {} of {} traces",
                    count(read),
                    count(traces)
                ));
            }
        })
        .await;
        self.refresh(programs).await?;
        Ok(read)
    }

    /// Whether all is well, and the words for it.
    fn summary(&mut self, all_acked: bool, read: &ReadBack) -> bool {
        let sent = self.told.spans.load(Ordering::Relaxed);
        let refused = self.told.refused.load(Ordering::Relaxed);
        let figures = self.figures();
        let fine = all_acked && read.missing == 0;
        let mut lines = vec![
            String::new(),
            format!("sent          {:>9} spans in {} traces", count(sent), count(read.traces)),
            format!(
                "acknowledged  {:>9} spans, {} on the wire",
                count(figures.acked),
                bytes(figures.wire_bytes)
            ),
            format!(
                "read back     {:>9} spans, each trace by its id, median {}",
                count(read.spans),
                read.median().map_or_else(|| "-".to_owned(), duration)
            ),
            format!(
                "stored so far {:>9} spans in blocks of {}; the rest follows now",
                count(figures.stored),
                bytes(figures.block_bytes)
            ),
        ];
        if refused > 0 {
            lines.push(format!(
                "the sidecar said \"later\" {} times, and was sent the spans again",
                count(refused)
            ));
        }
        lines.extend(read.faults.iter().map(|fault| self.terminal.red(fault)));
        lines.push(match (all_acked, read.missing) {
            (true, 0) => self.terminal.green("Every acknowledged span was read back."),
            (true, missing) => self
                .terminal
                .red(&format!("{} acknowledged spans were NOT read back.", count(missing))),
            (false, _) => self.terminal.red(&format!(
                "Not all spans were acknowledged within {} s: {} of {}.",
                LAST_ACKS.as_secs(),
                count(figures.acked),
                count(sent)
            )),
        });
        lines.iter().for_each(|line| self.terminal.say(line));
        fine
    }
}
