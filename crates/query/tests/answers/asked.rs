//! All questions of one kind, and how many answers are wrong.

use crate::differs::Differs;
use crate::questions::Question;

/// Asks all questions and says how many answers are wrong, with the first of them. Those in
/// `differs` are answered otherwise by design: the number of the question and the reason. Should one
/// of them be answered as recorded, the list is wrong.
pub(crate) fn ask_all(
    what: &str,
    questions: &[Question],
    differs: &[Differs],
    text: impl Fn(&Question) -> String,
    ask: impl Fn(&Question) -> Result<(), String>,
) {
    let mut wrong = Vec::new();
    for question in questions {
        let id = &question.id;
        let by_design = differs.iter().any(|(other, _)| other == id);
        match ask(question) {
            Err(why) if !by_design => wrong.push(format!("{id} {}: {why}", text(question))),
            Ok(()) if by_design => wrong.push(format!("{id} is answered as recorded")),
            _ => {}
        }
    }
    let first: Vec<&str> = wrong.iter().map(String::as_str).take(60).collect();
    assert!(
        wrong.is_empty(),
        "{what}: {} of {} answers are wrong:\n{}",
        wrong.len(),
        questions.len(),
        first.join("\n")
    );
}
