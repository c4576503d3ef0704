//! `hwgym report --serve`: the interactive report of a running study, for a browser on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use crate::experiments::{Report, Store, interactive};

/// Bytes of a request that are read at most.
const REQUEST: u64 = 16 << 10;

/// Serves the report on the loopback interface until the program is stopped; each request reads the records anew.
pub fn serve(directory: &Path, port: u16) -> anyhow::Result<ExitCode> {
    Store::open(directory)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("port {port} of 127.0.0.1"))?;
    let port = listener.local_addr()?.port();
    println!("http://127.0.0.1:{port}/ shows what there is; reload for more, Ctrl-C ends it");
    for stream in listener.incoming() {
        // A browser that went away is no error of ours.
        let Ok(stream) = stream else { continue };
        if let Err(error) = answer(stream, directory, port) {
            eprintln!("warning: {error:#}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(stream: TcpStream, directory: &Path, port: u16) -> anyhow::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_write_timeout(Some(Duration::from_secs(30)))?;
    let mut lines = BufReader::new((&stream).take(REQUEST)).lines();
    let Some(Ok(request)) = lines.next() else { return Ok(()) };
    let mut host = None;
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        if let Some((_, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("host")) {
            host = Some(value.trim().to_string());
        }
    }
    // Pages of other sites can make a browser ask here, but not under these names.
    let own = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let (status, kind, body) = match request.as_str() {
        _ if !host.is_some_and(|host| own.contains(&host)) => {
            ("403 Forbidden", "text/plain", "asked under another name\n".to_string())
        }
        line if line.starts_with("GET / ") => match page(directory) {
            Ok(page) => ("200 OK", "text/html; charset=utf-8", page),
            Err(error) => ("500 Internal Server Error", "text/plain; charset=utf-8", format!("{error:#}\n")),
        },
        _ => ("404 Not Found", "text/plain", "the report is at /\n".to_string()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        body.len()
    );
    (&stream).write_all(head.as_bytes())?;
    (&stream).write_all(body.as_bytes())?;
    Ok(())
}

fn page(directory: &Path) -> anyhow::Result<String> {
    let store = Store::open(directory)?;
    Ok(interactive::page(&Report::of(&store, true)?, &store)?)
}
