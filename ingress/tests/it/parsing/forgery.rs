//! Texts that are almost a given one.

const BASE64URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Returns every text that is one slip away from a text of ASCII: a bit, a character left out,
/// doubled or swapped with the next, the end cut off.
pub(super) fn slips(text: &str) -> Vec<String> {
    let mut slips = Vec::new();
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        let before = &text[..at];
        let after = &text[at + 1..];
        let here = &text[at..=at];
        slips.extend(
            (0..7).map(|bit| format!("{before}{}{after}", char::from(bytes[at] ^ (1 << bit)))),
        );
        slips.push(format!("{before}{after}"));
        slips.push(format!("{before}{here}{here}{after}"));
        slips.push(format!(
            "{before}{}{here}{}",
            after.get(..1).unwrap_or("A"),
            after.get(1..).unwrap_or("")
        ));
        slips.push(before.to_owned());
    }
    slips.retain(|slip| slip != text);
    slips
}

/// Returns the text with its parts in every other order, some of them missing, or some of another
/// text's.
pub(super) fn rearranged(text: &str, other: &str) -> Vec<String> {
    let (parts, others): (Vec<&str>, Vec<&str>) =
        (text.split('.').collect(), other.split('.').collect());
    let [a, b, c] = parts[..] else { panic!("{text} has three parts") };
    assert_eq!(others.len(), 3, "{other} has three parts");
    let orders = [
        [a, c, b],
        [b, a, c],
        [b, c, a],
        [c, a, b],
        [c, b, a],
        [a, b, b],
        [a, b, ""],
        [a, "", c],
        ["", b, c],
    ];
    let mixed =
        [[a, b, others[2]], [a, others[1], c], [others[0], others[1], c], [a, others[1], ""]];
    let mut all: Vec<String> = orders.iter().chain(&mixed).map(|parts| parts.join(".")).collect();
    all.extend([
        format!("{a}.{b}"),
        format!("{b}.{c}"),
        format!("{text}."),
        format!(".{text}"),
        format!("{text}.{c}"),
    ]);
    all.extend([
        format!("{a}..{b}.{c}"),
        format!("{text}.{c}.{c}"),
        format!("{text}{text}"),
        format!("{text},{text}"),
    ]);
    all.retain(|rearranged| rearranged != text && rearranged != other);
    all
}

/// Returns the text with its parts in other spellings of base64: padded, in the standard alphabet,
/// with white space, and with every other last character, some of which only set bits that the
/// bytes leave over.
pub(super) fn respelled(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('.').collect();
    let mut all = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let (start, last) = part.split_at(part.len() - 1);
        let others = BASE64URL
            .chars()
            .filter(|other| !last.starts_with(*other))
            .map(|other| format!("{start}{other}"));
        let padded = ["=", "==", "===", "A", "\n", "%3D"].map(|tail| format!("{part}{tail}"));
        let standard = part.replace('-', "+").replace('_', "/");
        for spelled in others.chain(padded).chain([standard]).filter(|spelled| spelled != part) {
            let mut parts: Vec<&str> = parts.clone();
            parts[at] = &spelled;
            all.push(parts.join("."));
        }
    }
    all
}
