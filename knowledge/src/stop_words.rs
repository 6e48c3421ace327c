//! Words that carry grammar rather than content.

/// English and German words that tell nothing of what a question is about, in lower case and in
/// the order of their bytes.
const STOP_WORDS: &[&str] = &[
    "a", "aber", "about", "all", "alle", "als", "also", "am", "an", "and", "any", "are", "as",
    "at", "auch", "auf", "aus", "be", "been", "bei", "beim", "bin", "bis", "but", "by", "can",
    "could", "da", "dann", "darf", "das", "dass", "dem", "den", "denn", "der", "des", "did", "die",
    "dies", "diese", "dieser", "dieses", "do", "does", "du", "durch", "ein", "eine", "einem",
    "einen", "einer", "eines", "er", "es", "euch", "for", "from", "für", "gibt", "had", "has",
    "hat", "have", "he", "her", "here", "hier", "him", "his", "how", "i", "ich", "if", "ihm",
    "ihn", "ihr", "ihre", "im", "in", "into", "is", "ist", "it", "its", "kann", "kein", "keine",
    "man", "may", "me", "mein", "meine", "meinem", "meinen", "meiner", "mich", "might", "mir",
    "mit", "muss", "must", "my", "nach", "nicht", "no", "noch", "not", "nur", "oder", "of", "on",
    "or", "our", "please", "sein", "shall", "she", "should", "sich", "sie", "sind", "so", "soll",
    "some", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "to", "um", "und", "uns", "unser", "us", "vom", "von", "wann", "war", "warum",
    "was", "we", "welche", "welchem", "welchen", "welcher", "welches", "wem", "wen", "wer", "were",
    "what", "when", "where", "which", "who", "whom", "whose", "why", "wie", "will", "wir", "wird",
    "with", "wo", "would", "you", "your", "zu", "zum", "zur", "über",
];

/// Tells whether a word, in lower case, carries grammar rather than content.
pub(crate) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_in_order() {
        assert!(STOP_WORDS.is_sorted(), "the search in them is binary");
        assert!(is_stop_word("what") && is_stop_word("über") && !is_stop_word("bus"));
    }
}
