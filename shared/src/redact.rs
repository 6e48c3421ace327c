//! What is wrong with some JSON, said without the texts in it: they may be somebody's words, and
//! errors are logged.

/// How serde begins the errors that quote a text.
const QUOTING: [&str; 3] = ["invalid type: string", "invalid value: string", "unknown variant"];

/// Leaves out what serde quotes; what was expected instead is a text of our own, and comes last.
pub fn redact(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let Some(kind) = QUOTING.into_iter().find(|kind| text.starts_with(kind)) else { return text };
    let expected = text.rfind(", expected").and_then(|at| text.get(at..)).unwrap_or_default();
    format!("{kind}{expected}")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::redact;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Blue,
    }

    #[track_caller]
    fn check<T: for<'a> Deserialize<'a> + std::fmt::Debug>(json: &str, expected: &str) {
        assert_eq!(redact(&serde_json::from_str::<T>(json).unwrap_err()), expected);
    }

    #[test]
    fn no_text_is_quoted_and_the_rest_stays() {
        assert!(matches!(serde_json::from_str(r#""blue""#), Ok(Colour::Blue)));
        check::<u64>(
            r#""a secret, expected or not""#,
            "invalid type: string, expected u64 at line 1 column 27",
        );
        check::<Colour>(r#""secret""#, "unknown variant, expected `blue` at line 1 column 8");
        check::<char>(
            r#""secret""#,
            "invalid value: string, expected a character at line 1 column 8",
        );
        check::<u64>("secret", "expected value at line 1 column 1");
        check::<u64>("[1]", "invalid type: sequence, expected u64 at line 1 column 0");
    }
}
