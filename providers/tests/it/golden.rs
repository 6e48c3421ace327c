//! The `offline` answerer on the sample school: the answer is in the quoted lines, or it declines.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test helpers fail by panicking, and the misses are worth reading"
)]

use std::path::Path;

use providers::offline::quote;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct Document {
    id: String,
    title: String,
    content: Vec<String>,
}

/// A list of questions, written before the answerer was tuned.
#[derive(Deserialize)]
struct Questions {
    answered: Vec<Answered>,
    declined: Vec<Question>,
    /// A limit of matching words: a line that only mentions the subject is quoted.
    quoted_without_an_answer: Vec<Question>,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(flatten)]
    asked: Question,
    /// For each entry, one quoted line must hold all of its parts.
    answer: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct Question {
    document: String,
    question: String,
}

struct School(Vec<Document>);

impl School {
    fn load() -> Self {
        Self(read("../local/school/documents.json"))
    }

    fn document(&self, id: &str) -> &Document {
        self.0
            .iter()
            .find(|document| document.id == id)
            .expect("the question names a document of the school")
    }

    fn quote(&self, asked: &Question) -> Option<Vec<String>> {
        let document = self.document(&asked.document);
        let content = document.content.join("\n");
        let lines = quote(&document.title, &content, &asked.question)?;
        Some(lines.into_iter().map(str::to_owned).collect())
    }

    fn answers(&self, question: &Answered) -> bool {
        let lines = self.quote(&question.asked).unwrap_or_default();
        let held = |parts: &Vec<String>| {
            lines.iter().any(|line| parts.iter().all(|part| line.contains(part)))
        };
        question.answer.iter().all(held)
    }
}

fn read<T: DeserializeOwned>(path: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn check(list: &str, at_least_answered: usize) {
    let school = School::load();
    let questions: Questions = read(&format!("tests/golden/{list}.json"));
    let missed: Vec<&Answered> =
        questions.answered.iter().filter(|question| !school.answers(question)).collect();
    for question in &missed {
        println!("not answered: {}: {:?}", question.asked.question, school.quote(&question.asked));
    }
    let answered = questions.answered.len() - missed.len();
    println!("{list}: {answered} of {} answered", questions.answered.len());
    assert!(answered >= at_least_answered, "{answered} of {} answered", questions.answered.len());
    for asked in &questions.declined {
        assert_eq!(school.quote(asked), None, "{}", asked.question);
    }
    for asked in &questions.quoted_without_an_answer {
        assert_ne!(school.quote(asked), None, "{} is declined now: move it", asked.question);
    }
}

#[test]
fn nine_of_ten_golden_questions_are_answered_and_those_without_an_answer_declined() {
    check("school", 27);
}

#[test]
fn questions_that_were_not_tuned_for_keep_their_figure() {
    check("held_out", 7);
}

#[test]
fn the_first_document_holds_what_the_others_say_about_classes() {
    let school = School::load();
    let whole = &school.0[0];
    assert_eq!(whole.id, "school");
    let others = school.0.iter().filter(|document| !document.id.starts_with("teacher-"));
    for line in others.flat_map(|document| &document.content) {
        assert!(whole.content.contains(line), "{line}");
    }
    assert!(whole.content.join("\n").len() < 20_000, "the whole school must fit a prompt");
}

#[test]
fn nobody_teaches_two_classes_at_once() {
    let school = School::load();
    let mut taken = std::collections::HashMap::new();
    for line in &school.document("school").content {
        let Some((place, lesson)) = line.split_once("): ") else {
            continue;
        };
        let (class, time) = place.split_once(", ").expect("a lesson names its class first");
        let (_, teacher) = lesson.split_once(" with ").expect("a lesson names its teacher");
        let other = taken.insert((time.to_owned(), teacher.to_owned()), class.to_owned());
        assert_eq!(other, None, "{line}");
    }
    assert_eq!(taken.len(), 150);
}
