use proptest::prelude::*;
use shared::ports::{ChatMessage, Role};
use shared::tools::{PromptTools, RoundCall, RoundResult, ToolName, ToolRound};

use super::*;

const CLAUDE: ProviderName = ProviderName::Claude;

fn built_in() -> Prices {
    Prices::built_in().unwrap()
}

fn usage(input: u64, cached: u64, written: u64, output: u64) -> Usage {
    Usage {
        input_tokens: input,
        cached_input_tokens: cached,
        cache_write_tokens: written,
        output_tokens: output,
    }
}

#[track_caller]
fn check(model: &str, usage: Usage, expected: Option<i64>) {
    assert_eq!(built_in().cost(CLAUDE, model, usage), expected.map(MicroUsd), "{model}");
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    assert_eq!(Prices::parse("prices.json", text).unwrap_err().to_string(), expected);
}

fn list(entries: &str) -> String {
    format!(r#"{{"unit": "micro-USD per million tokens", "models": [{entries}]}}"#)
}

#[test]
fn tokens_cost_what_the_list_says() {
    check("claude-haiku-5-5", usage(10_000, 0, 0, 1_000), Some(1_500));
    check("claude-haiku-5-5", usage(10_000, 9_000, 0, 0), Some(190));
    check("claude-haiku-5-5", usage(10_000, 0, 10_000, 0), Some(1_250));
    check("gpt-6-luna", usage(1_000, 1_000, 0, 1_000), Some(510));
}

#[test]
fn costs_are_rounded_up() {
    check("gpt-6-luna", usage(1, 0, 0, 0), Some(1));
    check("gpt-6-luna", usage(11, 0, 0, 0), Some(2));
    check("gpt-6-luna", usage(0, 0, 0, 0), Some(0));
}

#[test]
fn a_model_that_is_not_listed_has_no_cost() {
    check("llama-9", usage(1, 0, 0, 1), None);
    check("gpt-6-luna-pro", usage(1, 0, 0, 1), None);
    check("gpt-6", usage(1, 0, 0, 1), None);
    check("claude-haiku-5-55", usage(1, 0, 0, 1), None);
    check("", usage(1, 0, 0, 1), None);
}

#[test]
fn a_dated_version_costs_what_its_model_costs() {
    for model in
        ["claude-haiku-5-5-20261001", "claude-haiku-5-5@20261001", "claude-haiku-5-5-latest"]
    {
        check(model, usage(10, 0, 0, 0), Some(1));
    }
    check("gpt-6-luna-2026-10-01", usage(10, 0, 0, 0), Some(1));
}

#[test]
fn a_long_prompt_costs_more_and_one_beyond_the_listed_sizes_has_no_cost() {
    check("claude-haiku-5-5", usage(100_000, 0, 0, 0), Some(10_000));
    check("claude-haiku-5-5", usage(100_001, 0, 0, 0), Some(50_001));
    check("gpt-6-luna", usage(300_000, 0, 0, 0), Some(60_000));
    let short = r#"{"model": "m", "source": "s", "read": "2026-11",
        "tiers": [{"prompt_tokens": 10, "input": 1000000, "output": 9}]}"#;
    let prices = Prices::parse("prices.json", &list(short)).unwrap();
    assert_eq!(prices.cost(CLAUDE, "m", usage(10, 0, 0, 0)), Some(MicroUsd(10)));
    assert_eq!(prices.cost(CLAUDE, "m", usage(11, 0, 0, 0)), None);
}

#[test]
fn the_longest_listed_name_wins_and_the_tier_fits_the_prompt() {
    let short =
        r#"{"model": "m", "source": "s", "read": "2026-11", "tiers": [{"input": 9, "output": 9}]}"#;
    let long = r#"{"model": "m-20260101", "source": "s", "read": "2026-11", "tiers": [
        {"prompt_tokens": 10, "input": 1000000, "output": 0},
        {"input": 2000000, "output": 0}]}"#;
    let prices = Prices::parse("prices.json", &list(&format!("{short},{long}"))).unwrap();
    assert_eq!(prices.cost(CLAUDE, "m-20260101", usage(10, 0, 0, 0)), Some(MicroUsd(10)));
    assert_eq!(prices.cost(CLAUDE, "m-20260101", usage(11, 0, 0, 0)), Some(MicroUsd(22)));
    assert_eq!(prices.highest_cost(CLAUDE, "m-20260101", 11, 0), MicroUsd(22));
}

#[test]
fn answers_without_a_model_cost_nothing() {
    let prices = built_in();
    assert_eq!(prices.cost(ProviderName::Offline, "extract", usage(9, 0, 0, 9)), Some(MicroUsd(0)));
    assert_eq!(prices.highest_cost(ProviderName::Offline, "extract", 9, 9), MicroUsd(0));
}

#[test]
fn a_budget_counts_unlisted_models_at_the_highest_listed_price() {
    let prices = built_in();
    assert_eq!(
        prices.budget_cost(CLAUDE, "llama-9", usage(1_000_000, 0, 1_000_000, 0)),
        MicroUsd(5_000_000)
    );
    assert_eq!(prices.highest_cost(CLAUDE, "llama-9", 1_000_000, 0), MicroUsd(5_000_000));
}

