//! `hwgym trace`: record, import, generate and measure memory traces.
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use flate2::bufread::MultiGzDecoder;

use crate::failure::BadInput;
use hwgym_simulators::dram::Request;
use hwgym_simulators::dram::trace::generate::{PRESETS, SETTINGS};
use hwgym_simulators::dram::trace::paging::FrameOrder;
use hwgym_simulators::dram::trace::programs::{MIX_SETTINGS, ProgramMix};
use hwgym_simulators::dram::trace::record::{self, RecordConfig, RecordSummary};
use hwgym_simulators::dram::trace::writer::TraceFile;
use hwgym_simulators::dram::trace::{CacheConfig, CacheLevel, GeneratorSpec, TraceInfo, Workload, shipped};

/// Memory traces: what a DRAM controller is asked to do, and when.
#[derive(Debug, Args)]
pub struct TraceArgs {
    #[command(subcommand)]
    command: TraceCommand,
}

#[derive(Debug, Subcommand)]
enum TraceCommand {
    /// Run a program under valgrind and write the memory requests that pass the caches.
    ///
    /// Example: hwgym trace record --out gzip.stl.gz -- gzip -9 -c FILE
    Record {
        #[command(flatten)]
        recording: Recording,
        /// The program and its arguments, after `--`.
        #[arg(last = true, required = true, value_name = "PROGRAM")]
        program: Vec<String>,
    },
    /// Turn a stored memory trace of valgrind's lackey into a trace (`-` reads standard input; gzip is recognised).
    ///
    /// Made by: valgrind --tool=lackey --trace-mem=yes --log-file=FILE PROGRAM
    Import {
        /// Output of valgrind.
        input: PathBuf,
        #[command(flatten)]
        recording: Recording,
    },
    /// Write a synthetic trace.
    ///
    /// Example: hwgym trace generate zipf --set requests=50000 --set exponent=1.1 --out zipf.stl.gz
    Generate {
        /// Which kind of trace; `--list` shows all.
        #[arg(required_unless_present = "list")]
        kind: Option<String>,
        /// Change one setting; may be repeated.
        #[arg(long = "set", value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// The file to write; `.gz` compresses. Standard output without it.
        #[arg(long, short)]
        out: Option<PathBuf>,
        /// List kinds and settings.
        #[arg(long, conflicts_with_all = ["kind", "set", "out"])]
        list: bool,
    },
    /// Show what a trace looks like.
    Info {
        /// A trace file, a shipped trace, or a generator such as `random:seed=3`; nothing lists the shipped ones.
        workload: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// How a program becomes a trace.
#[derive(Debug, Args)]
struct Recording {
    /// The trace to write; `.gz` compresses.
    #[arg(long, short)]
    out: PathBuf,
    /// Requests to write; the program is stopped afterwards.
    #[arg(long, default_value_t = 20_000)]
    requests: u64,
    /// Instructions at the start that warm the caches but leave no requests.
    #[arg(long, default_value_t = 0)]
    skip_instructions: u64,
    /// Requests to leave out after that.
    #[arg(long, default_value_t = 0)]
    skip_requests: u64,
    /// First-level data cache, SIZE:WAYS:LINE, or `none`.
    #[arg(long, default_value = "32k:8:64")]
    data_cache: String,
    /// First-level instruction cache, SIZE:WAYS:LINE, or `none` to trace data only.
    #[arg(long, default_value = "32k:8:64")]
    instruction_cache: String,
    /// Shared cache, SIZE:WAYS:LINE, or `none`; repeat it for further levels, near to far.
    #[arg(long, default_value = "512k:8:64")]
    cache: Vec<String>,
    /// Processor cycles per instruction.
    #[arg(long, default_value_t = 1.0)]
    cycles_per_instruction: f64,
    /// Clock of the processor.
    #[arg(long, default_value_t = 2400.0)]
    processor_mhz: f64,
    /// Clock of the time stamps: that of the DRAM.
    #[arg(long, default_value_t = 1200.0)]
    clock_mhz: f64,
    /// Capacity of the memory in MiB: physical addresses stay below.
    #[arg(long, default_value_t = 1024)]
    memory_mib: u64,
    /// Place pages one after the other from address 0 instead of at random.
    #[arg(long)]
    sequential_frames: bool,
    /// Seed of the random placement of pages.
    #[arg(long, default_value_t = 1, conflicts_with = "sequential_frames")]
    seed: u64,
}

impl Recording {
    fn config(&self) -> Result<RecordConfig> {
        let level = |text: &str| -> Result<Option<CacheLevel>> {
            if text == "none" { Ok(None) } else { Ok(Some(CacheLevel::parse(text)?)) }
        };
        let shared = self.cache.iter().map(|text| level(text)).collect::<Result<Vec<_>>>()?;
        let Some(memory_bytes) = self.memory_mib.checked_mul(1 << 20) else {
            bail!("--memory-mib {}: too large; give the capacity of the memory in MiB", self.memory_mib);
        };
        let config = RecordConfig {
            caches: CacheConfig {
                instruction: level(&self.instruction_cache)?,
                data: level(&self.data_cache)?,
                shared: shared.into_iter().flatten().collect(),
            },
            cycles_per_instruction: self.cycles_per_instruction,
            processor_mhz: self.processor_mhz,
            clock_mhz: self.clock_mhz,
            skip_instructions: self.skip_instructions,
            skip_requests: self.skip_requests,
            max_requests: self.requests,
            memory_bytes,
            frames: if self.sequential_frames {
                FrameOrder::Sequential
            } else {
                FrameOrder::Shuffled { seed: self.seed }
            },
        };
        config.check()?;
        Ok(config)
    }

    /// Starts the output with a comment that says how it was made.
    fn create(&self, origin: &str) -> Result<TraceFile> {
        let mut file = TraceFile::create(&self.out)?;
        let caches = [&self.instruction_cache, &self.data_cache].into_iter().chain(&self.cache);
        let caches = caches.map(String::as_str).collect::<Vec<_>>().join(" ");
        file.comment(&format!(
            "{origin}\ncaches {caches}; {} cycles per instruction at {} MHz\nclock-mhz: {}",
            self.cycles_per_instruction, self.processor_mhz, self.clock_mhz
        ))?;
        Ok(file)
    }

    fn report(&self, summary: &RecordSummary) {
        eprintln!(
            "{} requests from {} instructions and {} data accesses on {} pages{}",
            summary.requests,
            summary.instructions,
            summary.data_accesses,
            summary.pages,
            if summary.cut { "; stopped there (--requests)" } else { "" }
        );
        for (number, (hits, misses)) in summary.caches.iter().enumerate() {
            let rate = 100.0 * *misses as f64 / (hits + misses).max(1) as f64;
            eprintln!("  cache {}: {hits} hits, {misses} misses ({rate:.2} %)", number + 1);
        }
        eprintln!("wrote {}", self.out.display());
    }
}

impl TraceArgs {
    /// Runs the command. Whatever is wrong here was given by the user.
    pub fn run(self) -> Result<ExitCode> {
        match &self.command {
            TraceCommand::Record { recording, program } => record(recording, program),
            TraceCommand::Import { input, recording } => import(recording, input),
            TraceCommand::Generate { list: true, .. } => list_generators(),
            TraceCommand::Generate { kind, set, out, .. } => {
                generate(kind.as_deref().unwrap_or_default(), set, out.as_deref())
            }
            TraceCommand::Info { workload: None, json } => list_shipped(*json),
            TraceCommand::Info { workload: Some(workload), json } => info(workload, *json),
        }
        .bad_input()?;
        Ok(ExitCode::SUCCESS)
    }
}

fn record(recording: &Recording, program: &[String]) -> Result<()> {
    let config = recording.config()?;
    let Some((name, arguments)) = program.split_first() else { bail!("give the program after `--`") };
    let mut file = recording.create(&format!("recorded: {}", program.join(" ").replace('\n', " ")))?;
    let (summary, status) = record::record(name, arguments, &config, |request| file.write(request))?;
    file.finish()?;
    recording.report(&summary);
    if let Some(status) = status.filter(|status| !status.success()) {
        eprintln!("warning: `{name}` ended with {status}; the trace holds what it did until then");
    }
    Ok(())
}

fn import(recording: &Recording, input: &Path) -> Result<()> {
    let config = recording.config()?;
    let source: Box<dyn Read> = if input == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(input).with_context(|| input.display().to_string())?)
    };
    let mut buffered = BufReader::with_capacity(1 << 16, source);
    let is_gzip = std::io::BufRead::fill_buf(&mut buffered)?.starts_with(&[0x1f, 0x8b]);
    let text: Box<dyn Read> =
        if is_gzip { Box::new(MultiGzDecoder::new(buffered)) } else { Box::new(buffered) };
    let name = input.display().to_string();
    let mut file = recording.create(&format!("imported: {name}"))?;
    let reader = BufReader::with_capacity(1 << 16, text);
    let summary = record::import(&name, reader, &config, |request| file.write(request))?;
    file.finish()?;
    recording.report(&summary);
    Ok(())
}

