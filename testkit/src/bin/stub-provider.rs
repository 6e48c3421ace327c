//! Runs the stub provider by itself, for browser tests and by hand.

use std::io::{self, Write};
use std::time::Duration;

use clap::Parser;
use testkit::stub_provider::{Behaviour, Options, Reply, StubProvider};

/// A provider that speaks both model protocols on 127.0.0.1.
#[derive(Debug, Parser)]
struct Flags {
    /// Port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Tokens of each reply; without it, a short text of several scripts.
    #[arg(long)]
    tokens: Option<usize>,
    /// Milliseconds before each token.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// Answer at once without a look at the request: no checks, no markers.
    #[arg(long)]
    blind: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let flags = Flags::parse();
    let reply = flags.tokens.map_or_else(Reply::default, Reply::words);
    let behaviour = Behaviour::Reply(reply.paced(Duration::from_millis(flags.delay_ms)));
    let options = Options { port: flags.port, inspect: !flags.blind };
    let stub = StubProvider::start_with(behaviour, options).await?;
    writeln!(io::stdout(), "{}", stub.url())?;
    tokio::signal::ctrl_c().await
}
