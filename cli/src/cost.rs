//! `yogi cost`: the estimated monthly cost on AWS.

use providers::Prices;
use serde_json::json;
use shared::domain::{MicroUsd, ProviderName, Usage};

use crate::args::CostArgs;
use crate::backend::DataPolicy;
use crate::context::Context;
use crate::exit::{ExitStatus, usage};
use crate::output::{Table, Tone, count, money, note};

const DAYS: f64 = 30.0;
const ASSUMED_INPUT: u64 = 1_000;
const ASSUMED_OUTPUT: u64 = 200;
const LOOK_BACK: std::time::Duration = std::time::Duration::from_hours(168);

/// The billed resources that a chat uses, with their list prices per million in us-east-1: the
/// formula of `docs/DEPLOY.md`.
///
/// A chat is the second message on an open socket with a reply of five seconds, without cache and
/// budgets.
const BILLED: [(&str, f64, f64); 9] = [
    ("REST requests", 1.0, 3.50),
    ("WebSocket messages", 16.0, 1.00),
    ("WebSocket minutes", 1.0, 0.25),
    ("SQS FIFO requests", 7.0, 0.50),
    ("DynamoDB write units", 24.0, 0.625),
    ("DynamoDB read units", 15.0, 0.125),
    ("events", 1.0, 1.00),
    ("Lambda requests", 3.0, 0.20),
    ("Lambda GB-seconds (arm64)", 0.65, 13.3334),
];
/// The cost of an unused stack in US dollars per month: two secrets and the alarms.
const IDLE: [(&str, f64); 2] = [("two secrets", 0.80), ("thirteen alarms", 1.50)];

/// The model and the tokens of a chat.
struct Chat {
    provider: ProviderName,
    model: String,
    usage: Usage,
    measured: Option<u64>,
}

/// Runs the command.
pub(crate) async fn run(context: &Context, what: &CostArgs) -> anyhow::Result<ExitStatus> {
    context
        .with_backend(DataPolicy::Look, |backend| async move {
            let status = backend.status().await?;
            let now = context.now();
            let figures = backend.stats(now.minus(LOOK_BACK), now, LOOK_BACK).await?.totals;
            let preferred =
                status.providers.iter().flatten().find(|provider| provider.model.is_some());
            let model = what
                .model
                .clone()
                .or_else(|| preferred.and_then(|provider| provider.model.clone()));
            let Some(model) = model else {
                return Err(usage(
                    "this server has no model with a price: specify one with --model",
                ));
            };
            let turns = figures.turns;
            let mean = |sum: u64| sum.checked_div(turns).filter(|mean| *mean > 0);
            let measured = (what.input_tokens.is_none() && mean(figures.input_tokens).is_some())
                .then_some(turns);
            let usage = Usage {
                input_tokens: what
                    .input_tokens
                    .or(mean(figures.input_tokens))
                    .unwrap_or(ASSUMED_INPUT),
                output_tokens: what
                    .output_tokens
                    .or(mean(figures.output_tokens))
                    .unwrap_or(ASSUMED_OUTPUT),
                ..Usage::default()
            };
            let provider = preferred.map_or(ProviderName::Claude, |provider| provider.provider);
            show(context, what.chats_per_day, &Chat { provider, model, usage, measured })
        })
        .await
}

#[expect(clippy::cast_precision_loss, reason = "amounts are rounded for display")]
fn show(context: &Context, chats_per_day: u64, chat: &Chat) -> anyhow::Result<ExitStatus> {
    let month = chats_per_day as f64 * DAYS;
    let Chat { provider, model, usage: tokens, measured } = chat;
    let price = Prices::built_in()?.cost(*provider, model, *tokens);
    let mut table = Table::new(&[
        "resource",
        ">per chat",
        ">$ per million",
        ">$ per 1,000 chats",
        ">$ per month",
    ]);
    let mut aws = 0.0;
    for (name, quantity, million) in BILLED {
        let thousand = quantity * million / 1e3;
        aws += thousand;
        table.row([
            name.to_owned(),
            format!("{quantity}"),
            format!("{million}"),
            format!("{thousand:.4}"),
            format!("{:.2}", thousand * month / 1e3),
        ]);
    }
    let aws_month = aws * month / 1e3;
    let idle: f64 = IDLE.iter().map(|(_, dollars)| dollars).sum();
    let model_month = price.map(|MicroUsd(micro)| micro as f64 * month / 1e6);
    context.output.object(&json!({
        "type": "cost", "chats_per_day": chats_per_day, "model": model,
        "input_tokens": tokens.input_tokens,
        "output_tokens": tokens.output_tokens, "aws_usd_per_month": aws_month,
        "idle_usd_per_month": idle,
        "model_usd_per_month": model_month,
        "model_usd_per_chat": price.map(|MicroUsd(micro)| micro as f64 / 1e6),
        "total_usd_per_month": model_month.map(|model| model + aws_month + idle),
    }));
    let output = context.output;
    output.table(&table);
    output.line("");
    let mut sums = Table::new(&["", ">$ per month"]);
    sums.row([format!("AWS, {} chats per day", count(chats_per_day)), format!("{aws_month:.2}")]);
    sums.row(["AWS, idle (two secrets, thirteen alarms)".to_owned(), format!("{idle:.2}")]);
    let per_chat = price.map_or_else(|| "no price".to_owned(), money);
    let tokens_of =
        format!("{} in and {} out", count(tokens.input_tokens), count(tokens.output_tokens));
    sums.row([
        format!("{model}, {tokens_of} per chat: {per_chat}"),
        model_month.map_or_else(|| "?".to_owned(), |dollars| format!("{dollars:.2}")),
    ]);
    if let Some(model_month) = model_month {
        sums.row(["total".to_owned(), format!("{:.2}", aws_month + idle + model_month)]);
        sums.tone(0, Tone::Bold);
    }
    output.table(&sums);
    output.line("");
    output.line(&match measured {
        Some(turns) => {
            format!("Token counts are the mean of this server's last {} messages.", count(*turns))
        }
        None => {
            "Token counts were given or assumed; set them with --input-tokens and --output-tokens."
                .to_owned()
        }
    });
    output.line(
        "The call counts are upper bounds; see docs/DEPLOY.md for the formula, what it \
        leaves out, and its sources.",
    );
    if price.is_none() {
        note(&format!(
            "{model} is in no price list (providers/prices.json), so its cost is unknown"
        ));
        return Ok(ExitStatus::Partial);
    }
    Ok(ExitStatus::Success)
}