fn generate(kind: &str, set: &[String], out: Option<&Path>) -> Result<()> {
    // With its settings behind the kind a generator says by itself which one it is.
    let mut text = kind.to_string();
    for setting in set {
        if !setting.contains('=') {
            bail!("--set {setting}: expected NAME=VALUE, for example --set requests=5000");
        }
        text.push(if text.contains(':') { ',' } else { ':' });
        text.push_str(setting);
    }
    if ProgramMix::is_meant(&text) {
        let mix = ProgramMix::parse(&text)?;
        let comment = format!("generated: {}", serde_json::to_string(&mix)?);
        return write_generated(&comment, mix.requests()?.into_iter(), out);
    }
    let spec = GeneratorSpec::parse(&text)?;
    let comment = format!("generated: {}", serde_json::to_string(&spec)?);
    write_generated(&comment, spec.generator()?, out)
}

fn write_generated(comment: &str, requests: impl Iterator<Item = Request>, out: Option<&Path>) -> Result<()> {
    let Some(path) = out else { return print(comment, requests) };
    let mut file = TraceFile::create(path)?;
    file.comment(comment)?;
    let mut written = 0_u64;
    for request in requests {
        file.write(&request)?;
        written += 1;
    }
    file.finish()?;
    eprintln!("wrote {written} requests to {}", path.display());
    Ok(())
}

