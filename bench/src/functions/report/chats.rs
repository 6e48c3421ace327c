//! The figures of chats, with their targets.

use super::super::cloud::Counts;
use super::super::load::{self, Memory, Places};
use super::super::{cost, settings};
use super::row;
use crate::measure::Spread;
use crate::report::{Target, table};
use testkit::lambda::FunctionProgram;

const CHATS: &str = "\
A chat is one message through all three functions, with an open WebSocket and a reply in 50 \
pieces.
The table is on moto, the provider is the stub, and all other services respond at once. CPU \
time is that of the functions' own processes, with a reply that takes one second, in sessions \
of ten messages; for the Python function, with the same reply.
The Python function stores nothing, does not stream, and sends one event.
Memory is measured with replies that arrive at once, in sessions of ten messages.
";
const COST: &str = "\
Calls are counted at the services for the second message on an open WebSocket, answered in five \
seconds, with the document cache and budgets off; write units are calculated from every item \
before and after each write.
The event source mapping's calls to SQS are added to the functions' own: each of two messages \
is received and deleted.
Not included: secrets and the provider order, which are fetched every few minutes; idle polling \
of the queues, which is billed without chats; logs, alarms, traffic and the model.
Prices are on-demand list prices in us-east-1 after November 2024; check them before relying on \
them.
The sum of quantity × price. Lambda is busy 5.2 s per chat in total, at 128 MB.
";

/// The figures of chats.
pub(super) struct Chats {
    counts: Counts,
    time: Vec<(&'static str, f64)>,
    peer_time: Option<f64>,
    memory: Vec<Memory>,
    messages: usize,
}

impl Chats {
    /// Runs chats over the functions, and the same chats over the Python function.
    pub(super) async fn measure(
        places: Places<'_>,
        chats: usize,
        messages: usize,
        programs: &[FunctionProgram],
    ) -> anyhow::Result<Self> {
        let counts = load::count(places).await?;
        let time = load::time(places, chats).await?;
        let peer = programs.iter().find(|program| program.name == settings::PEER);
        let peer_time = match peer {
            Some(peer) => Some(load::peer_time(peer, places, chats).await?),
            None => None,
        };
        Ok(Self {
            counts,
            time,
            peer_time,
            memory: load::memory(places, messages).await?,
            messages,
        })
    }

    /// Returns the figures that have a target.
    #[expect(clippy::cast_precision_loss, reason = "a chat's calls are few")]
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let one = |figure: &str, bound, value: f64, unit, digits| {
            row(figure, "chat", Target::AtMost(bound), Spread::of([value]), unit, digits)
        };
        let mut rows = Vec::new();
        for Memory { name, few, many } in self.memory.iter().copied() {
            let resident = Spread::of([many]);
            rows.push(row(
                &format!("memory after {} messages", self.messages),
                name,
                Target::AtMost(20.0),
                resident,
                "MB",
                1,
            ));
            let growth = Spread::of([(many / few - 1.0) * 100.0]);
            rows.push(row(
                "memory growth from a tenth of them",
                name,
                Target::AtMost(2.0),
                growth,
                "%",
                1,
            ));
        }
        if let Some(peer) = self.peer_time {
            let sum: f64 = self.time.iter().map(|(_, time)| time).sum();
            rows.push(one("CPU time against Python", 0.2, sum / peer, "×", 3));
        }
        let counts = &self.counts;
        rows.push(one("SQS calls", 8.0, cost::queue_calls(counts) as f64, "calls", 0));
        rows.push(one("DynamoDB writes", 24.0, counts.writes as f64, "units", 0));
        rows.push(one("events", 1.0, counts.events as f64, "events", 0));
        rows.push(one("WebSocket frames", 17.0, counts.frames as f64, "frames", 0));
        rows.push(one("cost of 1,000 chats", 0.06, cost::thousand(&cost::prices(counts)), "$", 4));
        rows
    }

    /// Returns the tables behind them.
    pub(super) fn section(&self) -> String {
        let mut lines: Vec<_> = self
            .time
            .iter()
            .map(|(name, time)| vec![(*name).to_owned(), format!("{time:.2}")])
            .collect();
        lines.extend(
            self.peer_time.map(|time| vec![settings::PEER.to_owned(), format!("{time:.2}")]),
        );
        let time = table(&["program", "CPU milliseconds per chat"], &lines);
        let memory = |memory: &Memory| {
            vec![
                memory.name.to_owned(),
                format!("{:.1}", memory.few),
                format!("{:.1}", memory.many),
            ]
        };
        let memory: Vec<_> = self.memory.iter().map(memory).collect();
        let memory =
            table(&["program", "resident MB after a tenth of the messages", "after all"], &memory);
        let prices = cost::prices(&self.counts);
        let bill = |price: &cost::Price| {
            vec![
                price.name.to_owned(),
                format!("{}", price.quantity),
                format!("{}", price.million),
                format!("{:.5}", price.quantity * price.million / 1e3),
            ]
        };
        let mut bills: Vec<_> = prices.iter().map(bill).collect();
        bills.push(vec![
            "sum".to_owned(),
            String::new(),
            String::new(),
            format!("{:.5}", cost::thousand(&prices)),
        ]);
        let bills = table(&["item", "per chat", "$ per million", "$ per 1,000 chats"], &bills);
        format!("\n## Chats\n\n{CHATS}\n{time}\n{memory}\n## Cost\n\n{COST}\n{bills}")
    }
}