#[test]
fn a_model_has_its_price_under_its_name_on_bedrock_too() {
    let prices = built_in();
    let used = usage(1_000_000, 0, 0, 0);
    for model in [
        "claude-sonnet-5-5",
        "claude-sonnet-5-5-20260901",
        "anthropic.claude-sonnet-5-5-v1:0",
        "us.anthropic.claude-sonnet-5-5-20260901-v1:0",
        "global.anthropic.claude-sonnet-5-5",
        "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/\
        eu.anthropic.claude-sonnet-5-5-v1:0",
    ] {
        let cost = prices.cost(ProviderName::Bedrock, model, used);
        assert_eq!(cost, Some(MicroUsd(2_000_000)), "{model}");
    }
    assert_eq!(
        prices.cost(ProviderName::Bedrock, "us.anthropic.claude-sonnet-5-5-mini", used),
        None
    );
    assert_eq!(prices.cost(ProviderName::Bedrock, "amazon.nova-v1:0", used), None);
}

#[test]
fn prices_of_ones_own_are_added_and_replace_the_built_in_ones() {
    let entry = |model: &str| {
        let tiers = r#"[{"input": 7, "output": 7}]"#;
        format!(r#"{{"model": "{model}", "source": "s", "read": "2026-11", "tiers": {tiers}}}"#)
    };
    let own = list(&format!("{},{}", entry("llama-9"), entry("gpt-6-luna")));
    let from =
        |value: &str| Prices::from_env(&Environment::default().with("CHATBOT_PRICES", value));
    let prices = from(&own).unwrap();
    let cost = |model| prices.cost(ProviderName::OpenAi, model, usage(1_000_000, 0, 0, 0));
    assert_eq!([cost("llama-9"), cost("gpt-6-luna")], [Some(MicroUsd(7)); 2]);
    assert_eq!(cost("claude-sonnet-5-5"), Some(MicroUsd(2_000_000)));
    let missing = from("/nowhere/prices.json").unwrap_err().to_string();
    assert!(
        missing.starts_with("CHATBOT_PRICES: /nowhere/prices.json: the file cannot be read"),
        "{missing}"
    );
}

#[test]
fn an_error_names_the_file_and_the_entry() {
    check_error("{", "prices.json: the file: EOF while parsing an object at line 1 column 1");
    check_error(
        r#"{"unit": "cents", "models": []}"#,
        r#"prices.json: unit: must be "micro-USD per million tokens""#,
    );
    let good =
        r#"{"model": "m", "source": "s", "read": "2026-11", "tiers": [{"input": 9, "output": 9}]}"#;
    check_error(&list(&format!("{good},{good}")), "prices.json: models[1] (m): is listed twice");
    check_error(
        &list(&good.replace("output", "outputs")),
        "prices.json: models[0] (m): unknown field `outputs`, expected one of \
         `prompt_tokens`, `input`, `output`, `cache_read`, `cache_write`",
    );
    check_error(
        &list(&good.replace("[{\"input\": 9, \"output\": 9}]", "[]")),
        "prices.json: models[0] (m): needs a model and at least one tier",
    );
    check_error(
        &list(&good.replace("9}]", r#"9}, {"input": 1, "output": 1}]"#)),
        "prices.json: models[0] (m): tiers must grow by prompt_tokens, and only the last may \
        leave it out",
    );
}

#[test]
fn a_prompt_has_no_more_tokens_than_counted_bytes() {
    let message = |text: &str| ChatMessage { role: Role::User, text: text.to_owned() };
    let messages = vec![message("é"), message("ab")];
    let mut prompt = Prompt {
        system: "abc".to_owned(),
        messages,
        document: None,
        found: None,
        max_tokens: 1,
        model: None,
        caching: None,
        tools: PromptTools::default(),
    };
    assert_eq!(prompt_bytes(&prompt), 2 + 2 + 3 + 4 * FRAMING_BYTES);
    let name = ToolName::parse("xy").unwrap();
    let result = RoundResult { text: "seven".to_owned(), is_error: false };
    let call = RoundCall { id: String::new(), name, arguments: "{}".to_owned(), result };
    prompt.tools.rounds.push(ToolRound {
        text: "abc".to_owned(),
        calls: vec![call],
        thinking: None,
    });
    assert_eq!(prompt_bytes(&prompt), 2 + 2 + 3 + 3 + 4 + 5 + 7 * FRAMING_BYTES);
}

proptest! {
    #[test]
    fn no_call_costs_more_than_its_highest_cost(
        model in prop::sample::select(vec!["claude-haiku-5-5", "gpt-6-luna", "llama-9"]),
        bytes in 0_u64..300_000,
        max_tokens in 0_u32..100_000,
        shares in [0_f64..=1.0, 0_f64..=1.0, 0_f64..=1.0, 0_f64..=1.0],
    ) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share"
        )]
        let part = |whole: u64, share: f64| (whole as f64 * share) as u64;
        let input = part(bytes, shares[0]);
        let cached = part(input, shares[1]);
        let written = part(input - cached, shares[2]);
        let output = part(u64::from(max_tokens), shares[3]);
        let usage = usage(input, cached, written, output);
        let prices = built_in();
        let highest = prices.highest_cost(CLAUDE, model, bytes, max_tokens);
        prop_assert!(prices.budget_cost(CLAUDE, model, usage) <= highest);
        if let Some(cost) = prices.cost(CLAUDE, model, usage) {
            prop_assert!(cost <= highest && cost >= MicroUsd(0));
        }
    }

    #[test]
    fn no_counts_overflow(
        input: u64,
        cached: u64,
        written: u64,
        output: u64,
        model: String,
        max_tokens: u32,
    ) {
        let prices = built_in();
        let used = usage(input, cached, written, output);
        prop_assert!(prices.budget_cost(CLAUDE, "gpt-6-luna", used) >= MicroUsd(0));
        prop_assert!(prices.budget_cost(CLAUDE, &model, used) >= MicroUsd(0));
        prop_assert!(prices.highest_cost(CLAUDE, &model, input, max_tokens) >= MicroUsd(0));
    }
}