/// Writes to standard output; a closed pipe (`| head`) is no error.
fn print(comment: &str, requests: impl Iterator<Item = Request>) -> Result<()> {
    let output = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut writer = hwgym_simulators::dram::trace::StlWriter::new(output);
    let write = || -> std::io::Result<()> {
        writer.comment(comment)?;
        for request in requests {
            writer.write(&request)?;
        }
        Ok(())
    };
    let result = write().and_then(|()| writer.finish().map(drop));
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn list_generators() -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "Generators:")?;
    for (name, description) in PRESETS {
        writeln!(output, "  {name:<16} {description}")?;
    }
    writeln!(output, "\nSettings (--set NAME=VALUE, or KIND:NAME=VALUE,...):")?;
    for (name, description) in SETTINGS {
        writeln!(output, "  {name:<16} {description}")?;
    }
    writeln!(
        output,
        "\nRecorded programs played together, such as mix:programs=bfs+sqlite+xz+sort,load=0.6:"
    )?;
    for (name, description) in MIX_SETTINGS {
        writeln!(output, "  {name:<16} {description}")?;
    }
    Ok(())
}

fn list_shipped(json: bool) -> Result<()> {
    let mut output = std::io::stdout().lock();
    let mut all = Vec::new();
    for trace in shipped::SHIPPED {
        let info = TraceInfo::collect(trace.reader()?)?;
        if json {
            all.push(serde_json::json!({"name": trace.name, "description": trace.description, "info": info}));
        } else {
            let writes = 100.0 * info.writes as f64 / info.requests as f64;
            writeln!(
                output,
                "{:<10} {:>6} requests, {writes:>4.1} % writes, {:>7.1} cycles apart  {}",
                trace.name, info.requests, info.mean_interval_cycles, trace.description
            )?;
        }
    }
    if json {
        writeln!(output, "{}", serde_json::to_string_pretty(&all)?)?;
    }
    Ok(())
}

fn info(workload: &str, json: bool) -> Result<()> {
    let info = TraceInfo::collect(Workload::parse(workload)?.requests()?)?;
    let mut output = std::io::stdout().lock();
    if json {
        writeln!(output, "{}", serde_json::to_string_pretty(&info)?)?;
    } else {
        writeln!(output, "{info}")?;
    }
    Ok(())
}
